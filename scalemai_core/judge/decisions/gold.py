"""What gold ``select`` says of a new model and of the champion, number by number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from scalemai_core.measure.statistics import Floats, Interval, paired_difference
from scalemai_core.records.gold import (
    Endpoint,
    Estimate,
    GoldScore,
    LesionScore,
    Measured,
    Sightings,
    StructureScore,
)
from scalemai_core.records.scan import GoldRole
from scalemai_core.settings.engine import EvaluateSettings
from scalemai_core.taxonomy.tolerances import load_tolerances

RARE = "rare structures together"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How intervals come about."""

    rng: np.random.Generator
    num: int

    def measure(
        self,
        new: Floats,
        old: Floats | None,
        patients: Sequence[str],
        pools: Sequence[Sequence[int]] = (),
    ) -> list[Measured | None]:
        """One a column (scans x columns) and pool; None where nothing was measured."""
        gain = None if old is None else self._interval(new, old, patients, pools)
        nothing = np.zeros_like(new)
        own = self._interval(new, nothing, patients, pools)
        others = None if old is None else self._interval(old, nothing, patients, pools)
        found = [
            (_estimate(own, k), _estimate(others, k), _estimate(gain, k))
            for k in range(len(own.estimate))
        ]
        return [
            None if value is None else Measured(new=value, champion=champion, gain=more)
            for value, champion, more in found
        ]

    def _interval(
        self,
        new: Floats,
        old: Floats,
        patients: Sequence[str],
        pools: Sequence[Sequence[int]],
    ) -> Interval:
        return paired_difference(new, old, patients, self.rng, num=self.num, pools=pools)


def score_gold(
    scores: pl.DataFrame,
    lesions: pl.DataFrame | None,
    settings: EvaluateSettings,
    rng: np.random.Generator,
    *,
    champion: bool,
) -> GoldScore | None:
    """Both models on gold ``select``; None where no patient of it has a mask.

    ``scores`` as ``promote`` takes them. Method reference, sections 10.2 and 10.3.
    """
    scores = scores.sort("scan_id", "structure")  # sums, and so bounds, follow the order
    select = _of_role(scores, GoldRole.SELECT)
    patients = select["patient"].n_unique()
    if not patients:
        return None
    test = _of_role(scores, GoldRole.TEST)
    draw = Resampling(rng=rng, num=settings.bootstraps)
    dice, nsd, structures, bounds = _structures(select, draw, settings, champion=champion)
    found = None if lesions is None else _lesions(lesions, draw, champion=champion)
    rising: dict[Endpoint, Measured | None] = {
        "dice": dice,
        "nsd": nsd,
        "lesion_sensitivity": found and found.sensitivity,
    }
    worst = min(bounds, key=lambda one: one[1], default=None)
    return GoldScore(
        patients=patients,
        endpoint=settings.primary,
        mean_dice=dice.new.value,
        champion_mean_dice=dice.champion.value if dice.champion else None,
        mean_nsd=nsd.new.value,
        champion_mean_nsd=nsd.champion.value if nsd.champion else None,
        tolerances=load_tolerances().version,
        gains={name: one.gain for name, one in rising.items() if one and one.gain},
        worst_structure=worst[0] if worst else None,
        worst_low=worst[1] if worst else None,
        structures=structures,
        sightings=_sightings(scores, champion=champion),
        lesions=found,
        test_patients=test["patient"].n_unique(),
        test_mean_dice=_mean(test, "dice"),
        test_mean_nsd=_mean(test, "nsd"),
    )


def _of_role(scores: pl.DataFrame, role: GoldRole) -> pl.DataFrame:
    """Where there is something to find: a scan without the structure has no Dice."""
    return scores.filter((pl.col("gold") == role.value) & pl.col("dice").is_not_null())


