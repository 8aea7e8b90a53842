"""Whether the image shows an edge where a mask ends: steps of HU across its border and within."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.unions import united
from scalemai_core.records.label_map import ImageZYX
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.runs import Runs

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Triple = tuple[int, int, int]

STEP_HU = 4
"""Width of a bin of steps."""
NUM_BINS = 256
"""Steps up to 1020 HU are told apart."""
INNER_SHARE = 0.8
"""Share of the steps inside a structure that are its own texture and noise. Ours."""


BORDER = 1
NUM_INSIDE = 32768
"""Voxels of a structure at least that its texture is told from; the smaller ones' are all taken."""


@dataclass(frozen=True, slots=True, eq=False)
class Edges:
    """Shares of a structure's border faces across which the image shows no edge, by structure id.

    A face is open where voxels a few mm on either side of it differ no more than voxels as far
    apart inside the structure do, and nothing is labelled beyond. A mask cut through its own tissue
    is open; a mask that ends where the tissue ends is not. NaN where there are no faces.
    """

    open_share: Floats
    """``(n,)`` over the whole border."""
    open_face: Floats
    """``(n, 3, 2)`` over the faces that look backward and forward along z, y, x.

    Of the side with more faces: a closed mask has as many on either, and what is left beside the
    volume's own border says little.
    """
    texture_hu: Floats
    """``(n,)`` the step below which those inside are counted as texture, the coarsest axis."""


def find_edges(
    layers: Iterable[Runs],
    image_zyx: ImageZYX,
    spacing_mm_zyx: tuple[float, float, float],
    unions: NDArray[np.bool_],
    *,
    densest: NDArray[np.bool_],
    reach_mm: float,
) -> Edges:
    """Compare voxels ``reach_mm`` apart (one voxel at least) along each axis, for all layers.

    Layers share no structure. Faces less than that from the volume's border are left out. All
    other faces count, but inside large structures only every n-th voxel does, the same ones on each
    call: measured, that moves the share of a border by less than 0.01 and of a side by 0.03.

    ``densest`` (n,) marks structures denser than all that surrounds them: where it is brighter
    beyond their border than within, they go on. Raises ValueError for ids of n or more.
    """
    num = len(unions)
    inner = np.zeros((num, 3, NUM_BINS), dtype=np.int64)
    outer = np.zeros((num, 3, 2, NUM_BINS), dtype=np.int64)
    faces = np.zeros((num, 3, 2, num), dtype=np.int64)
    z, y, x = (max(1, round(reach_mm / spacing_mm)) for spacing_mm in spacing_mm_zyx)
    for labels in layers:
        if labels.labels.max(initial=0) >= num:
            raise ValueError(f"label map holds ids above {num - 1}")
        _count(labels, image_zyx, (z, y, x), densest, (inner, outer, faces))
    # Faces between two parts are not the border of the whole.
    leaves = np.einsum("sdei,si->sde", united(faces, unions), ~unions)
    return _shares(united(inner, unions), united(outer, unions), leaves)


def _shares(inner: Floats, outer: Floats, leaves: Floats) -> Edges:
    """From steps inside (n, 3, bin), steps outward (n, 3, 2, bin) and border faces (n, 3, 2)."""
    total = inner.sum(axis=2)
    usual, covered, at_most = (
        np.zeros(total.shape),
        np.full(total.shape, np.nan),
        outer[..., 0].copy(),
    )
    _tell(inner, outer, total, (usual, covered, at_most))
    with np.errstate(invalid="ignore", divide="ignore"):
        open_faces = np.minimum(at_most / covered[:, :, None], leaves)
        return Edges(
            open_share=open_faces.sum(axis=(1, 2)) / leaves.sum(axis=(1, 2)),
            open_face=open_faces / leaves.max(axis=2, keepdims=True),
            texture_hu=np.where(total > 0, STEP_HU * (usual + 1), np.nan).max(axis=1),
        )


@compiled
def _tell(inner: Floats, outer: Floats, total: Floats, told: tuple[Floats, Floats, Floats]) -> None:
    """By structure and axis: the last bin of usual steps inside, the share of them up to it, and
    how many steps outward, either way, are no larger."""
    usual, covered, at_most = told
    for s in range(len(total)):
        for axis in range(3):
            if total[s, axis] == 0:
                continue
            below, last = inner[s, axis, 0], 0
            while below / total[s, axis] < INNER_SHARE:
                last += 1
                below += inner[s, axis, last]
            usual[s, axis], covered[s, axis] = last, below / total[s, axis]
            for side in range(2):
                at_most[s, axis, side] = outer[s, axis, side, : last + 1].sum()


