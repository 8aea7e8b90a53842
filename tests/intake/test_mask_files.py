from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from scalemai_core.errors import RejectedInput
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


def rejection(source: Path | str, names: LabelNames | None = None) -> RejectedInput:
    with pytest.raises(RejectedInput) as caught:
        taken(source, names)
    assert caught.value.remedy
    return caught.value


def box(shape: tuple[int, ...], *ranges: tuple[int, int]) -> np.ndarray:
    mask = np.zeros(shape, np.uint8)
    mask[tuple(slice(*r) for r in ranges)] = 1
    return mask


def test_masks_become_layers_and_states(ct_xyz: np.ndarray, case_folder: Write) -> None:
    liver = box(ct_xyz.shape, (0, 3), (0, 3), (0, 3))
    aorta = box(ct_xyz.shape, (4, 6), (4, 6), (0, 5))
    empty = np.zeros_like(liver)
    case = taken(case_folder({"liver": liver, "aorta": aorta, "spleen": empty}))
    assert set(case.labels) == {Layer.ANATOMY, Layer.VESSELS}
    np.testing.assert_array_equal(
        case.labels[Layer.ANATOMY], liver[::-1, ::-1].T * np.uint8(ID["liver"])
    )
    np.testing.assert_array_equal(
        case.labels[Layer.VESSELS], aorta[::-1, ::-1].T * np.uint8(ID["aorta"])
    )
    assert case.states["liver"] is State.PRESENT
    assert case.states["aorta"] is State.PRESENT
    assert case.states["spleen"] is State.ABSENT
    assert "pancreas" not in case.states
    assert "liver_segment_1" not in case.states
    assert case.findings == ()


def test_a_parent_gives_way_to_its_parts_without_a_finding(
    ct_xyz: np.ndarray, case_folder: Write
) -> None:
    pancreas = box(ct_xyz.shape, (0, 5), (0, 5), (0, 4))
    head = box(ct_xyz.shape, (0, 2), (0, 5), (0, 4))
    case = taken(case_folder({"pancreas": pancreas, "pancreas_head": head}))
    anatomy = case.labels[Layer.ANATOMY]
    assert (anatomy == ID["pancreas_head"]).sum() == head.sum()
    assert (anatomy == ID["pancreas"]).sum() == pancreas.sum() - head.sum()
    assert case.states == {"pancreas": State.PRESENT, "pancreas_head": State.PRESENT}
    assert case.findings == ()


def test_overlaps_go_to_the_smaller_structure_and_are_counted(
    ct_xyz: np.ndarray, case_folder: Write
) -> None:
    stomach = box(ct_xyz.shape, (0, 5), (0, 5), (0, 4))
    spleen = box(ct_xyz.shape, (4, 7), (0, 5), (0, 4))
    case = taken(case_folder({"stomach": stomach, "spleen": spleen}))
    anatomy = case.labels[Layer.ANATOMY]
    assert (anatomy == ID["spleen"]).sum() == spleen.sum()
    assert (anatomy == ID["stomach"]).sum() == stomach.sum() - 20
    (finding,) = case.findings
    assert (finding.rule, finding.structure, finding.value) == ("overlap", "stomach", 20)
    assert f"{20 * 0.8 * 0.8 * 2.5:.0f} mm3" in finding.message
    assert "spleen" in finding.message


def test_the_order_of_the_files_never_matters(
    ct_xyz: np.ndarray, tmp_path: Path, case_folder: Write
) -> None:
    masks = [
        box(ct_xyz.shape, (0, 6), (0, 6), (0, 2)),
        box(ct_xyz.shape, (0, 3), (0, 6), (0, 5)),
        box(ct_xyz.shape, (1, 4), (1, 5), (1, 4)),
    ]
    names = LabelNames(
        name="x",
        source="x",
        labels={"one": "liver", "two": "spleen", "three": "liver_segment_4"},
    )
    results = set()
    for index, order in enumerate(itertools.permutations(range(3))):
        folder = case_folder({}, f"case_{index}")
        # Prefixes force each order of reading.
        labels = {
            f"{order[i]}": (mask, label)
            for i, (mask, label) in enumerate(zip(masks, ["one", "two", "three"], strict=True))
        }
        mapped = names.model_copy(
            update={"labels": {f"{k}_{v[1]}": names.labels[v[1]] for k, v in labels.items()}}
        )
        case_folder({f"{k}_{v[1]}": v[0] for k, v in labels.items()}, folder.name)
        case = taken(folder, mapped)
        results.add(
            (
                case.labels[Layer.ANATOMY].tobytes(),
                tuple((f.structure, f.value) for f in case.findings),
            )
        )
    assert len(results) == 1


def test_masks_of_one_structure_are_united(ct_xyz: np.ndarray, case_folder: Write) -> None:
    names = LabelNames(
        name="x", source="x", labels={"cyst_l": "kidney_cyst", "cyst_r": "kidney_cyst"}
    )
    left, right = (box(ct_xyz.shape, (x, x + 2), (0, 2), (0, 2)) for x in (0, 1))
    case = taken(case_folder({"cyst_l": left, "cyst_r": right}), names)
    assert (case.labels[Layer.LESIONS] == ID["kidney_cyst"]).sum() == (left | right).sum()
    assert case.findings == ()


def test_unmapped_labels_are_reported_by_name_and_ignored_ones_are_not(
    ct_xyz: np.ndarray, case_folder: Write
) -> None:
    mask = box(ct_xyz.shape, (0, 2), (0, 2), (0, 2))
    names = LabelNames(name="x", source="x", labels={}, ignored=("body",))
    case = taken(case_folder({"liver": mask, "body": mask, "left_ear": mask}), names)
    (finding,) = case.findings
    assert finding.rule == "unmapped_label"
    assert "'left_ear'" in finding.message
    assert "body" not in finding.message
    assert set(case.states) == {"liver"}


def test_masks_with_several_values_are_taken_with_doubt(
    ct_xyz: np.ndarray, case_folder: Write
) -> None:
    mask = box(ct_xyz.shape, (0, 2), (0, 2), (0, 2)) * np.uint8(255)
    assert taken(case_folder({"liver": mask}, "a")).findings == ()
    mask[0, 0, 0] = 3
    (finding,) = taken(case_folder({"liver": mask}, "b")).findings
    assert finding.rule == "mask_not_binary"


def test_a_damaged_mask_rejects_the_whole_case(ct_xyz: np.ndarray, case_folder: Write) -> None:
    folder = case_folder({"liver": np.ones_like(ct_xyz, np.uint8)})
    path = folder / "segmentations/liver.nii.gz"
    path.write_bytes(path.read_bytes()[:-20])
    assert rejection(folder).reason == "truncated_file"
