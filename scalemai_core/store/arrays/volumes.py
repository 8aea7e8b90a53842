"""Immutable voxel arrays in the store: scans, label maps and predictions."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.store.arrays import ome
from scalemai_core.store.arrays.layout import Triple
from scalemai_core.store.arrays.slabs import SlabWriter
from scalemai_core.store.arrays.stored_array import StoredArray, read_layout, write_array
from scalemai_core.store.files import Files
from scalemai_core.store.seal import unsealed
from scalemai_core.volume.lesion_odds import LesionOdds

CODES, TYPES = "lesion_odds", "lesion_types"
"""Names of the two maps of a prediction's lesions."""


class Volumes:
    """Writes an array, then its group document; without that document it is not there."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def exists(self, path: str) -> bool:
        """Whether the volume was written to its end."""
        return self._files.exists(f"{path}/{ome.GROUP_DOCUMENT}")

    def array(self, path: str) -> StoredArray:
        """The lazy array: slicing reads only the chunks it touches, and checks their sums.

        Raises FileNotFoundError where the voxels are lost, WorkspaceError where they are damaged.
        """
        return StoredArray(self._files, f"{path}/{ome.LEVEL}")

    def read(self, path: str) -> NDArray[Any]:
        """The whole array; raises as ``array``."""
        return self.array(path).read()

    def grid(self, path: str) -> Grid:
        """Where the voxels lie in the patient, as the documents say; raises as ``array``."""
        place = f"{path}/{ome.GROUP_DOCUMENT}"
        affine = ome.affine_of(unsealed(self._files.read_bytes(place), place))
        layout = read_layout(self._files, f"{path}/{ome.LEVEL}")
        return Grid.of(layout.shape, np.array(affine))

    def write(self, path: str, voxels_zyx: NDArray[Any], document: bytes) -> None:
        """Write voxels, then the document that makes them visible; one writer a volume."""
        write_array(self._files, f"{path}/{ome.LEVEL}", voxels_zyx)
        self._files.write_bytes(f"{path}/{ome.GROUP_DOCUMENT}", document)

    def slabs(self, path: str, shape_zyx: Triple, dtype: str, document: bytes) -> SlabWriter:
        """The same for a volume that is written a few slices at a time."""
        return SlabWriter(self._files, path, shape_zyx, dtype, document)


class ScanVolumes:
    """``scans/<scan_id>.ome.zarr``: int16 HU, addressed by content."""

    def __init__(self, volumes: Volumes) -> None:
        self._volumes = volumes

    def write(self, image_zyx: ImageZYX, grid: Grid, own: dict[str, Any]) -> str:
        """Store once and return the scan id."""
        scan_id = content_hash(image_zyx, grid)
        if not self._volumes.exists(_scan(scan_id)):
            self._volumes.write(_scan(scan_id), image_zyx, ome.image_document(grid, scan_id, own))
        return scan_id

    def exists(self, scan_id: str) -> bool:
        """Whether the scan is stored."""
        return self._volumes.exists(_scan(scan_id))

    def array(self, scan_id: str) -> StoredArray:
        """Lazy int16 array, axes z, y, x."""
        return self._volumes.array(_scan(scan_id))

    def grid(self, scan_id: str) -> Grid:
        """Where the voxels lie in the patient."""
        return self._volumes.grid(_scan(scan_id))

    def read(self, scan_id: str) -> ImageZYX:
        """All voxels, HU."""
        return self._volumes.read(_scan(scan_id))


class LabelMaps:
    """``labels/<hash>.ome.zarr``: one layer of one scan, addressed by content."""

    def __init__(self, volumes: Volumes, structures: dict[Layer, dict[int, str]]) -> None:
        self._volumes = volumes
        self._structures = structures

    def write(self, labels_zyx: LabelsZYX, scan_id: str, layer: Layer, grid: Grid) -> str:
        """Store once and return the hash."""
        name = content_hash(labels_zyx, grid, f"{scan_id}/{layer}")
        if not self._volumes.exists(_label(name)):
            document = ome.label_document(
                grid,
                layer.value,
                f"../../{_scan(scan_id)}",
                self._structures[layer],
                {"scan": scan_id, "layer": layer.value},
            )
            self._volumes.write(_label(name), labels_zyx, document)
        return name

    def array(self, name: str) -> StoredArray:
        """Lazy uint8 array, axes z, y, x."""
        return self._volumes.array(_label(name))

    def read(self, name: str) -> LabelsZYX:
        """All voxels."""
        return self._volumes.read(_label(name))


class Predictions:
    """``predictions/<model>/<scan_id>/<name>.ome.zarr``: what a model sees in a scan, by layer, and
    the log-odds of lesions."""

    def __init__(self, volumes: Volumes, structures: dict[Layer, dict[int, str]]) -> None:
        self._volumes = volumes
        self._structures = structures

    def write(self, model: str, scan_id: str, labels: dict[Layer, LabelsZYX], grid: Grid) -> None:
        """Store every layer of one prediction, replacing what a killed run may have left."""
        for layer, labels_zyx in labels.items():
            document = self._document(model, scan_id, layer, grid)
            self._volumes.write(_prediction(model, scan_id, layer), labels_zyx, document)

    def slabs(self, model: str, scan_id: str, layer: Layer, grid: Grid) -> SlabWriter:
        """To store one layer a few slices at a time."""
        document = self._document(model, scan_id, layer, grid)
        place = _prediction(model, scan_id, layer)
        return self._volumes.slabs(place, grid.shape_zyx, "uint8", document)

    def exists(self, model: str, scan_id: str, layer: Layer) -> bool:
        """Whether the model predicted this layer of this scan."""
        return self._volumes.exists(_prediction(model, scan_id, layer))

    def array(self, model: str, scan_id: str, layer: Layer) -> StoredArray:
        """Lazy uint8 array, axes z, y, x."""
        return self._volumes.array(_prediction(model, scan_id, layer))

    def read(self, model: str, scan_id: str, layer: Layer) -> LabelsZYX:
        """All voxels."""
        return self._volumes.read(_prediction(model, scan_id, layer))

    def _document(self, model: str, scan_id: str, layer: Layer, grid: Grid) -> bytes:
        source = f"../../../../{_scan(scan_id)}"
        own = {"scan": scan_id, "layer": layer.value, "model": model}
        return ome.label_document(grid, layer.value, source, self._structures[layer], own)

    def write_lesions(self, model: str, scan_id: str, odds: LesionOdds) -> None:
        """Store what the model gives lesions, on the network's own grid; the codes come last."""
        own = {"scan": scan_id, "model": model}
        source, grid = f"../../../../{_scan(scan_id)}", odds.grid
        kinds = self._structures[Layer.LESIONS]
        types = ome.label_document(grid, TYPES, source, kinds, own)
        self._volumes.write(_prediction(model, scan_id, TYPES), odds.types_zyx, types)
        codes = ome.image_document(grid, CODES, own)
        self._volumes.write(_prediction(model, scan_id, CODES), odds.codes_zyx, codes)

    def read_lesions(self, model: str, scan_id: str) -> LesionOdds | None:
        """What the model gave lesions; None where it knows none."""
        codes, types = (_prediction(model, scan_id, name) for name in (CODES, TYPES))
        if not self._volumes.exists(codes):
            return None
        return LesionOdds(
            self._volumes.read(codes), self._volumes.read(types), self._volumes.grid(codes)
        )


def content_hash(voxels_zyx: NDArray[Any], grid: Grid, context: str = "") -> str:
    """128-bit name of an array: its voxels, type, geometry to 1e-4 mm, and what it belongs to."""
    affine = [[round(value, 4) + 0.0 for value in row] for row in grid.affine]
    head = json.dumps([str(voxels_zyx.dtype), list(voxels_zyx.shape), affine, context])
    digest = hashlib.blake2b(head.encode(), digest_size=16)
    digest.update(np.ascontiguousarray(voxels_zyx).data)
    return digest.hexdigest()


def _scan(scan_id: str) -> str:
    return f"scans/{scan_id}.ome.zarr"


def _label(name: str) -> str:
    return f"labels/{name}.ome.zarr"


def _prediction(model: str, scan_id: str, name: str) -> str:
    return f"predictions/{model}/{scan_id}/{name}.ome.zarr"
