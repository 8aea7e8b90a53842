"""Training cases as the network sees them: whole where small, else by boxes read from the store."""

from __future__ import annotations

import zlib
from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.learn.intensity import windowed
from scalemai_core.learn.volumes import LazyZYX, VolumeReader
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.training import TrainingCase
from scalemai_core.settings.learning import InputSettings
from scalemai_core.volume.components import components
from scalemai_core.volume.resample import resample_image, resample_labels, resampled_grid

CACHE_BYTES = 1 << 29
"""Whole volumes kept decoded by one process."""

POSITIONS_PER_STRUCTURE = 64

ShapeZYX = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Region:
    """Part of a scan or all of it, at the network's spacing and intensities."""

    image_zyx: NDArray[np.float32]
    labels: dict[Layer, LabelsZYX]
    """Layers without a label map are empty label maps."""

    @property
    def num_bytes(self) -> int:
        """Memory it takes."""
        return self.image_zyx.nbytes + sum(labels.nbytes for labels in self.labels.values())


class CaseReader:
    """Reads cases through a VolumeReader; keeps small volumes and voxel positions of structures."""

    def __init__(self, reader: VolumeReader, settings: InputSettings) -> None:
        self._reader = reader
        self._settings = settings
        self._whole: OrderedDict[str, Region] = OrderedDict()
        self._positions: dict[str, dict[int, NDArray[np.int32]]] = {}
        self._lesions: dict[str, list[tuple[int, NDArray[np.int32]]]] = {}
        self._lock = Lock()

    def shape_at_spacing(self, case: TrainingCase) -> ShapeZYX:
        """Voxels of the whole scan at the network's spacing."""
        spacing = self._settings.spacing_mm
        return resampled_grid(case.grid, (spacing, spacing, spacing)).shape_zyx

    def whole(self, case: TrainingCase) -> Region:
        """The whole scan."""
        with self._lock:
            if case.scan_id in self._whole:
                self._whole.move_to_end(case.scan_id)
                return self._whole[case.scan_id]
        start, stop = (0, 0, 0), case.grid.shape_zyx
        region = self.box(case, start, stop, self.shape_at_spacing(case))
        with self._lock:
            self._whole[case.scan_id] = region
            while sum(each.num_bytes for each in self._whole.values()) > CACHE_BYTES:
                self._whole.popitem(last=False)
        return region

    def box(
        self, case: TrainingCase, start_zyx: ShapeZYX, stop_zyx: ShapeZYX, shape_zyx: ShapeZYX
    ) -> Region:
        """A box of native voxels resampled to ``shape_zyx``; outside the scan is air."""
        low, high = self._settings.window_hu
        native = _read_box(self._reader.image(case.scan_id), start_zyx, stop_zyx, int(low) - 1)
        image_zyx = windowed(resample_image(native, shape_zyx), (low, high))
        labels: dict[Layer, LabelsZYX] = {}
        for layer, label_map in case.label_maps.items():
            if label_map is None:
                labels[layer] = np.zeros(shape_zyx, dtype=np.uint8)
            else:
                voxels = _read_box(self._reader.labels(label_map), start_zyx, stop_zyx, 0)
                labels[layer] = resample_labels(voxels, shape_zyx)
        return Region(image_zyx, labels)

    def lesions(self, case: TrainingCase, seed: int) -> list[tuple[int, NDArray[np.int32]]]:
        """Per connected lesion its structure id and some of its voxels: (n, 3) native z, y, x."""
        if case.scan_id not in self._lesions:
            rng = np.random.default_rng([seed, zlib.crc32(case.scan_id.encode()), 1])
            label_map = case.label_maps.get(Layer.LESIONS)
            self._lesions[case.scan_id] = (
                [] if label_map is None else _sample_lesions(self._reader.labels(label_map), rng)
            )
        return self._lesions[case.scan_id]

    def positions(self, case: TrainingCase, seed: int) -> dict[int, NDArray[np.int32]]:
        """Per structure id in the label maps, some of its voxels: (n, 3) native z, y, x."""
        if case.scan_id not in self._positions:
            # From the case's own generator, so that no process depends on what others drew.
            rng = np.random.default_rng([seed, zlib.crc32(case.scan_id.encode())])
            found: dict[int, NDArray[np.int32]] = {}
            for label_map in case.label_maps.values():
                if label_map is not None:
                    found |= _sample_positions(self._reader.labels(label_map), rng)
            self._positions[case.scan_id] = found
        return self._positions[case.scan_id]


def _sample_positions(labels: LazyZYX, rng: np.random.Generator) -> dict[int, NDArray[np.int32]]:
    labels_zyx = np.asarray(labels[:, :, :])
    flat = np.flatnonzero(labels_zyx)
    ids = labels_zyx.reshape(-1)[flat]
    found: dict[int, NDArray[np.int32]] = {}
    for structure_id in np.unique(ids).tolist():
        found[structure_id] = _some(flat[ids == structure_id], labels_zyx.shape, rng)
    return found


def _sample_lesions(
    labels: LazyZYX, rng: np.random.Generator
) -> list[tuple[int, NDArray[np.int32]]]:
    labels_zyx = np.asarray(labels[:, :, :])
    pieces_zyx, count = components(labels_zyx)
    flat = np.flatnonzero(pieces_zyx)
    pieces, ids = pieces_zyx.reshape(-1)[flat], labels_zyx.reshape(-1)[flat]
    of_piece = [pieces == piece for piece in range(1, count + 1)]
    return [(int(ids[own][0]), _some(flat[own], labels_zyx.shape, rng)) for own in of_piece]


def _some(
    flat: NDArray[np.int64], shape_zyx: tuple[int, ...], rng: np.random.Generator
) -> NDArray[np.int32]:
    """(n, 3) places of some of the voxels."""
    chosen = rng.choice(flat, size=min(POSITIONS_PER_STRUCTURE, len(flat)), replace=False)
    return np.stack(np.unravel_index(chosen, shape_zyx), axis=1).astype(np.int32)


def _read_box(array: LazyZYX, start_zyx: ShapeZYX, stop_zyx: ShapeZYX, fill: int) -> NDArray[Any]:
    """Slice what exists, pad what does not."""
    inside = tuple(
        slice(min(max(start, 0), size), min(max(stop, 0), size))
        for start, stop, size in zip(start_zyx, stop_zyx, array.shape, strict=True)
    )
    voxels = np.asarray(array[inside])
    pads = [
        (part.start - start, stop - part.stop)
        for part, start, stop in zip(inside, start_zyx, stop_zyx, strict=True)
    ]
    if not any(side for pad in pads for side in pad):
        return voxels
    return np.pad(voxels, pads, constant_values=fill)
