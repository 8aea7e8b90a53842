"""Whether the image shows an edge where a mask ends: steps of HU across its border and within."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import ImageZYX, LabelsZYX
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.components import bounding_box
from scalemai_core.volume.histogram import NUM_IDS

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

STEP_HU = 4
"""Width of a bin of steps."""
NUM_BINS = 256
"""Steps up to 1020 HU are told apart."""
INNER_SHARE = 0.8
"""Share of the steps inside a structure that are its own texture and noise. Ours."""


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
    labels_zyx: LabelsZYX,
    image_zyx: ImageZYX,
    spacing_mm_zyx: tuple[float, float, float],
    unions: NDArray[np.bool_],
    *,
    densest: NDArray[np.bool_],
    reach_mm: float,
) -> Edges:
    """Compare voxels ``reach_mm`` apart (one voxel at least) along each axis, for one layer.

    Faces less than that from the volume's border are left out.

    ``densest`` (n,) marks structures denser than all that surrounds them: where it is brighter
    beyond their border than within, they go on.
    """
    num = len(unions)
    dense = np.zeros(NUM_IDS, dtype=np.bool_)
    dense[:num] = densest
    inner, outer, faces = _count(labels_zyx, image_zyx, spacing_mm_zyx, dense, reach_mm)
    members = unions.astype(np.float64)
    inner_steps: Floats = np.einsum("su,aub->sab", members, inner[:, :num])
    outer_steps: Floats = np.einsum("su,adub->sadb", members, outer[:, :, :num])
    # Faces between two parts are not the border of the whole.
    leaves: Floats = np.einsum(
        "su,aduv,sv->sad", members, faces[:, :, :num, :num].astype(np.float64), 1.0 - members
    )
    below = np.cumsum(inner_steps, axis=2)
    total = below[:, :, -1:]
    with np.errstate(invalid="ignore", divide="ignore"):
        share = below / total
        usual = np.argmax(share >= INNER_SHARE, axis=2)[:, :, None]
        covered = np.take_along_axis(share, usual, axis=2)
        at_most = np.take_along_axis(np.cumsum(outer_steps, axis=3), usual[:, :, None], axis=3)
        open_faces = np.minimum(at_most[..., 0] / covered, leaves)
        return Edges(
            open_share=open_faces.sum(axis=(1, 2)) / leaves.sum(axis=(1, 2)),
            open_face=open_faces / leaves.max(axis=2, keepdims=True),
            texture_hu=np.where(total > 0, STEP_HU * (usual + 1), np.nan)[:, :, 0].max(axis=1),
        )


def _count(
    labels_zyx: LabelsZYX,
    image_zyx: ImageZYX,
    spacing_mm_zyx: tuple[float, float, float],
    dense: NDArray[np.bool_],
    reach_mm: float,
) -> tuple[Counts, Counts, Counts]:
    """By axis: steps inside (id, bin), steps outward (side, id, bin), and faces (side, id, id)."""
    inner = np.zeros((3, NUM_IDS, NUM_BINS), dtype=np.int64)
    outer = np.zeros((3, 2, NUM_IDS, NUM_BINS), dtype=np.int64)
    faces = np.zeros((3, 2, NUM_IDS, NUM_IDS), dtype=np.int64)
    reach = [max(1, round(reach_mm / spacing_mm)) for spacing_mm in spacing_mm_zyx]
    box = bounding_box(labels_zyx)
    if box is None:
        return inner, outer, faces
    around = tuple(
        slice(max(part.start - far, 0), part.stop + far)
        for part, far in zip(box, reach, strict=True)
    )
    labels_zyx, image_zyx = labels_zyx[around], image_zyx[around]
    for axis, far in enumerate(reach):
        size = labels_zyx.shape[axis]
        if far >= size:
            continue
        low, high = _part(axis, 0, size - far), _part(axis, far, size)
        beside = _part(axis, 1, size - far + 1), _part(axis, far - 1, size - 1)
        _count_inside(
            (labels_zyx[low], labels_zyx[high]), (image_zyx[low], image_zyx[high]), inner[axis]
        )
        for side, (own, near, away) in enumerate(((high, beside[1], low), (low, beside[0], high))):
            _count_border(
                (labels_zyx[own], labels_zyx[near], labels_zyx[away]),
                (image_zyx[own], image_zyx[away]),
                dense,
                (outer[axis, side], faces[axis, side]),
            )
    return inner, outer, faces


def _part(axis: int, start: int, stop: int) -> tuple[slice, ...]:
    return (*(slice(None),) * axis, slice(start, stop))


@compiled
def _count_inside(
    labels: tuple[LabelsZYX, LabelsZYX], image: tuple[ImageZYX, ImageZYX], inner: Counts
) -> None:
    depth, height, width = labels[0].shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                own = labels[0][z, y, x]
                if own > 0 and labels[1][z, y, x] == own:
                    step = abs(int(image[0][z, y, x]) - int(image[1][z, y, x])) // STEP_HU
                    inner[own, min(step, NUM_BINS - 1)] += 1


@compiled
def _count_border(
    labels: tuple[LabelsZYX, LabelsZYX, LabelsZYX],
    image: tuple[ImageZYX, ImageZYX],
    dense: NDArray[np.bool_],
    counts: tuple[Counts, Counts],
) -> None:
    outer, faces = counts
    depth, height, width = labels[0].shape
    for z in range(depth):
        for y in range(height):
            for x in range(width):
                own, near = labels[0][z, y, x], labels[1][z, y, x]
                if own == 0 or own == near:
                    continue
                faces[own, near] += 1
                if near == 0 and labels[2][z, y, x] == 0:
                    fall = int(image[0][z, y, x]) - int(image[1][z, y, x])
                    if fall < 0:
                        fall = 0 if dense[own] else -fall
                    outer[own, min(fall // STEP_HU, NUM_BINS - 1)] += 1
