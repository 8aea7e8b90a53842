"""Boxes of training cases as the network sees them; only what a box touches is read."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.learn.volumes import LazyZYX, VolumeReader
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.training import TrainingCase
from scalemai_core.volume.interpolate import resample_image
from scalemai_core.volume.places import Places
from scalemai_core.volume.resample import resample_labels

KEPT_CASES = 128
"""Cases of which one process keeps opened arrays and indices; neither holds voxels."""

AIR_HU = -1024

ShapeZYX = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Box:
    """A box of native voxels, and the shape it takes at the network's spacing."""

    start_zyx: ShapeZYX
    stop_zyx: ShapeZYX
    shape_zyx: ShapeZYX


@dataclass(frozen=True, slots=True)
class Region:
    """What lies in a box."""

    image_zyx: NDArray[np.float32]
    """HU."""
    labels: dict[Layer, LabelsZYX]
    """Layers without a label map are empty label maps."""


class CaseReader:
    """Reads boxes and indices of cases."""

    def __init__(self, reader: VolumeReader) -> None:
        self._image = lru_cache(maxsize=KEPT_CASES)(reader.image)
        self._labels = lru_cache(maxsize=len(Layer) * KEPT_CASES)(reader.labels)
        self._places = lru_cache(maxsize=len(Layer) * KEPT_CASES)(reader.places)

    def box(self, case: TrainingCase, box: Box, layers: Collection[Layer]) -> Region:
        """Image and labels of a box; outside the scan is air."""
        native = _read_box(self._image(case.scan_id), box, AIR_HU)
        labels: dict[Layer, LabelsZYX] = {}
        for layer in layers:
            label_map = case.label_maps.get(layer)
            if label_map is None:
                labels[layer] = np.zeros(box.shape_zyx, dtype=np.uint8)
            else:
                voxels = _read_box(self._labels(label_map), box, 0)
                labels[layer] = resample_labels(voxels, box.shape_zyx)
        return Region(resample_image(native, box.shape_zyx), labels)

    def places(self, case: TrainingCase, layers: Collection[Layer]) -> dict[Layer, Places]:
        """Where the structures of these layers are, as indexed."""
        names = {layer: case.label_maps.get(layer) for layer in layers}
        return {layer: self._places(name) for layer, name in names.items() if name is not None}


def _read_box(array: LazyZYX, box: Box, fill: int) -> NDArray[Any]:
    """Slice what exists, pad what does not."""
    inside = tuple(
        slice(min(max(start, 0), size), min(max(stop, 0), size))
        for start, stop, size in zip(box.start_zyx, box.stop_zyx, array.shape, strict=True)
    )
    voxels = np.asarray(array[inside])
    pads = [
        (part.start - start, stop - part.stop)
        for part, start, stop in zip(inside, box.start_zyx, box.stop_zyx, strict=True)
    ]
    if not any(side for pad in pads for side in pad):
        return voxels
    return np.pad(voxels, pads, constant_values=fill)
