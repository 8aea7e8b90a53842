from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from scalemai_core.intake.case import IntakeCase
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.records.annotation import State
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.label_names import LabelNames
from scalemai_core.taxonomy.taxonomy import load_taxonomy

Write = Callable[..., Path]
ID = {structure.name: structure.id for structure in load_taxonomy().structures}


def taken(source: Path | str, names: LabelNames | None = None) -> IntakeCase:
    (files,) = open_source(str(source)).cases
    return read_case(files, names)


def box(shape: tuple[int, ...], *ranges: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[tuple(slice(*r) for r in ranges)] = 1
    return mask


def test_an_empty_mask_alone_still_makes_its_layer(ct_xyz: np.ndarray, case_folder: Write) -> None:
    case = taken(case_folder({"colon_lesion": np.zeros_like(ct_xyz, np.uint8)}))
    assert case.states == {"colon_lesion": State.ABSENT}
    assert not case.labels[Layer.LESIONS].any()


def test_a_parent_covered_by_its_parts_is_present(ct_xyz: np.ndarray, case_folder: Write) -> None:
    mask = box(ct_xyz.shape, (0, 5), (0, 5), (0, 4))
    case = taken(case_folder({"pancreas": mask, "pancreas_head": mask}))
    assert case.states == {"pancreas": State.PRESENT, "pancreas_head": State.PRESENT}


def test_all_parts_together_say_what_their_parent_is(
    ct_xyz: np.ndarray, case_folder: Write
) -> None:
    mask, empty = box(ct_xyz.shape, (0, 2), (0, 2), (0, 2)), np.zeros_like(ct_xyz, np.uint8)
    parts = {"pancreas_head": mask, "pancreas_body": empty}
    assert "pancreas" not in taken(case_folder(parts, "two_parts")).states
    whole = taken(case_folder(parts | {"pancreas_tail": empty}, "three_parts")).states
    assert whole["pancreas"] is State.PRESENT
    assert whole["pancreas_tail"] is State.ABSENT
    none = taken(case_folder(dict.fromkeys([*parts, "pancreas_tail"], empty), "no_part")).states
    assert none["pancreas"] is State.ABSENT


def test_a_single_named_part_says_nothing_of_its_parent(
    ct_xyz: np.ndarray, case_folder: Write
) -> None:
    mask = box(ct_xyz.shape, (0, 2), (0, 2), (0, 2))
    assert set(taken(case_folder({"portal_vein_and_splenic_vein": mask})).states) == {
        "portal_vein_and_splenic_vein"
    }


def test_an_absent_parent_has_absent_parts(ct_xyz: np.ndarray, case_folder: Write) -> None:
    empty = np.zeros_like(ct_xyz, np.uint8)
    states = taken(case_folder({"pancreatic_lesion": empty})).states
    assert states == dict.fromkeys(
        ["pancreatic_lesion", "pancreatic_pdac", "pancreatic_cyst", "pancreatic_pnet"],
        State.ABSENT,
    )


def test_two_identical_masks_leave_the_loser_unknown_not_absent(
    ct_xyz: np.ndarray, case_folder: Write
) -> None:
    mask = box(ct_xyz.shape, (0, 2), (0, 2), (0, 2))
    case = taken(case_folder({"kidney_left": mask, "kidney_right": mask}))
    winner = min(["kidney_left", "kidney_right"], key=ID.__getitem__)
    assert case.states == {winner: State.PRESENT}
    assert case.findings[0].value == mask.sum()
