"""Model cards: what a dataset version and gold say of a model, gathered once and kept beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from statistics import median

import polars as pl

from scalemai_core.judge.decisions.promote import Promotion
from scalemai_core.learn.network.parameters import count_parameters
from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.card import (
    MaskCount,
    ModelCard,
    Population,
    ReportedScore,
    SourceCount,
    card_path,
)
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.scan import GoldRole, Scan
from scalemai_core.records.stage import StageInputs
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.catalog.rows import scans_of
from scalemai_core.store.workspace import Workspace
from tasks.dataset import model_document
from tasks.detection import detection_report
from tasks.round import plan_path


def write_card(inputs: StageInputs, promotion: Promotion, scores: pl.DataFrame) -> ModelCard:
    """The card of a model that was just judged, stored beside its weights."""
    store = Workspace.open(inputs.workspace)
    card = _unmeasured(store, inputs.model, inputs.plan.settings)
    verb = "promoted" if promotion.promoted else "not promoted"
    card = card.model_copy(
        update={
            "gold": promotion.score,
            "test": _tested(scores),
            "verdict": f"{verb}: {promotion.reason}",
        }
    )
    store.write_document(card_path(inputs.model.key), card)
    return card


def read_card(store: Workspace, key: str) -> ModelCard:
    """The stored card, or for a model older than cards what can still be said of it."""
    document = store.read_json(card_path(key))
    if document is not None:
        return ModelCard.model_validate(document)
    model = model_document(store, key)
    plan = RoundPlan.model_validate(store.read_json(plan_path(model.round)))
    return _unmeasured(store, model, plan.settings)


def _unmeasured(store: Workspace, model: ModelDocument, settings: EngineSettings) -> ModelCard:
    dataset = store.catalog.version(model.dataset_version)
    return ModelCard(
        name=settings.tracking.model,
        model=model,
        num_parameters=count_parameters(model.network, model.channels),
        dataset=dataset,
        train=settings.train,
        seed=settings.seed,
        trained=_population(
            list(scans_of(store.catalog.scans(dataset))),
            store.catalog.annotations(dataset, columns=("scan_id", "state", "origin", "weight")),
        ),
        gold=None,
        test=(),
        verdict="the round that made it kept no card",
        lesions=detection_report(store, model.key),
    )


def _population(scans: list[Scan], annotations: pl.DataFrame) -> Population:
    """Scans with a mask that taught; what failed in the round is among them."""
    outside_gold = {scan.scan_id for scan in scans if scan.gold is None}
    own = annotations.filter(pl.col("scan_id").is_in(sorted(outside_gold)))
    taught = own.filter((pl.col("state") == State.PRESENT.value) & (pl.col("weight") > 0))
    teaching = set(taught["scan_id"])
    seen = [scan for scan in scans if scan.scan_id in teaching]
    known = own.filter(
        pl.col("scan_id").is_in(sorted(teaching)) & (pl.col("state") != State.UNKNOWN.value)
    )
    made = known.filter(pl.col("weight") > 0).group_by("state", "origin").len()
    return Population(
        scans=len(seen),
        patients=len({scan.patient for scan in seen}),
        sources=_sources(seen),
        masks=tuple(
            MaskCount(state=state, origin=origin, masks=masks)
            for state, origin, masks in made.sort("state", "origin", descending=True).iter_rows()
            if origin != Origin.NONE.value
        ),
        held=known.filter(pl.col("weight") == 0).height,
        sexes=_tally({scan.patient: scan.sex.value for scan in seen if scan.sex}.values()),
        ages=_ages({scan.patient: scan.age_years for scan in seen if scan.age_years is not None}),
        phases=_tally(scan.phase for scan in seen if scan.phase),
        centres=len({scan.centre for scan in seen if scan.centre}),
    )


def _sources(seen: list[Scan]) -> tuple[SourceCount, ...]:
    return tuple(
        SourceCount(
            source=source,
            scans=sum(scan.source == source for scan in seen),
            patients=len({scan.patient for scan in seen if scan.source == source}),
        )
        for source in sorted({scan.source for scan in seen})
    )


def _tally(values: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(values).items()))


def _ages(ages: dict[str, float]) -> tuple[float, float, float] | None:
    if not ages:
        return None
    return min(ages.values()), median(ages.values()), max(ages.values())


def _tested(scores: pl.DataFrame) -> tuple[ReportedScore, ...]:
    """Means over the gold ``test`` scans that have a structure."""
    test = scores.filter((pl.col("gold") == GoldRole.TEST.value) & pl.col("dice").is_not_null())
    means = test.group_by("structure").agg(
        pl.col("patient").n_unique().alias("patients"), pl.col("dice").mean(), pl.col("nsd").mean()
    )
    return tuple(ReportedScore.model_validate(row) for row in means.sort("structure").to_dicts())
