"""Two models on the lesions of gold select, each at its own points."""

from __future__ import annotations

import polars as pl
from made_up_candidates import candidate
from made_up_comparisons import lesion, row

from scalemai_core.judge.lesions.selected import beside, found_in_select
from scalemai_core.records.detection import Detection, DetectionKind
from scalemai_core.records.scan import GoldRole
from scalemai_core.settings.lesions import LesionSettings

SETTINGS = LesionSettings()
KIND = "liver_lesion"


def gold(
    scan: str, role: GoldRole, found: float | None, false: float | None = None
) -> list[Detection]:
    """One lesion found with this probability or missed, and perhaps one false candidate."""
    rows = [row(DetectionKind.LOOKED, scan=scan, gold=role)]
    if found is None:
        rows.append(row(DetectionKind.MISSED, of=lesion(KIND), scan=scan, gold=role))
    else:
        hit = candidate("hit", KIND, found)
        rows.append(row(DetectionKind.HIT, hit, of=lesion(KIND), scan=scan, gold=role))
    if false is not None:
        wrong = candidate("wrong", KIND, false)
        rows.append(row(DetectionKind.FALSE_POSITIVE, wrong, scan=scan, gold=role))
    return rows


def test_only_select_is_counted_at_the_point_that_fit_has_chosen() -> None:
    fit = [one for k in range(120) for one in gold(f"fit {k}", GoldRole.FIT, 0.4)]
    rows = [
        *fit,
        *gold("a", GoldRole.SELECT, 0.5, false=0.45),
        *gold("b", GoldRole.SELECT, 0.3, false=0.2),
        *gold("c", GoldRole.SELECT, None),
        *gold("d", GoldRole.TEST, 0.9, false=0.9),
    ]
    table = found_in_select(rows, SETTINGS)
    assert table.select("scan_id", "lesions", "found", "false_positives").rows() == [
        ("a", 1, 1, 1),
        ("b", 1, 0, 0),
        ("c", 1, 0, 0),
    ]


def test_a_champion_that_looks_nowhere_has_nulls_and_nobody_looks_twice() -> None:
    new = found_in_select(gold("a", GoldRole.SELECT, 0.5), SETTINGS)
    assert beside(new, found_in_select([], SETTINGS)).select(pl.all().exclude("found")).rows() == [
        ("a", "patient of a", "liver", 1, 0, None, None)
    ]
    both = beside(new, new)
    assert both["champion_found"].to_list() == both["found"].to_list() == [1]
