"""Each rule bites on the fault it knows, and is silent on a sound body."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.registry import RULES, verify
from scalemai_core.records.finding import Finding, Severity
from scalemai_core.records.scan import Sex
from scalemai_core.settings.judgement import JudgeSettings

SETTINGS = JudgeSettings()
Add = Callable[..., Masks]
FAULT, DOUBT = Severity.FAULT, Severity.DOUBT


def found(masks: Masks) -> dict[tuple[str, str], Finding]:
    """Findings by rule and structure."""
    return {(finding.rule, finding.structure): finding for finding in verify(masks, SETTINGS)}


def severities(masks: Masks) -> dict[tuple[str, str], Severity]:
    return {key: finding.severity for key, finding in found(masks).items()}


def test_a_sound_body_gives_no_finding(body: Masks) -> None:
    assert found(body) == {}


def test_every_rule_names_its_source_unit_and_waiver() -> None:
    assert len(RULES) >= 24
    for rule in RULES.values():
        assert rule.source.startswith("section ") or rule.source == "ours"
        assert rule.unit in {"mm", "ml", "HU", "share", "ratio", "mm3", "pieces"}
        assert rule.waiver


@pytest.mark.parametrize(
    ("structure", "numbers", "rule", "severity"),
    [
        ("liver", {"volume_ml": 500.0}, "volume", DOUBT),
        ("liver", {"volume_ml": 100.0}, "volume", FAULT),
        ("spleen", {"volume_ml": 5000.0}, "volume", FAULT),
        ("liver", {"mean_hu": -50.0}, "hu", DOUBT),
        ("liver", {"mean_hu": -700.0}, "hu", FAULT),
        ("aorta", {"mean_hu": 900.0}, "hu", FAULT),
        ("kidney_left", {"crumb_share": 0.3}, "pieces", FAULT),
        ("kidney_left", {"crumb_share": 0.4, "at_border": True}, "pieces", DOUBT),
        ("liver", {"flat_end": (0.0, 0.9)}, "truncated", FAULT),
        ("spleen", {"flat_end": (0.5, 0.0)}, "truncated", DOUBT),
        ("aorta", {"gap_mm": 9.0, "crumb_share": 0.1}, "gaps", FAULT),
        ("liver", {"hole_share": 0.08}, "holes", DOUBT),
        ("liver", {"hole_share": 0.3}, "holes", FAULT),
        ("kidney_right", {"centroid_mm": (-34.0, -40.0, -10.0)}, "side", FAULT),
        ("kidney_left", {"centroid_mm": (30.0, -40.0, 0.0)}, "side", FAULT),
        ("spleen", {"centroid_mm": (85.0, -40.0, 45.0)}, "position", FAULT),
        ("bladder", {"centroid_mm": (0.0, 40.0, 100.0)}, "position", FAULT),
        ("vertebrae_L1", {"centroid_mm": (0.0, -50.0, 200.0)}, "order", FAULT),
        ("liver", {"sd_hu": 120.0}, "mixed", DOUBT),
        ("kidney_left", {"sd_hu": 400.0}, "mixed", FAULT),
        ("aorta", {"ends_mm": (-25.0, 150.0)}, "reach", DOUBT),
        ("aorta", {"ends_mm": (20.0, 150.0)}, "reach", FAULT),
        ("vertebrae_L2", {"volume_ml": 110.0}, "symmetry", DOUBT),
    ],
)
def test_a_spoilt_mask_is_found_and_no_other(
    body: Masks, add: Add, structure: str, numbers: dict[str, Any], rule: str, severity: Severity
) -> None:
    assert severities(add(body, structure, **numbers)) == {(rule, structure): severity}


@pytest.mark.parametrize(
    ("structure", "numbers"),
    [
        ("liver", {"volume_ml": 100.0, "at_border": True}),
        ("vertebrae_L1", {"flat_end": (0.9, 0.9)}),
        ("kidney_left", {"crumb_share": 0.02, "gap_mm": 30.0}),
        ("vertebrae_T9", {"crumb_share": 0.2, "at_border": True}),
        ("kidney_left", {"centroid_mm": (-2.0, -40.0, 0.0)}),
        ("stomach", {"sd_hu": 300.0}),
        ("kidney_left", {"volume_ml": 80.0}),
        ("vertebrae_T9", {"volume_ml": 9.0, "at_border": True}),
        ("kidney_left", {"ends_mm": (-4.0, 5.0), "flat_end": (0.6, 0.6)}),
    ],
)
def test_what_nature_or_the_field_of_view_explains_is_let_pass(
    body: Masks, add: Add, structure: str, numbers: dict[str, Any]
) -> None:
    assert found(add(body, structure, **numbers)) == {}


def test_structures_of_many_pieces_may_have_crumbs_and_gaps(body: Masks, add: Add) -> None:
    masks = add(body, "intestine", centroid_mm=(0.0, 30.0, -60.0), crumb_share=0.6, gap_mm=20.0)
    assert found(masks) == {}


def test_the_left_kidney_has_the_smaller_x_in_ras(body: Masks, add: Add) -> None:
    left, right = body.centroid_mm[[29, 30]]
    assert left[0] < right[0]
    swapped = add(add(body, "kidney_left", centroid_mm=right), "kidney_right", centroid_mm=left)
    assert severities(swapped) == {
        ("side", "kidney_left"): FAULT,
        ("side", "kidney_right"): FAULT,
    }


def test_a_swapped_pair_is_found_without_any_vertebra(body: Masks, add: Add, drop: Add) -> None:
    left, right = body.centroid_mm[[29, 30]]
    masks = add(add(body, "kidney_left", centroid_mm=right), "kidney_right", centroid_mm=left)
    for structure in body.taxonomy.structures:
        if structure.name.startswith("vertebrae") or structure.name == "sacrum":
            masks = drop(masks, structure.name)
    sided = {structure for rule, structure in found(masks) if rule == "side"}
    assert sided == {"kidney_left", "kidney_right"}


def test_a_message_is_one_a_radiologist_understands(body: Masks, add: Add) -> None:
    masks = add(body, "kidney_right", centroid_mm=(-34.0, -40.0, -10.0))
    message = found(masks)[("side", "kidney_right")].message
    assert message == "right kidney lies left of the spine by 34 mm"


def test_a_scan_turned_upside_down_is_full_of_faults(body: Masks) -> None:
    turned = replace(body, centroid_mm=body.centroid_mm * np.array([1.0, 1.0, -1.0]))
    rules = {rule for rule, _ in found(turned)}
    assert {"position", "order"} <= rules


def test_neighbours_of_a_stray_mask_are_not_blamed(body: Masks, add: Add) -> None:
    stray = add(body, "heart", centroid_mm=(-25.0, 30.0, -150.0))
    assert severities(stray) == {("position", "heart"): FAULT}


def test_two_swapped_vertebrae_are_both_blamed(body: Masks, add: Add) -> None:
    upper, lower = body.centroid_mm[[53, 54]]
    masks = add(add(body, "vertebrae_L1", centroid_mm=lower), "vertebrae_L2", centroid_mm=upper)
    assert severities(masks) == {
        ("order", "vertebrae_L1"): FAULT,
        ("order", "vertebrae_L2"): FAULT,
    }


def test_an_empty_mask_that_is_stated_present_is_a_fault(body: Masks, drop: Add) -> None:
    masks = drop(body, "spleen")
    present, absent = masks.present.copy(), masks.absent.copy()
    present[22], absent[22] = True, False
    masks = replace(masks, present=present, absent=absent)
    assert severities(masks) == {("empty_but_present", "spleen"): FAULT}


@pytest.mark.parametrize(
    ("sex", "structure", "wrong"),
    [
        (Sex.FEMALE, "prostate", True),
        (Sex.MALE, "prostate", False),
        (Sex.MALE, "uterus", True),
        (Sex.FEMALE, "uterus", False),
        (None, "prostate", False),
    ],
)
def test_sex_decides_who_has_prostate_or_uterus(
    body: Masks, add: Add, sex: Sex | None, structure: str, *, wrong: bool
) -> None:
    masks = replace(add(body, structure, centroid_mm=(0.0, 20.0, -240.0)), sex=sex)
    assert severities(masks) == ({("sex", structure): FAULT} if wrong else {})


@pytest.mark.parametrize(
    ("structure", "severity"),
    [("liver", FAULT), ("aorta", FAULT), ("vertebrae_L2", FAULT), ("spleen", DOUBT)],
)
def test_what_the_scan_must_show_is_missed(
    body: Masks, drop: Add, structure: str, severity: Severity
) -> None:
    assert severities(drop(body, structure)) == {("missing", structure): severity}


def test_a_liver_below_or_above_the_scan_is_not_missed(body: Masks, drop: Add) -> None:
    masks = body
    upper = ["heart", "liver", "spleen", *(f"vertebrae_T{n}" for n in range(9, 13))]
    for name in [*upper, "vertebrae_L1", "pancreas", "stomach", "kidney_left", "kidney_right"]:
        masks = drop(masks, name)
    assert ("missing", "liver") not in found(masks)
    assert ("missing", "spleen") not in found(masks)


def test_an_unknown_structure_is_not_missed(body: Masks, drop: Add) -> None:
    masks = drop(body, "liver")
    assert found(replace(masks, absent=np.zeros_like(masks.absent))) == {}


@pytest.mark.parametrize(
    ("structure", "share", "expected"),
    [
        ("hepatic_vessel", 0.95, None),
        ("hepatic_vessel", 0.4, DOUBT),
        ("hepatic_vessel", 0.1, FAULT),
        ("kidney_cyst", 0.1, None),
        ("kidney_cyst", 0.0, FAULT),
        ("kidney_cyst", np.nan, None),
    ],
)
def test_vessels_lie_in_their_host_and_lesions_touch_it(
    body: Masks, add: Add, structure: str, share: float, expected: Severity | None
) -> None:
    masks = add(body, structure, centroid_mm=(60.0, 0.0, 20.0), host_share=share)
    findings = {("containment", structure): expected} if expected else {}
    assert severities(masks) == findings


@pytest.mark.parametrize(("share", "expected"), [(0.01, None), (0.1, DOUBT), (0.5, FAULT)])
def test_parts_fill_the_whole_where_all_are_labelled(
    body: Masks, add: Add, share: float, expected: Severity | None
) -> None:
    masks = add(body, "pancreas", own_ml=share * body.volume_ml[1])
    for part in ("pancreas_head", "pancreas_body", "pancreas_tail"):
        assert found(masks) == {}
        masks = add(masks, part, centroid_mm=(-5.0, 10.0, 5.0))
    assert severities(masks) == ({("part_whole", "pancreas"): expected} if expected else {})


def test_overlap_counts_cubic_millimetres_not_voxels(body: Masks) -> None:
    overlap_ml = body.overlap_ml.copy()
    overlap_ml[20, 7] = overlap_ml[7, 20] = 0.02
    assert found(replace(body, overlap_ml=overlap_ml)) == {}
    overlap_ml[20, 7] = overlap_ml[7, 20] = 20.0
    assert severities(replace(body, overlap_ml=overlap_ml)) == {
        ("overlap", "aorta"): DOUBT,
        ("overlap", "liver"): DOUBT,
    }


def test_limits_follow_the_settings(body: Masks, add: Add) -> None:
    masks = add(body, "kidney_left", crumb_share=0.3)
    assert verify(masks, JudgeSettings(max_crumb_share=0.5)) == []


def test_the_smaller_of_two_unlike_kidneys_is_doubted(body: Masks, add: Add) -> None:
    masks = add(body, "kidney_right", volume_ml=45.0)
    assert severities(masks) == {("symmetry", "kidney_right"): DOUBT}
    assert severities(add(masks, "kidney_right", at_border=True)) == {}
