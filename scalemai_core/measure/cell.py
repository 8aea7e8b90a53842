"""The surface inside one cell of eight voxels: polygons that cut off the corners inside a mask."""

from __future__ import annotations

from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Corner = tuple[int, int, int]

CORNERS: tuple[Corner, ...] = tuple((z, y, x) for z, y, x in product((0, 1), repeat=3))
"""Corner k of a cell is bit k of its code, set where the corner is inside."""


@lru_cache(maxsize=64)
def cell_areas(spacing_mm_zyx: tuple[float, float, float]) -> Floats:
    """Area in mm2 of the surface in a cell, by the cell's code: ``(256,)``.

    Polygons run through the middles of the edges that lead out of the mask, as marching cubes' do;
    corners that are inside and meet only across a face's diagonal are cut off each on its own.
    """
    spacing = np.array(spacing_mm_zyx)
    areas_mm2 = np.zeros(1 << len(CORNERS))
    for code in range(len(areas_mm2)):
        for loop in _polygons(code):
            points = np.array(loop, dtype=np.float64) / 2.0 * spacing
            turned = np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0)
            areas_mm2[code] += np.linalg.norm(turned) / 2.0
    return areas_mm2


def _polygons(code: int) -> list[list[Corner]]:
    """Closed loops of edges, each edge by the sum of its two corners."""
    inside = {corner for k, corner in enumerate(CORNERS) if code >> k & 1}
    leads = {start: stop for face in _faces() for start, stop in _cuts(face, inside)}
    loops: list[list[Corner]] = []
    while leads:
        edge = next(iter(leads))
        loop: list[Corner] = []
        while edge in leads:
            loop.append(edge)
            edge = leads.pop(edge)
        loops.append(loop)
    return loops


def _faces() -> list[tuple[Corner, ...]]:
    """The corners of every face in order, all faces turning the same way seen from outside."""
    faces: list[tuple[Corner, ...]] = []
    for axis, side in product(range(3), (0, 1)):
        around = ((0, 0), (1, 0), (1, 1), (0, 1))[:: 1 if side else -1]
        at = [(side, u, v) for u, v in around]
        faces.append(
            tuple((one[-axis % 3], one[(1 - axis) % 3], one[(2 - axis) % 3]) for one in at)
        )
    return faces


def _cuts(face: tuple[Corner, ...], inside: set[Corner]) -> list[tuple[Corner, Corner]]:
    """From the edge by which each run of inside corners begins to the edge by which it ends."""
    num = len(face)
    edges = [_middle(face[k - 1], face[k]) for k in range(num)]
    cuts: list[tuple[Corner, Corner]] = []
    for k in range(num):
        if face[k] in inside and face[k - 1] not in inside:
            stop = next(n for n in range(1, num) if face[(k + n) % num] not in inside)
            cuts.append((edges[k], edges[(k + stop) % num]))
    return cuts


def _middle(one: Corner, other: Corner) -> Corner:
    return one[0] + other[0], one[1] + other[1], one[2] + other[2]
