"""Anatomy on the network's grid, gathered while a prediction is given a few slices at a time."""

from __future__ import annotations

import numpy as np
import pytest

from scalemai_core.judge.lesions.anatomy import SeenAnatomy, seen_anatomy
from scalemai_core.records.label_map import Layer

NATIVE = (50, 8, 9)


@pytest.mark.parametrize("shape", [(33, 5, 9), (70, 9, 9), NATIVE])
@pytest.mark.parametrize("cuts", [[7, 8, 30], []])
def test_anatomy_gathered_in_parts_is_that_of_the_whole(
    shape: tuple[int, int, int], cuts: list[int]
) -> None:
    rng = np.random.default_rng(0)
    annotated, predicted = rng.integers(0, 3, (2, *NATIVE)).astype(np.uint8)
    gathered = SeenAnatomy(annotated, NATIVE, shape)
    for part in np.array_split(predicted, cuts or 1):
        gathered.add({Layer.ANATOMY: part})
    whole = seen_anatomy({Layer.ANATOMY: annotated}, {Layer.ANATOMY: predicted}, shape)
    np.testing.assert_array_equal(gathered.labels_zyx, whole)


def test_without_an_annotation_it_is_the_prediction() -> None:
    predicted = np.random.default_rng(1).integers(0, 3, NATIVE).astype(np.uint8)
    gathered = SeenAnatomy(None, NATIVE, NATIVE)
    gathered.add({Layer.ANATOMY: predicted})
    np.testing.assert_array_equal(gathered.labels_zyx, predicted)
