"""Rules that look at the whole body: mirrored scans, the middle, and who is to blame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from scalemai_core.judge.rules.frame import middle_mm
from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.registry import verify
from scalemai_core.records.finding import Finding, Severity
from scalemai_core.settings.judgement import JudgeSettings

Add = Callable[..., Masks]
MIRROR = np.array([-1.0, 1.0, 1.0])


def found(masks: Masks) -> dict[tuple[str, str], Finding]:
    return {(f.rule, f.structure): f for f in verify(masks, JudgeSettings())}


def mirrored(masks: Masks) -> Masks:
    return replace(masks, centroid_mm=masks.centroid_mm * MIRROR)


def situs_inversus(masks: Masks) -> Masks:
    """Mirrored, but left and right are named as they are."""
    turned = mirrored(masks).centroid_mm
    left, right = masks.taxonomy["kidney_left"].id, masks.taxonomy["kidney_right"].id
    turned[[left, right]] = turned[[right, left]]
    return replace(masks, centroid_mm=turned)


def test_a_body_and_its_image_mirrored_together_are_one_question_for_people(body: Masks) -> None:
    findings = found(mirrored(body))
    assert {rule for rule, _ in findings} == {"mirrored", "side"}
    assert [structure for rule, structure in findings if rule == "mirrored"] == ["liver"]
    assert {structure for rule, structure in findings if rule == "side"} == {
        "kidney_left",
        "kidney_right",
    }
    assert {finding.severity for finding in findings.values()} == {Severity.DOUBT}
    message = findings[("mirrored", "liver")].message
    assert message.startswith("the whole scan looks mirrored: liver, postcava, spleen, stomach")
    assert message.endswith("a turned image, or situs inversus")


def test_situs_inversus_is_the_same_question_and_no_fault_of_any_mask(body: Masks) -> None:
    assert set(found(situs_inversus(body))) == {("mirrored", "liver")}


def test_one_stray_organ_mirrors_nobody(body: Masks, add: Add) -> None:
    masks = add(body, "liver", centroid_mm=(-60.0, 10.0, 40.0))
    assert {rule for rule, _ in found(masks)} == {"position"}


def test_two_organs_are_too_few_to_tell(body: Masks, drop: Add) -> None:
    masks = body
    for name in ("stomach", "heart", "aorta", "postcava"):
        masks = drop(masks, name)
    assert "mirrored" not in {rule for rule, _ in found(mirrored(masks))}


def test_a_swapped_pair_still_says_where_the_middle_is(body: Masks, add: Add) -> None:
    left, right = body.centroid_mm[[29, 30]]
    masks = add(add(body, "kidney_left", centroid_mm=right), "kidney_right", centroid_mm=left)
    assert middle_mm(masks) == pytest.approx(0.0)


def test_too_few_witnesses_say_nothing_of_the_middle(body: Masks, drop: Add) -> None:
    masks = body
    for structure in body.shown():
        if structure.name.startswith("vertebrae"):
            masks = drop(masks, structure.name)
    assert middle_mm(masks) is None


@pytest.mark.parametrize(
    ("x_mm", "severity"), [(20.0, None), (50.0, Severity.DOUBT), (80.0, Severity.FAULT)]
)
def test_the_sacrum_stands_in_the_middle(
    body: Masks, add: Add, x_mm: float, severity: Severity | None
) -> None:
    findings = found(add(body, "sacrum", centroid_mm=(x_mm, -75.0, -190.0)))
    expected = {} if severity is None else {("midline", "sacrum"): severity}
    assert {key: finding.severity for key, finding in findings.items()} == expected


def test_a_sacrum_out_of_place_does_not_put_others_on_the_wrong_side(
    body: Masks, add: Add, drop: Add
) -> None:
    masks = add(body, "sacrum", centroid_mm=(90.0, -75.0, -190.0))
    for structure in body.shown():
        if structure.name.startswith("vertebrae"):
            masks = drop(masks, structure.name)
    for name, x_mm in (("hip", 85.0), ("lung", 70.0), ("iliopsoas", 45.0)):
        heights = {"hip": -200.0, "lung": 160.0, "iliopsoas": -120.0}
        for side, sign in (("left", -1.0), ("right", 1.0)):
            place = (sign * x_mm, 0.0, heights[name])
            masks = add(masks, f"{name}_{side}", centroid_mm=place, ends_mm=(-240.0, 150.0))
    assert {key for key in found(masks) if key[0] in ("side", "midline")} == {("midline", "sacrum")}


def test_exchanged_parts_of_the_pancreas_are_both_doubted(body: Masks, add: Add) -> None:
    places = {"head": (25.0, 10.0, 0.0), "body": (-40.0, 5.0, 12.0), "tail": (-5.0, 12.0, 8.0)}
    masks = body
    for part, place in places.items():
        masks = add(masks, f"pancreas_{part}", centroid_mm=place)
    assert set(found(masks)) == {("position", "pancreas_body"), ("position", "pancreas_tail")}


def test_the_neighbour_of_an_exchanged_organ_is_not_blamed(body: Masks, add: Add) -> None:
    spleen, bladder = body.centroid_mm[[22, 33]]
    masks = add(add(body, "spleen", centroid_mm=bladder), "bladder", centroid_mm=spleen)
    assert {structure for _, structure in found(masks)} == {"spleen", "bladder"}
