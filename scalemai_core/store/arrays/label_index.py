"""``labels/<hash>.places.parquet``: where a label map's structures and lesions are, found once.

A label map never changes, hence its index does not either: its name is all that seeds it.
"""

from __future__ import annotations

import io

import numpy as np
import polars as pl

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.store.arrays.volumes import LabelMaps
from scalemai_core.store.files import Files
from scalemai_core.volume.places import LesionPlaces, Places, PlacesZYX, find_places

PLACE = ("z", "y", "x")


class LabelIndex:
    """Some voxels of every structure and lesion of a label map, without reading the label map."""

    def __init__(self, files: Files, labels: LabelMaps) -> None:
        self._files = files
        self._labels = labels

    def write(self, name: str, layer: Layer, grid: Grid) -> bool:
        """Index a label map unless that was done before; whether there was anything to do."""
        if self._files.exists(_path(name)):
            return False
        rng = np.random.default_rng(int(name, 16))
        found = find_places(
            self._labels.read(name), grid.voxel_ml, rng, lesions=layer is Layer.LESIONS
        )
        buffer = io.BytesIO()
        _frame(found).write_parquet(buffer, compression="zstd")
        self._files.write_bytes(_path(name), buffer.getvalue())
        return True

    def read(self, name: str) -> Places:
        """What was found; raises WorkspaceError for a label map that was never indexed."""
        try:
            data = self._files.read_bytes(_path(name))
        except FileNotFoundError as error:
            raise WorkspaceError(
                f"label map {name} has no index: train with 'scalemai round', which makes it"
            ) from error
        return _places(pl.read_parquet(io.BytesIO(data)))


def _frame(found: Places) -> pl.DataFrame:
    """A row a voxel; ``lesion`` counts lesions from 1 and is 0 in the rows of structures."""
    groups = [(0, s, 0.0, places) for s, places in found.structures.items()]
    groups += [
        (number, each.structure_id, each.diameter_mm, each.places_zyx)
        for number, each in enumerate(found.lesions, start=1)
    ]
    schema = {"lesion": pl.Int32, "structure": pl.UInt8, "diameter_mm": pl.Float32}
    schema |= dict.fromkeys(PLACE, pl.Int32)
    return pl.DataFrame(
        [
            (lesion, structure_id, diameter_mm, *place)
            for lesion, structure_id, diameter_mm, places in groups
            for place in places.tolist()
        ],
        schema=schema,
        orient="row",
    )


def _places(rows: pl.DataFrame) -> Places:
    structures: dict[int, PlacesZYX] = {}
    lesions: list[LesionPlaces] = []
    for part in rows.partition_by("lesion", "structure", maintain_order=True):
        number, structure_id, diameter_mm, *_ = part.row(0)
        places_zyx = part.select(PLACE).to_numpy()
        if number:
            lesions.append(LesionPlaces(structure_id, diameter_mm, places_zyx))
        else:
            structures[structure_id] = places_zyx
    return Places(structures, tuple(lesions))


def _path(name: str) -> str:
    return f"labels/{name}.places.parquet"
