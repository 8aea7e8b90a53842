"""Matching of candidates to lesions: toy cases, picai_eval, and what must not matter."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_detections import SPACING, MadeUpScan, made_up_scan, made_up_scans
from numpy.typing import NDArray
from picai_eval.eval import evaluate_case

from scalemai_core.measure.detection.match import HitCriterion, Matching, Role, match
from scalemai_core.measure.detection.meeting import Meeting

Rows = Counter[tuple[int, float]]
Box = tuple[slice, slice, slice]


def boxes(shape: tuple[int, int, int], *places: Box) -> NDArray[np.int32]:
    numbered = np.zeros(shape, dtype=np.int32)
    for number, place in enumerate(places, start=1):
        numbered[place] = number
    return numbered


def along_x(*spans: tuple[int, int]) -> NDArray[np.int32]:
    """Components of a scan one voxel high."""
    return boxes((1, 1, 400), *(np.s_[:, :, start:stop] for start, stop in spans))


def matched(
    lesions: NDArray[np.int32],
    candidates: NDArray[np.int32],
    criterion: HitCriterion = HitCriterion.IOU,
    *,
    neutral: bool = True,
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Matching:
    meeting = Meeting.of_arrays(lesions, candidates, spacing)
    return match(meeting, criterion, extra_candidates_are_neutral=neutral)


def rows(scan: MadeUpScan, matching: Matching) -> Rows:
    """As picai_eval lists them: (is lesion, confidence)."""
    found = Counter(
        (1, 0.0 if number is None else scan.confidence[number])
        for number in matching.candidate_of.values()
    )
    wrong = (number for number, role in matching.role_of.items() if role is Role.FALSE_POSITIVE)
    return found + Counter((0, scan.confidence[number]) for number in wrong)


def picai_rows(scan: MadeUpScan, overlap: str, *, neutral: bool) -> Rows:
    listed, *_ = evaluate_case(
        scan.detection_map_zyx,
        (scan.lesions_zyx > 0).astype(np.int32),
        overlap_func=overlap,
        allow_unmatched_candidates_with_minimal_overlap=neutral,
    )
    return Counter((int(is_lesion), confidence) for is_lesion, confidence, _ in listed)


def test_a_second_candidate_on_a_lesion_is_neutral_or_false_as_asked() -> None:
    lesion, candidates = along_x((10, 30)), along_x((10, 18), (20, 30))
    lenient = matched(lesion, candidates)
    assert lenient.candidate_of == {1: 2}
    assert lenient.role_of == {1: Role.NEUTRAL, 2: Role.HIT}
    strict = matched(lesion, candidates, neutral=False)
    assert strict.candidate_of == {1: 2}
    assert strict.role_of == {1: Role.FALSE_POSITIVE, 2: Role.HIT}


def test_scans_with_nothing_on_either_side_are_fine() -> None:
    nothing, something = along_x(), along_x((3, 9))
    for criterion in HitCriterion:
        assert matched(nothing, nothing, criterion).role_of == {}
        assert matched(nothing, something, criterion).role_of == {1: Role.FALSE_POSITIVE}
        assert matched(something, nothing, criterion).candidate_of == {1: None}


@pytest.mark.parametrize(("stop", "hit"), [(101, True), (102, False)])
def test_an_iou_of_exactly_a_tenth_is_a_hit(stop: int, hit: bool) -> None:  # noqa: FBT001
    found = matched(along_x((0, 10)), along_x((0, stop - 1)))
    assert (found.candidate_of[1] == 1) is hit


def test_dice_forgives_what_iou_does_not() -> None:
    lesion, candidate = along_x((0, 10)), along_x((0, 150))  # IoU 0.067, Dice 0.125
    assert matched(lesion, candidate, HitCriterion.IOU).candidate_of == {1: None}
    assert matched(lesion, candidate, HitCriterion.DICE).candidate_of == {1: 1}


def test_the_centre_counts_wherever_the_voxels_are() -> None:
    lesion = along_x((100, 103))
    assert matched(lesion, along_x((0, 203)), HitCriterion.CENTRE).candidate_of == {1: 1}
    assert matched(lesion, along_x((101, 140)), HitCriterion.CENTRE).candidate_of == {1: None}
    ring = along_x((90, 95)) + along_x((108, 113))
    assert matched(lesion, ring, HitCriterion.CENTRE).candidate_of == {1: 1}
    assert matched(lesion, ring, HitCriterion.IOU).candidate_of == {1: None}


def test_distance_is_in_millimetres_between_centroids() -> None:
    lesion = boxes((9, 40, 40), np.s_[2:3, 10:11, 10:11])
    candidate = boxes((9, 40, 40), np.s_[2:3, 13:14, 14:15])
    distance = HitCriterion.DISTANCE
    assert matched(lesion, candidate, distance).candidate_of == {1: 1}  # 3, 4, 5
    wide = matched(lesion, candidate, distance, spacing=(1.0, 1.1, 1.0))
    assert wide.candidate_of == {1: None}


def test_more_pairs_are_worth_more_than_a_better_one() -> None:
    # The second candidate fits both lesions, the first lesion best; the first candidate one only.
    lesions = along_x((0, 20), (20, 40))
    candidates = along_x((0, 4), (4, 26))
    assert matched(lesions, candidates).candidate_of == {1: 1, 2: 2}


def test_two_good_pairs_outweigh_three_poor_ones_as_in_picai_eval() -> None:
    lesions = along_x((0, 90), (91, 190), (191, 200))
    candidates = along_x((0, 9), (10, 109), (110, 200))
    found = matched(lesions, candidates)
    assert found.candidate_of == {1: 2, 2: 3, 3: None}
    assert found.role_of[1] is Role.NEUTRAL
    scan = MadeUpScan(lesions, candidates, {1: 0.25, 2: 0.5, 3: 0.75})
    assert rows(scan, found) == picai_rows(scan, "IoU", neutral=True)


@pytest.mark.parametrize("neutral", [True, False])
@pytest.mark.parametrize("overlap", ["IoU", "DSC"])
def test_random_scans_are_matched_as_picai_eval_does(overlap: str, neutral: bool) -> None:  # noqa: FBT001
    criterion = {"IoU": HitCriterion.IOU, "DSC": HitCriterion.DICE}[overlap]
    contested = 0
    for scan in made_up_scans(11, 300):
        meeting = Meeting.of_arrays(scan.lesions_zyx, scan.candidates_zyx, SPACING)
        ours = match(meeting, criterion, extra_candidates_are_neutral=neutral)
        assert rows(scan, ours) == picai_rows(scan, overlap, neutral=neutral)
        lenient = match(meeting, criterion).role_of.values()
        contested += Role.NEUTRAL in lenient
    assert contested > 20


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(HitCriterion))
def test_numbering_changes_nothing(seed: int, criterion: HitCriterion) -> None:
    rng = np.random.default_rng(seed)
    scan = made_up_scan(rng, 4, 7)
    meeting = Meeting.of_arrays(scan.lesions_zyx, scan.candidates_zyx, SPACING)
    new_lesion, new_candidate = (
        np.append(0, 1 + rng.choice(60_000, array.max(), replace=False))
        for array in (scan.lesions_zyx, scan.candidates_zyx)
    )
    again = Meeting.of_arrays(
        new_lesion[scan.lesions_zyx].astype(np.uint16),
        new_candidate[scan.candidates_zyx],
        SPACING,
    )
    one, two = match(meeting, criterion), match(again, criterion)
    assert two.role_of == {int(new_candidate[n]): role for n, role in one.role_of.items()}
    assert two.candidate_of == {
        int(new_lesion[n]): None if found is None else int(new_candidate[found])
        for n, found in one.candidate_of.items()
    }


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1),
    st.tuples(*[st.integers(1, 9)] * 2, st.integers(1, 150)),
    st.sampled_from([np.uint8, np.int16, np.uint32, np.int64]),
    st.floats(0, 1),
)
def test_what_meets_is_what_counting_finds(
    seed: int, shape: tuple[int, int, int], dtype: type, filled: float
) -> None:
    rng = np.random.default_rng(seed)
    lesions, candidates = (
        (rng.integers(1, 100, shape) * (rng.random(shape) < filled)).astype(kind)
        for kind in (dtype, np.uint16)
    )
    meeting = Meeting.of_arrays(lesions, candidates, SPACING)
    for side, array in ((meeting.lesions, lesions), (meeting.candidates, candidates)):
        numbers, first, voxels = np.unique(array, return_index=True, return_counts=True)
        kept = numbers > 0
        np.testing.assert_array_equal(side.numbers, numbers[kept])
        np.testing.assert_array_equal(side.voxels, voxels[kept])
        np.testing.assert_array_equal(side.first, first[kept])
        centres = [np.argwhere(array == number).mean(axis=0) for number in numbers[kept]]
        np.testing.assert_allclose(side.centre_zyx, np.reshape(centres, (-1, 3)), atol=1e-9)
    pairs = zip(
        meeting.lesions.numbers[meeting.lesion],
        meeting.candidates.numbers[meeting.candidate],
        meeting.shared,
        strict=True,
    )
    both = (lesions > 0) & (candidates > 0)
    expected = Counter(zip(lesions[both].tolist(), candidates[both].tolist(), strict=True))
    assert Counter({(int(i), int(j)): int(n) for i, j, n in pairs}) == expected


def test_thousands_of_components_outgrow_no_table() -> None:
    lesions = np.arange(1, 30_001).reshape(30, 25, 40)
    meeting = Meeting.of_arrays(lesions, lesions[::-1, ::-1, ::-1], SPACING)
    assert len(meeting.shared) == 30_000
    found = match(Meeting.of_arrays(lesions, lesions + 7, SPACING))
    assert all(candidate == lesion + 7 for lesion, candidate in found.candidate_of.items())


def test_arrays_that_are_no_components_are_refused() -> None:
    whole = np.zeros((2, 3, 4), dtype=np.int16)
    with pytest.raises(ValueError, match="one grid"):
        Meeting.of_arrays(whole, whole[:1], SPACING)
    with pytest.raises(ValueError, match="whole numbers"):
        Meeting.of_arrays(whole, whole.astype(np.float32), SPACING)
    with pytest.raises(ValueError, match="from 1 on"):
        Meeting.of_arrays(whole - 1, whole, SPACING)
