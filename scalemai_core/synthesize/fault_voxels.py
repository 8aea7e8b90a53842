"""The voxels of a fault: which ones a structure loses, takes or moves; applied in place."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.synthesize.faults import MAGNITUDES, Fault, FaultKind
from scalemai_core.taxonomy.taxonomy import Taxonomy

REACH_MM = 40.0
"""How far beyond a structure its faults look for voxels."""

Mask = NDArray[np.bool_]
Scores = NDArray[np.floating]
Spacing = tuple[float, float, float]


def apply_fault(
    labels_zyx: LabelsZYX, fault: Fault, grid: Grid, taxonomy: Taxonomy
) -> tuple[Fault, ...]:
    """Apply one fault to a layer in place; returns what was done, an exchange once a side."""
    own = taxonomy[fault.structure].id
    if fault.partner is not None:
        other = taxonomy[fault.partner].id
        swap = np.arange(256, dtype=np.uint8)
        swap[[own, other]] = other, own
        labels_zyx[...] = swap[labels_zyx]
        back = fault.model_copy(update={"structure": fault.partner, "partner": fault.structure})
        return (fault, back)
    spacing = grid.spacing_mm_zyx
    box = _box(labels_zyx == own, spacing)
    if box is None:
        return ()
    part = labels_zyx[box]
    if fault.kind is FaultKind.SHIFT:
        return (_shift(part, own, fault, spacing),)
    if fault.kind in _GROWTH:
        _grow(part, own, _GROWTH[fault.kind](part, own, fault, spacing), fault.magnitude)
    else:
        _shrink(part, own, _LOSS[fault.kind](part == own, fault, spacing), fault.magnitude)
    return (fault,)


def _shrink(labels_zyx: LabelsZYX, own: int, scores: Scores, share: float) -> None:
    """Give up the share of voxels with the highest scores."""
    mask = labels_zyx == own
    num_lost = int(np.ceil(share * np.count_nonzero(mask)))
    flat = np.flatnonzero(mask)
    order = np.argsort(scores.ravel()[flat], kind="stable")
    labels_zyx[np.unravel_index(flat[order[len(flat) - num_lost :]], mask.shape)] = 0


def _grow(labels_zyx: LabelsZYX, own: int, scores: Scores, share: float) -> None:
    """Take the voxels with the lowest finite scores, as many as the share of its own."""
    num_won = int(np.ceil(share * np.count_nonzero(labels_zyx == own)))
    flat = np.flatnonzero(np.isfinite(scores))
    order = np.argsort(scores.ravel()[flat], kind="stable")
    labels_zyx[np.unravel_index(flat[order[:num_won]], scores.shape)] = own


def _shift(labels_zyx: LabelsZYX, own: int, fault: Fault, spacing: Spacing) -> Fault:
    """Move the mask across its long axis, since a tube moved along itself would hardly be wrong.

    A thick structure moves by a quarter of its thickness or the largest shift at least, and
    everything by one voxel at least.
    """
    mask = labels_zyx == own
    quarter = 0.5 * float(_depth(mask, spacing).max())
    _, largest = MAGNITUDES[FaultKind.SHIFT]
    distance_mm = max(fault.magnitude, min(quarter, largest))
    across = _across(mask, fault, spacing)
    steps = np.rint(across * distance_mm / np.asarray(spacing)).astype(int)
    if not steps.any():
        axis = int(np.argmax(np.abs(across)))
        steps[axis] = 1 if across[axis] > 0 else -1
    moved = _moved(mask, steps)
    labels_zyx[mask] = 0
    labels_zyx[moved & (labels_zyx == 0)] = own
    return fault.model_copy(update={"magnitude": distance_mm})


def _across(mask: Mask, fault: Fault, spacing: Spacing) -> NDArray[np.float64]:
    """The fault's direction without its share along the mask's long axis; a unit vector."""
    places = np.argwhere(mask) * np.asarray(spacing)
    if len(places) < 3:  # noqa: PLR2004 - too few voxels for an axis
        return np.asarray(fault.direction_zyx)
    _, axes = np.linalg.eigh(np.cov(places.T))
    sides = axes[:, :2] @ (axes[:, :2].T @ np.asarray(fault.direction_zyx))
    return sides / max(float(np.linalg.norm(sides)), 1e-6)


def _moved(mask: Mask, steps: NDArray[np.int_]) -> Mask:
    """The mask moved by whole voxels; what leaves the box is lost."""
    moved = np.zeros_like(mask)
    into = tuple(slice(max(s, 0), n + min(s, 0)) for s, n in zip(steps, mask.shape, strict=True))
    out_of = tuple(slice(max(-s, 0), n - max(s, 0)) for s, n in zip(steps, mask.shape, strict=True))
    moved[into] = mask[out_of]
    return moved


def _along(shape: tuple[int, ...], fault: Fault, spacing: Spacing) -> Scores:
    """Place along the fault's direction, mm."""
    z, y, x = (
        np.arange(n) * size * part
        for n, size, part in zip(shape, spacing, fault.direction_zyx, strict=True)
    )
    return z[:, None, None] + y[None, :, None] + x[None, None, :]