def _structures(
    select: pl.DataFrame, draw: Resampling, settings: EvaluateSettings, *, champion: bool
) -> tuple[Measured, Measured, tuple[StructureScore, ...], list[tuple[str, float]]]:
    """Mean Dice, mean surface Dice, every structure, and lower bounds of the loss by name."""
    names = sorted(select["structure"].unique())
    scans = select.unique("scan_id", maintain_order=True).sort("scan_id")["patient"].to_list()
    counts = dict(select.group_by("structure").agg(pl.col("patient").n_unique()).iter_rows())
    rare = [k for k, name in enumerate(names) if counts[name] < settings.min_patients]
    pools = [list(range(len(names))), *([rare] if rare else [])]
    measured = {
        key: draw.measure(
            _matrix(select, key, names),
            _matrix(select, f"champion_{key}", names) if champion else None,
            scans,
            pools,
        )
        for key in ("dice", "nsd")
    }
    structures = tuple(
        StructureScore(
            structure=name, patients=counts[name], dice=dice, nsd=nsd, bounded=k not in rare
        )
        for k, (name, dice, nsd) in enumerate(zip(names, *measured.values(), strict=False))
        if dice is not None and nsd is not None
    )
    bounds = [
        (one.structure, one.dice.gain.low) for one in structures if one.bounded and one.dice.gain
    ]
    together = measured["dice"][-1] if rare else None
    enough = select.filter(pl.col("structure").is_in([names[k] for k in rare]))
    if together and together.gain and enough["patient"].n_unique() >= settings.min_patients:
        bounds.append((RARE, together.gain.low))
    dice, nsd = measured["dice"][len(names)], measured["nsd"][len(names)]
    if dice is None or nsd is None:
        raise ValueError("gold has Dice and no surface Dice: measure both")
    return dice, nsd, structures, bounds


def _lesions(lesions: pl.DataFrame, draw: Resampling, *, champion: bool) -> LesionScore | None:
    """From a row a scan and site: lesions, found, false_positives, and the champion's."""
    lesions = lesions.sort("scan_id", "site")
    total = int(lesions["lesions"].sum())
    if not total:
        return None
    scans = lesions["scan_id"].n_unique()
    new = _found(lesions, "found")
    old = _found(lesions, "champion_found") if champion else None
    rows = lesions["patient"].to_numpy().repeat(lesions["lesions"].to_numpy())
    (sensitivity,) = draw.measure(new, old, rows.tolist())
    if sensitivity is None:
        return None
    return LesionScore(
        patients=len(set(rows)),
        lesions=total,
        sensitivity=sensitivity,
        false_positives_per_scan=_count(lesions, "false_positives") / scans,
        champion_false_positives_per_scan=(
            _count(lesions, "champion_false_positives") / scans if champion else None
        ),
    )


def _found(lesions: pl.DataFrame, column: str) -> Floats:
    """A row a lesion: 1 where it was found. Which of a scan's it was does not matter."""
    counts = lesions.select("lesions", column).fill_null(0).to_numpy()
    outcomes = np.tile([1.0, 0.0], len(counts))
    found, total = counts[:, 1], counts[:, 0]
    return outcomes.repeat(np.stack([found, total - found], axis=1).reshape(-1))[:, None]


def _count(frame: pl.DataFrame, column: str) -> int:
    """Sum of whole numbers or of yes and no; nothing counts as 0."""
    return int(frame[column].cast(pl.Int64).fill_null(0).to_numpy().sum())


def _sightings(scores: pl.DataFrame, *, champion: bool) -> Sightings:
    absent = scores.filter((pl.col("gold") == GoldRole.SELECT.value) & pl.col("dice").is_null())
    return Sightings(
        absent=absent.height,
        new=_count(absent, "false_positive"),
        champion=_count(absent, "champion_false_positive") if champion else None,
    )


def _matrix(frame: pl.DataFrame, column: str, structures: list[str]) -> Floats:
    """Scans x structures; NaN where unknown."""
    wide = frame.pivot("structure", index="scan_id", values=column).sort("scan_id")
    return wide.select(structures).cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _mean(frame: pl.DataFrame, column: str) -> float | None:
    """Mean over structures of the mean over their scans: rare structures count as much."""
    means = frame.group_by("structure", maintain_order=True).agg(pl.col(column).mean())[column]
    return float(np.mean(means.drop_nulls().to_numpy())) if frame.height else None


def _estimate(interval: Interval | None, column: int) -> Estimate | None:
    if interval is None or not np.isfinite(interval.estimate[column]):
        return None
    return Estimate(
        value=float(interval.estimate[column]),
        low=float(interval.low[column]),
        high=float(interval.high[column]),
    )
