"""A mask that ends within its own tissue is doubted, where its outline can be seen at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.registry import verify
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings

Add = Callable[..., Masks]


def said(masks: Masks) -> dict[str, str]:
    """Messages of the rule by structure."""
    found = [finding for finding in verify(masks, JudgeSettings()) if finding.rule == "outline"]
    assert all(finding.severity is Severity.DOUBT for finding in found)
    return {finding.structure: finding.message for finding in found}


def face(axis: int, end: int, share: float) -> Any:
    faces = np.full((3, 2), 0.2)
    faces[axis, end] = share
    return faces


@pytest.mark.parametrize("structure", ["liver", "kidney_left", "vertebrae_L2", "aorta", "bladder"])
def test_a_border_without_an_edge_is_doubted(body: Masks, add: Add, structure: str) -> None:
    words = " ".join(structure.split("_")[::-1]) if "left" in structure else structure
    words = words.replace("vertebrae_", "vertebra ")
    masks = add(body, structure, open_share=0.8)
    assert said(masks) == {structure: f"the image shows no edge along 80% of the border of {words}"}


def test_a_side_without_an_edge_is_named(body: Masks, add: Add) -> None:
    masks = add(body, "liver", open_face=face(0, 0, 0.9))
    assert said(masks) == {"liver": "liver goes on beyond its lower side: no edge along 90% of it"}
    masks = add(body, "liver", open_face=face(2, 1, 0.75))
    assert said(masks) == {"liver": "liver goes on beyond its right side: no edge along 75% of it"}


@pytest.mark.parametrize(
    ("structure", "numbers"),
    [
        ("aorta", {"open_face": face(0, 0, 1.0)}),
        ("stomach", {"open_share": 0.9, "texture_hu": 200.0}),
        ("sacrum", {"open_share": 0.9, "texture_hu": 400.0}),
        ("vertebrae_T9", {"open_share": 0.9, "at_border": True, "volume_ml": 10.0}),
        ("liver", {"open_share": np.nan, "open_face": np.nan}),
    ],
    ids=["a vessel goes on", "gas and food", "metal", "a sliver", "nothing but neighbours"],
)
def test_what_has_no_outline_of_its_own_is_let_pass(
    body: Masks, add: Add, structure: str, numbers: dict[str, Any]
) -> None:
    assert said(add(body, structure, **numbers)) == {}


def test_muscles_and_bowel_touch_their_like(body: Masks, add: Add) -> None:
    masks = add(body, "autochthon_left", centroid_mm=(-30.0, -90.0, 0.0), open_share=0.9)
    masks = add(masks, "duodenum", centroid_mm=(25.0, 0.0, 0.0), open_share=0.9)
    assert said(masks) == {}


def test_a_part_is_judged_only_where_its_siblings_are_known(body: Masks, add: Add) -> None:
    masks = add(body, "pancreas_head", centroid_mm=(20.0, 10.0, 0.0), open_share=0.9)
    assert said(masks) == {}
    masks = add(masks, "pancreas_body", centroid_mm=(-5.0, 10.0, 5.0))
    masks = add(masks, "pancreas_tail", centroid_mm=(-40.0, 0.0, 15.0))
    assert set(said(masks)) == {"pancreas_head"}
