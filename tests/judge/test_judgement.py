"""One scan judged: numbers, states and refusals on boxes drawn by hand."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from scalemai_core.errors import UsageError
from scalemai_core.judge.judgement import judge_scan
from scalemai_core.records.annotation import State
from scalemai_core.records.grid import Grid
from scalemai_core.records.judgement import Judgement
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.scan import Scan
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
SETTINGS = JudgeSettings()
SHAPE = (20, 24, 30)
Maps = dict[Layer, LabelsZYX]


def box(name: str, z: slice, y: slice, x: slice) -> Maps:
    structure = TAXONOMY[name]
    labels_zyx = np.zeros(SHAPE, dtype=np.uint8)
    labels_zyx[z, y, x] = structure.id
    return {structure.layer: labels_zyx}


def image() -> ImageZYX:
    return np.full(SHAPE, 60, dtype=np.int16)


def judge_one(scan: Scan, current: Maps, prediction: Maps, states: dict[str, State]) -> Judgement:
    judgements, _ = judge_scan(scan, image(), current, prediction, states, SETTINGS)
    (judgement,) = judgements
    return judgement


def test_numbers_of_both_masks_and_their_agreement_stand_in_one_row(small_scan: Scan) -> None:
    current = box("liver", slice(5, 15), slice(4, 14), slice(10, 20))
    prediction = box("liver", slice(5, 15), slice(4, 14), slice(12, 22))
    judged = judge_one(small_scan, current, prediction, {"liver": State.PRESENT})
    assert (judged.scan_id, judged.structure, judged.state) == ("scan", "liver", State.PRESENT)
    assert judged.volume_ml_current == judged.volume_ml_prediction == pytest.approx(20.0)
    assert judged.intersection_ml == pytest.approx(16.0)
    assert judged.dice == pytest.approx(0.8)
    assert judged.mean_hu_current == 60.0
    assert (judged.pieces_current, judged.crumbs_current) == (1, 0.0)
    assert judged.offset_mm == pytest.approx(4.0)
    place = (judged.x_mm_current, judged.y_mm_current, judged.z_mm_current)
    assert place == pytest.approx((-1.0, -3.0, 147.5))
    assert judged.x_mm_prediction == pytest.approx(3.0)
    assert not judged.at_border_current
    assert judged.faults_current == 1
    assert judged.doubts_current == 2
    assert judged.findings_current == "volume,truncated,outline"


def test_a_row_passes_the_records_own_checks(small_scan: Scan) -> None:
    current = box("liver", slice(5, 15), slice(4, 14), slice(10, 20))
    judged = judge_one(small_scan, current, {}, {"liver": State.PRESENT})
    assert Judgement.model_validate(judged.model_dump()) == judged


def test_numbers_of_an_empty_mask_are_none(small_scan: Scan) -> None:
    judged = judge_one(small_scan, {}, box("spleen", slice(0, 9), slice(4, 9), slice(4, 9)), {})
    assert judged.state is State.UNKNOWN
    assert (judged.volume_ml_current, judged.dice, judged.intersection_ml) == (0.0, 0.0, 0.0)
    assert judged.mean_hu_current is judged.crumbs_current is judged.x_mm_current is None
    assert judged.offset_mm is None
    assert judged.at_border_prediction
    assert judge_one(small_scan, {}, {}, {"spleen": State.ABSENT}).dice is None


def test_a_union_is_judged_with_its_parts(small_scan: Scan) -> None:
    current = box("pancreas_head", slice(5, 9), slice(4, 9), slice(10, 20))
    tail = box("pancreas_tail", slice(5, 9), slice(4, 9), slice(0, 10))[Layer.ANATOMY]
    current[Layer.ANATOMY] |= tail
    judgements, _ = judge_scan(small_scan, image(), current, current, {}, SETTINGS)
    by_name = {judged.structure: judged for judged in judgements}
    assert set(by_name) == {"pancreas", "pancreas_head", "pancreas_tail"}
    volumes_ml = {name: judged.volume_ml_current for name, judged in by_name.items()}
    parts_ml = volumes_ml["pancreas_head"] + volumes_ml["pancreas_tail"]
    assert volumes_ml["pancreas"] == pytest.approx(parts_ml)


def test_an_empty_prediction_is_no_empty_annotation(small_scan: Scan) -> None:
    mask = box("spleen", slice(5, 9), slice(4, 9), slice(4, 9))
    judged = judge_one(small_scan, {}, mask, {"spleen": State.PRESENT})
    assert "empty_but_present" in judged.findings_current.split(",")
    judged = judge_one(small_scan, mask, {}, {"spleen": State.PRESENT})
    assert judged.findings_prediction == ""


def test_a_lesion_beside_its_organ_touches_it_and_a_far_one_does_not(small_scan: Scan) -> None:
    liver = box("liver", slice(5, 15), slice(4, 14), slice(10, 20))
    for x, expected in ((slice(20, 22), False), (slice(26, 28), True)):
        maps = liver | box("liver_lesion", slice(8, 10), slice(6, 9), x)
        judgements, _ = judge_scan(small_scan, image(), maps, maps, {}, SETTINGS)
        lesion = next(judged for judged in judgements if judged.structure == "liver_lesion")
        assert ("containment" in lesion.findings_current) is expected


def test_judging_takes_less_memory_than_three_times_two_label_maps(small_scan: Scan) -> None:
    shape = (80, 160, 160)
    scan = small_scan.model_copy(update={"grid": Grid.of(shape, small_scan.grid.matrix)})
    labels_zyx = np.zeros(shape, dtype=np.uint8)
    for i, structure in enumerate(TAXONOMY.in_layer(Layer.ANATOMY)[-8:]):
        z, y, x = np.array(np.unravel_index(i, (2, 2, 2))) * (40, 80, 80)
        labels_zyx[z + 5 : z + 30, y + 10 : y + 60, x + 10 : x + 60] = structure.id
    current, prediction = (
        {layer: np.roll(labels_zyx, moved, axis=2) for layer in Layer} for moved in (0, 8)
    )
    image_zyx = np.zeros(shape, dtype=np.int16)
    judge_scan(scan, image_zyx, current, prediction, {}, SETTINGS)  # loads what is loaded once
    tracemalloc.start()
    judge_scan(scan, image_zyx, current, prediction, {}, SETTINGS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 3 * 2 * labels_zyx.nbytes


def test_bad_use_is_refused(small_scan: Scan) -> None:
    off_grid = {Layer.ANATOMY: np.zeros((3, 3, 3), dtype=np.uint8)}
    with pytest.raises(ValueError, match=r"label map of anatomy has shape \(3, 3, 3\)"):
        judge_scan(small_scan, image(), off_grid, {}, {}, SETTINGS)
    with pytest.raises(UsageError, match="no structure is named 'livr'"):
        judge_scan(small_scan, image(), {}, {}, {"livr": State.PRESENT}, SETTINGS)
    strange = {Layer.ANATOMY: np.full(SHAPE, 200, dtype=np.uint8)}
    with pytest.raises(ValueError, match="ids above 88"):
        judge_scan(small_scan, image(), strange, {}, {}, SETTINGS)