def _depth(mask: Mask, spacing: Spacing) -> Scores:
    """mm from each inner voxel to the nearest outer one."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1), sampling=spacing)
    return np.asarray(depth)[1:-1, 1:-1, 1:-1]


def _outer_shell(mask: Mask, fault: Fault, spacing: Spacing) -> Scores:
    """Shallow voxels go first; in masks one voxel thin, those that lie in the fault's direction."""
    return 1e-3 * _along(mask.shape, fault, spacing) - _depth(mask, spacing)


def _one_end(mask: Mask, fault: Fault, spacing: Spacing) -> Scores:
    """Slices go from one end along z."""
    sign = 1.0 if fault.direction_zyx[0] > 0 else -1.0
    heights = np.arange(mask.shape[0]) * spacing[0] * sign
    return np.broadcast_to(heights[:, None, None], mask.shape)


def _around_seeds(mask: Mask, fault: Fault, spacing: Spacing) -> Scores:
    """Balls around three deep places in a row go first."""
    where = np.argwhere(mask)
    order = np.argsort(_along(mask.shape, fault, spacing)[mask], kind="stable")
    seeds = where[order[[len(order) // 5, len(order) // 2, 4 * len(order) // 5]]]
    free = np.ones(mask.shape, dtype=np.bool_)
    free[tuple(seeds.T)] = False
    return -np.asarray(ndimage.distance_transform_edt(free, sampling=spacing))


def _nearby(labels_zyx: LabelsZYX, own: int, fault: Fault, spacing: Spacing) -> Scores:
    """Background nearest to the structure is taken first."""
    outside = np.asarray(ndimage.distance_transform_edt(labels_zyx != own, sampling=spacing))
    scores = outside + 1e-3 * _along(outside.shape, fault, spacing)
    return np.where(labels_zyx == 0, scores, np.inf)


def _next_door(labels_zyx: LabelsZYX, own: int, fault: Fault, spacing: Spacing) -> Scores:
    """A ball around the place nearest to a neighbour of its size or larger: mostly its voxels.

    Smaller neighbours stay whole, since a leak does not follow their outline.
    """
    mask = labels_zyx == own
    outside = np.asarray(ndimage.distance_transform_edt(~mask, sampling=spacing))
    sizes = np.bincount(labels_zyx.ravel(), minlength=own + 1)
    small = sizes[labels_zyx] < sizes[own]
    others = (labels_zyx > 0) & ~mask & ~small
    if not others.any():
        scores = outside - 0.5 * _along(mask.shape, fault, spacing)
        return np.where(labels_zyx == 0, scores, np.inf)
    door = outside + np.where(others, 0.0, np.inf) - 0.1 * _along(mask.shape, fault, spacing)
    away = np.ones(mask.shape, dtype=np.bool_)
    away.ravel()[np.argmin(door)] = False
    reach = np.asarray(ndimage.distance_transform_edt(away, sampling=spacing))
    scores = np.where(others, 1.0, 1.6) * reach
    return np.where(others | (labels_zyx == 0), scores, np.inf)


_LOSS: dict[FaultKind, Callable[[Mask, Fault, Spacing], Scores]] = {
    FaultKind.MISSING: _outer_shell,
    FaultKind.DROPPED_COMPONENT: lambda mask, fault, spacing: _along(mask.shape, fault, spacing),
    FaultKind.UNDER_SEGMENTATION: _outer_shell,
    FaultKind.TRUNCATED_SLICES: _one_end,
    FaultKind.HOLES: _around_seeds,
}
_GROWTH: dict[FaultKind, Callable[[LabelsZYX, int, Fault, Spacing], Scores]] = {
    FaultKind.OVER_SEGMENTATION: _nearby,
    FaultKind.LEAK: _next_door,
}


def _box(mask: Mask, spacing: Spacing) -> tuple[slice, slice, slice] | None:
    """The box that holds the mask and what its faults may reach; None where it is empty."""
    boxes = ndimage.find_objects(mask.astype(np.uint8))
    if not boxes:
        return None
    slices = [
        slice(max(part.start - pad, 0), min(part.stop + pad, size))
        for part, size, pad in zip(
            boxes[0], mask.shape, (int(np.ceil(REACH_MM / s)) for s in spacing), strict=True
        )
    ]
    return (slices[0], slices[1], slices[2])
