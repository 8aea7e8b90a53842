"""Rates out of what the rounds of a workspace told of themselves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from scalemai_core.forecast.assumed import ORDER
from scalemai_core.records.forecast import Rates, ReviewRate, StageRate, TrainingRate
from scalemai_core.records.pace import Pace
from scalemai_core.records.round import RoundResult

MINUTE = 60.0


def with_paces(rates: Rates, paces: Mapping[int, Sequence[Pace]], voxels: float) -> Rates:
    """The newest round in which a stage was worked tells its rate; the others stay assumed.

    ``paces`` by round, round 0 being ingestion; ``voxels`` of a mean scan of the workspace.
    """
    found: dict[str, StageRate] = {}
    for number, told in sorted(paces.items()):
        totals = [pace.total for pace in told if pace.unit == "scans"]
        # Every stage of a round looks at the same scans; every ingestion brings others.
        scans = max(totals, default=0) if number else sum(totals)
        for stage in ORDER:
            rate = _stage(rates, stage, [pace for pace in told if pace.stage == stage], scans)
            if rate is not None:
                own = {"source": f"round {number}" if number else "ingestion"}
                found[stage] = rate.model_copy(update=own)
    stages = tuple(found.get(s.stage, _scaled(s, voxels / rates.voxels)) for s in rates.stages)
    return rates.model_copy(update={"voxels": voxels, "stages": stages})


def _scaled(rate: StageRate, times: float) -> StageRate:
    """An assumed rate for scans of another size."""
    return rate.model_copy(update={"seconds": rate.seconds * times})


def _stage(rates: Rates, stage: str, told: list[Pace], scans: int) -> StageRate | None:
    """Twice in a round where challenger and champion are looked at: both count."""
    worked = sum(pace.worked for pace in told)
    if not worked or not scans:
        return None
    (assumed,) = (rate for rate in rates.stages if rate.stage == stage)
    seconds = sum(pace.work_seconds for pace in told) / worked
    share = sum(pace.total for pace in told) / scans
    return assumed.model_copy(update={"seconds": seconds, "share": share})


def with_training(rates: Rates, paces: Mapping[int, Sequence[Pace]]) -> Rates:
    """The newest training; how many steps there are is for the settings to say."""
    for number, told in sorted(paces.items(), reverse=True):
        steps = [pace for pace in told if pace.unit == "steps" and pace.worked]
        if steps:
            seconds = sum(p.work_seconds for p in steps) / sum(p.worked for p in steps)
            own = {"seconds": seconds, "source": f"round {number}"}
            training: TrainingRate = rates.training.model_copy(update=own)
            return rates.model_copy(update={"training": training})
    return rates


def with_review(rates: Rates, rounds: Sequence[RoundResult]) -> Rates:
    """What people were asked and how long it took them, over all rounds that asked them."""
    asked = [one for one in rounds if one.reviewed and one.human_minutes > 0]
    if not asked:
        return rates
    reviewed = sum(one.reviewed for one in asked)
    last = asked[-1]
    review = ReviewRate(
        masks=last.masks / max(1, last.scans),
        share=reviewed / sum(one.masks for one in asked),
        seconds=MINUTE * sum(one.human_minutes for one in asked) / reviewed,
        source=f"round {asked[0].number} to {last.number}" if len(asked) > 1
        else f"round {last.number}",
    )  # fmt: skip
    return rates.model_copy(update={"review": review})