@compiled
def _count(
    labels: Runs,
    image_zyx: ImageZYX,
    reach: Triple,
    dense: NDArray[np.bool_],
    counts: tuple[Counts, Counts, Counts],
) -> None:
    """Slice by slice, so that what is looked up is near in memory."""
    inner, outer, faces = counts
    depth = labels.shape_zyx[0]
    every, due = _strides(labels, len(dense)), np.zeros((3, len(dense)), dtype=np.int64)
    for z in range(depth):
        for axis in range(3):
            far = _step(axis, reach[axis])
            if z + far[0] < depth:
                _stay(labels, image_zyx, z, far, (every, due[axis]), inner[:, axis])
            for side, sign in enumerate((-1, 1)):
                way, far = _step(axis, sign), _step(axis, sign * reach[axis])
                if 0 <= z + far[0] < depth:
                    beyond = outer[:, axis, side], faces[:, axis, side]
                    _leave(labels, image_zyx, z, (way, far), dense, beyond)


@compiled
def _step(axis: int, length: int) -> Triple:
    z, y = length * (axis == 0), length * (axis == 1)
    return z, y, length - z - y


@compiled
def _strides(labels: Runs, num: int) -> Counts:
    """By id: every how many voxels inside it one is looked at."""
    starts, stops, values = labels.starts, labels.stops, labels.labels
    every = np.zeros(num, dtype=np.int64)
    for run in range(len(values)):
        every[values[run]] += stops[run] - starts[run]
    return every // NUM_INSIDE + 1


@compiled
def _stay(
    labels: Runs,
    image_zyx: ImageZYX,
    z: int,
    far: Triple,
    strides: tuple[Counts, Counts],
    inner: Counts,
) -> None:
    """Count steps between two voxels of a structure; strides: every so many, so many to go."""
    _, height, width = labels.shape_zyx
    every, due = strides
    # Taken out of the tuple once: in the loops that would count references again and again.
    first, starts, stops, values = labels.first, labels.starts, labels.stops, labels.labels
    for y in range(height - far[1]):
        row = z * height + y
        met = first[row + far[0] * height + far[1]]
        for run in range(first[row], first[row + 1]):
            own = values[run]
            if own == 0:
                continue
            start = int(starts[run])
            stop = max(min(int(stops[run]), width - far[2]), start)
            x = start + int(due[own])
            while x < stop:
                met = _run_at(stops, met, x + far[2])
                if values[met] == own:
                    inner[own, _bin(image_zyx, (z, y, x), far, 1)] += every[own]
                x += int(every[own])
            due[own] = x - stop


@compiled
def _leave(
    labels: Runs,
    image_zyx: ImageZYX,
    z: int,
    ways: tuple[Triple, Triple],
    dense: NDArray[np.bool_],
    counts: tuple[Counts, Counts],
) -> None:
    """Count border faces of a slice that look one way, and steps out where nothing is labelled."""
    _, height, width = labels.shape_zyx
    (way, far), (outer, faces) = ways, counts
    first, starts, stops, values = labels.first, labels.starts, labels.stops, labels.labels
    for y in range(max(-far[1], 0), height - max(far[1], 0)):
        row = z * height + y
        near = first[row + way[0] * height + way[1]]
        away = first[row + far[0] * height + far[1]]
        for run in range(first[row], first[row + 1]):
            own = values[run]
            if own == 0:
                continue
            rise = 0 if dense[own] else 1
            x, stop = max(int(starts[run]), -far[2]), min(int(stops[run]), width - far[2])
            while x < stop:
                near = _run_at(stops, near, x + way[2])
                beside, end = values[near], min(int(stops[near]) - way[2], stop)
                if beside != own:
                    faces[own, beside] += end - x
                for at in range(x, end if beside == 0 else x):
                    away = _run_at(stops, away, at + far[2])
                    if values[away] == 0:
                        outer[own, _bin(image_zyx, (z, y, at), far, rise)] += 1
                x = end


@compiled
def _run_at(stops: NDArray[np.int32], run: int, x: int) -> int:
    """The run of this row that holds x, from one that ends nowhere behind it."""
    while stops[run] <= x:
        run += 1
    return run


@compiled
def _bin(image_zyx: ImageZYX, at: Triple, far: Triple, rise: int) -> int:
    """The bin of the step from here to so far away; a step up counts so many times."""
    fall = int(image_zyx[at]) - int(image_zyx[at[0] + far[0], at[1] + far[1], at[2] + far[2]])
    if fall < 0:
        fall *= -rise
    return min(fall // STEP_HU, NUM_BINS - 1)
