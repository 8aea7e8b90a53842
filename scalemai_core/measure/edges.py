"""Whether the image shows an edge where a mask ends: steps of HU across its border and inside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import ImageZYX, LabelsZYX
from scalemai_core.volume.compiled import compiled
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
    reach_mm: float,
) -> Edges:
    """Compare voxels ``reach_mm`` apart (one voxel at least) along each axis, for one layer."""
    num = len(unions)
    inner, outer, faces = _count(labels_zyx, image_zyx, spacing_mm_zyx, reach_mm)
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
    reach_mm: float,
) -> tuple[Counts, Counts, Counts]:
    """By axis: steps inside (id, bin), steps outward (direction, id, bin), faces (direction, ids)."""
    inner = np.zeros((3, NUM_IDS, NUM_BINS), dtype=np.int64)
    outer = np.zeros((3, 2, NUM_IDS, NUM_BINS), dtype=np.int64)
    faces = np.zeros((3, 2, NUM_IDS, NUM_IDS), dtype=np.int64)
    for axis, spacing_mm in enumerate(spacing_mm_zyx):
        far = max(1, round(reach_mm / spacing_mm))
        labels, image = np.moveaxis(labels_zyx, axis, 0), np.moveaxis(image_zyx, axis, 0)
        _count_along(labels, image, far, inner[axis], outer[axis], faces[axis])
    return inner, outer, faces


@compiled
def _count_along(
    labels: LabelsZYX, image: ImageZYX, far: int, inner: Counts, outer: Counts, faces: Counts
) -> None:
    depth, height, width = labels.shape
    for i in range(depth):
        for j in range(height):
            for k in range(width):
                own = labels[i, j, k]
                if own == 0:
                    continue
                for direction in range(2):
                    sign = 2 * direction - 1
                    near, away = i + sign, i + sign * far
                    if near < 0 or near >= depth:
                        continue
                    other = labels[near, j, k]
                    reached = 0 <= away < depth
                    if other != own:
                        faces[direction, own, other] += 1
                        if other > 0 or not reached or labels[away, j, k] > 0:
                            continue
                    elif direction == 0 or not reached or labels[away, j, k] != own:
                        continue
                    step = abs(int(image[away, j, k]) - int(image[i, j, k])) // STEP_HU
                    step = min(step, NUM_BINS - 1)
                    if other != own:
                        outer[direction, own, step] += 1
                    else:
                        inner[own, step] += 1
