"""Candidates beside lesions: hit, missed, made up, or a second one of the same lesion."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_candidates import candidate
from made_up_comparisons import UNIT, lesion, made_scan
from numpy.typing import NDArray

from scalemai_core.judge.lesions.detect import detections, known_sites
from scalemai_core.records.annotation import State
from scalemai_core.records.detection import Detection, DetectionKind
from scalemai_core.records.scan import GoldRole
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SITES = {site.name: site for site in lesion_sites(load_taxonomy())}
PDAC, CYST, PNET, ANY = "pancreatic_pdac", "pancreatic_cyst", "pancreatic_pnet", "pancreatic_lesion"
LOOKED, HIT, MISSED = DetectionKind.LOOKED, DetectionKind.HIT, DetectionKind.MISSED
FALSE, NEUTRAL = DetectionKind.FALSE_POSITIVE, DetectionKind.NEUTRAL
Boxes = dict[int, tuple[slice, slice, slice]]


def box(x: int, width: int = 3, y: int = 2, z: int = 2) -> tuple[slice, slice, slice]:
    return slice(z, z + 3), slice(y, y + 3), slice(x, x + width)


def numbered(boxes: Boxes, dtype: Any = np.uint16) -> NDArray[Any]:
    components_zyx = np.zeros(UNIT.shape_zyx, dtype=dtype)
    for number, where in boxes.items():
        components_zyx[where] = number
    return components_zyx


def compared(
    lesions: Boxes,
    candidates: Boxes,
    *sites: str,
    kinds: dict[int, str] | None = None,
    gold: GoldRole | None = GoldRole.FIT,
) -> list[Detection]:
    kind = (kinds or {}).get
    real = [lesion(kind(n, "liver_lesion"), number=n) for n in lesions]
    found = [candidate(f"c{n}", kind(n, "liver_lesion"), 0.5, number=n) for n in candidates]
    return list(
        detections(
            made_scan(gold=gold),
            [SITES[name] for name in sites or ("liver",)],
            (numbered(lesions, np.uint32), real),
            (numbered(candidates), found),
        )
    )


def told(rows: list[Detection]) -> list[tuple[DetectionKind, str | None, int | None]]:
    return [
        (r.kind, r.candidate and r.candidate.candidate_id, r.lesion and r.lesion.number)
        for r in rows
    ]


def test_every_outcome_has_its_row() -> None:
    lesions = {1: box(1, 6), 2: box(12)}
    candidates = {3: box(1, 4), 4: box(5, 2), 5: box(16), 6: box(9, 1)}
    assert told(compared(lesions, candidates)) == [
        (LOOKED, None, None),
        (HIT, "c3", 1),
        (MISSED, None, 2),
        (NEUTRAL, "c4", None),
        (FALSE, "c5", None),
        (FALSE, "c6", None),
    ]


def test_a_scan_without_anything_was_looked_at() -> None:
    rows = compared({}, {}, "liver", "pancreas")
    assert [(r.site, r.kind) for r in rows] == [("liver", LOOKED), ("pancreas", LOOKED)]
    assert {(r.scan_id, r.patient) for r in rows} == {("scan", "patient of scan")}


@pytest.mark.parametrize("gold", [None, *GoldRole])
def test_scans_of_every_role_are_compared_and_say_which(gold: GoldRole | None) -> None:
    rows = compared({1: box(1)}, {1: box(1)}, gold=gold)
    assert [r.kind for r in rows] == [LOOKED, HIT]
    assert {r.gold for r in rows} == {gold}


def test_a_touch_is_no_hit() -> None:
    assert [r.kind for r in compared({1: box(1)}, {2: box(3, 12)})] == [LOOKED, MISSED, FALSE]


def test_a_candidate_of_another_site_hits_nothing() -> None:
    kinds = {1: "liver_lesion", 2: "kidney_cyst"}
    rows = compared({1: box(1)}, {2: box(1)}, "liver", "kidney", kinds=kinds)
    assert [(r.site, r.kind) for r in rows] == [
        ("liver", LOOKED),
        ("liver", MISSED),
        ("kidney", LOOKED),
        ("kidney", FALSE),
    ]


def test_another_kind_at_the_same_site_is_a_hit() -> None:
    kinds = {1: PDAC, 2: CYST}
    rows = compared({1: box(1)}, {2: box(1)}, "pancreas", kinds=kinds)
    assert [r.kind for r in rows] == [LOOKED, HIT]
    hit = rows[1]
    assert hit.candidate is not None
    assert hit.lesion is not None
    assert (hit.candidate.structure, hit.lesion.structure) == (CYST, PDAC)


def test_sites_that_are_not_asked_for_have_no_rows() -> None:
    assert {r.site for r in compared({1: box(1)}, {1: box(1)}, "colon")} == {"colon"}


def test_candidates_on_a_coarser_grid_are_brought_to_the_scans() -> None:
    coarse = np.zeros((4, 6, 10), dtype=np.uint16)
    coarse[1:3, 1:3, 1:3] = 7
    found = [candidate("c", "liver_lesion", 0.5, number=7)]
    real_zyx = np.zeros(UNIT.shape_zyx, dtype=np.uint32)
    real_zyx[2:6, 2:6, 2:6] = 1
    truth = (real_zyx, [lesion("liver_lesion")])
    rows = list(detections(made_scan(), [SITES["liver"]], truth, (coarse, found)))
    assert [r.kind for r in rows] == [LOOKED, HIT]


def test_a_candidate_that_falls_between_slices_is_false_for_nobody_can_see_it() -> None:
    fine = np.zeros((80, 12, 20), dtype=np.uint16)
    fine[21, 2:5, 2:5] = 1
    found = [candidate("thin", "liver_lesion", 0.5)]
    truth = (numbered({1: box(2)}), [lesion("liver_lesion")])
    rows = list(detections(made_scan(), [SITES["liver"]], truth, (fine, found)))
    assert [r.kind for r in rows] == [LOOKED, MISSED, FALSE]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 17)), max_size=5),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 17)), max_size=5),
)
def test_every_lesion_and_every_candidate_is_told_of_exactly_once(
    lesions: list[tuple[int, int, int]], candidates: list[tuple[int, int, int]]
) -> None:
    def boxes(corners: list[tuple[int, int, int]]) -> Boxes:
        made = {n: box(x, 3, y, z) for n, (z, y, x) in enumerate(corners, start=1)}
        left = set(np.unique(numbered(made)).tolist())
        return {n: where for n, where in made.items() if n in left}

    real, found = boxes(lesions), boxes(candidates)
    rows = compared(real, found)
    assert [r.kind for r in rows].count(LOOKED) == 1
    assert Counter(r.lesion.number for r in rows if r.lesion) == Counter(real.keys())
    assert Counter(r.candidate.number for r in rows if r.candidate) == Counter(found.keys())
    for r in rows:
        assert (r.lesion is not None) == (r.kind in (HIT, MISSED))
        assert (r.candidate is not None) == (r.kind in (HIT, FALSE, NEUTRAL))
    if not real:
        assert {r.kind for r in rows} <= {LOOKED, FALSE}


def names(states: dict[str, State], *learned: str) -> list[str]:
    return [site.name for site in known_sites(states, learned)]


def test_sites_of_which_a_kind_is_unknown_are_left_out() -> None:
    seen = {PDAC: State.PRESENT, CYST: State.ABSENT}
    assert names(seen, PDAC, CYST) == ["pancreas"]
    assert names(seen, PDAC, CYST, PNET) == []
    assert names(seen | {PNET: State.UNKNOWN}, PDAC, CYST, PNET) == []
    assert names(seen | {PNET: State.ABSENT}, PDAC, CYST, PNET) == ["pancreas"]


def test_only_what_the_model_can_see_counts() -> None:
    seen = {PDAC: State.PRESENT, "liver_lesion": State.ABSENT}
    assert names(seen, PDAC) == ["pancreas"]
    assert names(seen, "liver_lesion", "colon_lesion") == ["liver"]
    assert names(seen) == []


def test_a_whole_is_known_where_all_of_its_parts_are() -> None:
    parts = {PDAC: State.ABSENT, CYST: State.ABSENT, PNET: State.PRESENT}
    assert names(parts, ANY) == ["pancreas"]
    assert names(parts | {PNET: State.UNKNOWN}, ANY) == []
    assert names({ANY: State.ABSENT}, ANY) == ["pancreas"]
