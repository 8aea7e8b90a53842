"""What a model finds of the lesions of gold ``select``, at the operating points of its own."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import polars as pl

from scalemai_core.judge.lesions.scored import above_points, choose_points
from scalemai_core.records.detection import Detection, DetectionKind
from scalemai_core.records.scan import GoldRole
from scalemai_core.settings.lesions import LesionSettings

_KEY = {"scan_id": pl.String, "patient": pl.String, "site": pl.String}
_NUMBERS = ("lesions", "found", "false_positives")


def found_in_select(rows: Sequence[Detection], settings: LesionSettings) -> pl.DataFrame:
    """A row a scan and site: lesions, found, false_positives; points are chosen on gold ``fit``."""
    points = choose_points(rows, sorted({row.site for row in rows}), settings)
    counts: defaultdict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0, 0])
    for row in rows:
        if row.gold is not GoldRole.SELECT:
            continue
        own, seen = counts[row.scan_id, row.patient, row.site], above_points(row, points)
        own[0] += row.lesion is not None
        own[1] += row.lesion is not None and seen
        own[2] += row.kind is DetectionKind.FALSE_POSITIVE and seen
    return pl.DataFrame(
        [(*key, *numbers) for key, numbers in sorted(counts.items())],
        schema=_KEY | dict.fromkeys(_NUMBERS, pl.Int64),
        orient="row",
    )


def beside(new: pl.DataFrame, champion: pl.DataFrame) -> pl.DataFrame:
    """Two tables of ``found_in_select`` as one; where the champion did not look, it has nulls."""
    renamed = {name: f"champion_{name}" for name in _NUMBERS[1:]}
    others = champion.drop("patient", "lesions").rename(renamed)
    return new.join(others, on=["scan_id", "site"], how="left")
