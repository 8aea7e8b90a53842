"""Rules on what is stated, reported, missing, too small, in pieces, or cut short."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.registry import verify
from scalemai_core.records.finding import Severity
from scalemai_core.records.scan import Sex
from scalemai_core.settings.judgement import JudgeSettings

Add = Callable[..., Masks]
FAULT, DOUBT = Severity.FAULT, Severity.DOUBT


def severities(masks: Masks) -> dict[tuple[str, str], Severity]:
    return {(f.rule, f.structure): f.severity for f in verify(masks, JudgeSettings())}


def without_spine(masks: Masks, drop: Add) -> Masks:
    for structure in masks.shown():
        if structure.name.startswith("vertebrae"):
            masks = drop(masks, structure.name)
    return replace(masks, absent=masks.absent & np.isnan(masks.volume_ml))


def test_a_mask_of_what_the_report_denies_is_doubted_with_its_parts(body: Masks, add: Add) -> None:
    masks = add(body, "pancreatic_cyst", centroid_mm=(-5.0, 10.0, 5.0), volume_ml=3.0)
    assert severities(masks) == {}
    masks = replace(masks, reported={"pancreatic_lesion": False, "liver": True})
    assert severities(masks) == {("report", "pancreatic_cyst"): DOUBT}


def test_what_the_report_speaks_of_is_not_absent(body: Masks, drop: Add) -> None:
    masks = drop(body, "liver_lesion")
    assert severities(masks) == {}
    masks = replace(masks, reported={"liver_lesion": True})
    assert severities(masks) == {("report", "liver_lesion"): DOUBT}


@pytest.mark.parametrize(
    ("volume_ml", "pieces", "doubted"), [(0.04, 0, True), (0.1, 0, False), (0.3, 1, False)]
)
def test_a_lesion_of_few_millimetres_is_doubted(
    body: Masks, add: Add, volume_ml: float, pieces: int, *, doubted: bool
) -> None:
    masks = add(
        body, "kidney_cyst", centroid_mm=(58.0, -40.0, 0.0), volume_ml=volume_ml, pieces=pieces
    )
    assert severities(masks) == ({("micro", "kidney_cyst"): DOUBT} if doubted else {})


def test_a_structure_of_one_piece_is_not_scattered(body: Masks, add: Add) -> None:
    assert severities(add(body, "liver", pieces=3)) == {}
    assert severities(add(body, "liver", pieces=6)) == {("count", "liver"): DOUBT}
    assert severities(add(body, "liver", pieces=6, at_border=True)) == {}


@pytest.mark.parametrize(
    ("volume_ml", "sex", "doubted"),
    [
        (650.0, None, False),
        (650.0, Sex.FEMALE, False),
        (650.0, Sex.MALE, True),
        (4200.0, None, False),
        (4200.0, Sex.MALE, False),
        (4200.0, Sex.FEMALE, True),
    ],
)
def test_a_known_sex_narrows_the_plausible_volume(
    body: Masks, add: Add, volume_ml: float, sex: Sex | None, *, doubted: bool
) -> None:
    masks = replace(add(body, "liver", volume_ml=volume_ml), sex=sex)
    assert severities(masks) == ({("volume", "liver"): DOUBT} if doubted else {})


def test_organs_prove_levels_where_no_vertebra_is_labelled(body: Masks, drop: Add) -> None:
    masks = drop(without_spine(body, drop), "stomach")
    assert severities(masks) == {("missing", "stomach"): DOUBT}


def test_a_liver_that_the_scan_cuts_proves_no_level(body: Masks, add: Add, drop: Add) -> None:
    masks = without_spine(body, drop)
    for name in ("heart", "spleen", "kidney_left", "kidney_right", "sacrum", "bladder"):
        masks = drop(masks, name)
    masks = drop(add(masks, "liver", at_border=True), "stomach")
    assert ("missing", "stomach") not in severities(masks)


def test_a_whole_without_one_of_its_parts_is_doubted_too(body: Masks, add: Add, drop: Add) -> None:
    masks = add(body, "pancreas_head", centroid_mm=(25.0, 10.0, 0.0))
    masks = drop(add(masks, "pancreas_body", centroid_mm=(-5.0, 10.0, 5.0)), "pancreas_tail")
    assert severities(masks) == {
        ("missing", "pancreas_tail"): DOUBT,
        ("missing", "pancreas"): DOUBT,
    }


def test_organs_tell_how_far_a_long_structure_runs(body: Masks, add: Add, drop: Add) -> None:
    masks = without_spine(body, drop)
    assert severities(masks) == {}
    short = add(masks, "aorta", ends_mm=(20.0, 150.0))
    assert severities(short) == {("reach", "aorta"): DOUBT}


def test_one_low_kidney_shortens_no_aorta(body: Masks, add: Add, drop: Add) -> None:
    masks = without_spine(body, drop)
    masks = add(masks, "kidney_left", centroid_mm=(-58.0, -40.0, -180.0))
    assert ("reach", "aorta") not in severities(add(masks, "aorta", ends_mm=(-120.0, 150.0)))


def test_the_blurred_one_of_two_unlike_muscles_is_doubted(body: Masks, add: Add) -> None:
    sizes_ml = {"left": 150.0, "right": 300.0}
    masks = body
    for side, sign in (("left", -1.0), ("right", 1.0)):
        masks = add(
            masks,
            f"iliopsoas_{side}",
            centroid_mm=(sign * 45.0, -20.0, -110.0),
            ends_mm=(-240.0, 20.0),
            volume_ml=sizes_ml[side],
        )
    assert severities(masks) == {("symmetry", "iliopsoas_left"): DOUBT}
    blurred = add(masks, "iliopsoas_right", open_share=0.45)
    assert severities(blurred) == {("symmetry", "iliopsoas_right"): DOUBT}


def test_of_two_that_overlap_the_one_with_a_seen_border_is_believed(body: Masks, add: Add) -> None:
    overlap_ml = body.overlap_ml.copy()
    overlap_ml[20, 7] = overlap_ml[7, 20] = 20.0
    masks = add(replace(body, overlap_ml=overlap_ml), "aorta", open_share=0.45)
    assert severities(masks) == {("overlap", "aorta"): DOUBT}
