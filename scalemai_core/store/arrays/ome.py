"""OME-Zarr 0.5 documents for one-level images and label maps; knows the format, writes nothing."""

from __future__ import annotations

import colorsys
from functools import cache
from typing import Any

from scalemai_core.records.grid import Grid
from scalemai_core.store.seal import sealed

GROUP_DOCUMENT = "zarr.json"
LEVEL = "0"


def image_document(grid: Grid, name: str, own: dict[str, Any]) -> bytes:
    """Group document of an image: axes z, y, x in mm; ``own`` goes beside ``ome``."""
    return _group({"version": "0.5", "multiscales": [_multiscale(grid, name)]}, grid, own)


def label_document(
    grid: Grid, name: str, source: str, structures: dict[int, str], own: dict[str, Any]
) -> bytes:
    """Group document of a label map: a colour and a name for every id it may hold."""
    label = {
        "colors": [{"label-value": i, "rgba": [*color_of(i), 255]} for i in sorted(structures)],
        "properties": [{"label-value": i, "structure": structures[i]} for i in sorted(structures)],
        "source": {"image": source},
    }
    ome = {"version": "0.5", "image-label": label, "multiscales": [_multiscale(grid, name)]}
    return _group(ome, grid, own)


def affine_of(document: dict[str, Any]) -> list[list[float]]:
    """The affine of a group document that was written here."""
    return document["attributes"]["scalemai"]["affine_xyz_to_ras_mm"]


@cache
def color_of(structure_id: int) -> tuple[int, int, int]:
    """A colour that stays with a structure; neighbours in number lie far apart in hue."""
    hue = (structure_id * 0.61803398875) % 1.0
    value = 0.95 if structure_id % 2 else 0.75
    red, green, blue = colorsys.hsv_to_rgb(hue, 0.65, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _multiscale(grid: Grid, name: str) -> dict[str, Any]:
    x, y, z = grid.matrix[:3, 3].tolist()
    return {
        "name": name,
        "axes": [{"name": axis, "type": "space", "unit": "millimeter"} for axis in "zyx"],
        "datasets": [
            {
                "path": LEVEL,
                "coordinateTransformations": [
                    {"type": "scale", "scale": list(grid.spacing_mm_zyx)},
                    {"type": "translation", "translation": [z, y, x]},
                ],
            }
        ],
    }


def _group(ome: dict[str, Any], grid: Grid, own: dict[str, Any]) -> bytes:
    attributes = {"ome": ome, "scalemai": {"affine_xyz_to_ras_mm": grid.affine, **own}}
    return sealed({"zarr_format": 3, "node_type": "group", "attributes": attributes})
