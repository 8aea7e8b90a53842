"""The only writer of corrected layers: applies changes, and says what they did to others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.volume.change import Change, Strength
from scalemai_core.volume.claims import Bids, Claims
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.histogram import joint_histogram


@dataclass(frozen=True, slots=True)
class Touched:
    """Voxels a structure won and lost."""

    gained: int
    lost: int


@dataclass(frozen=True, slots=True, eq=False)
class Composed:
    """A new layer, and what it did to others."""

    labels_zyx: LabelsZYX
    touched: dict[int, Touched]
    """Structures that differ from before though no change named them: they are judged again."""
    denied: dict[int, int]
    """Changed structures that lack voxels of their candidate, and how many: conflicts they lost."""


def compose(
    base_zyx: LabelsZYX,
    changes: Sequence[Change],
    unions: NDArray[np.bool_],
    *,
    present: AbstractSet[int],
    base_strength: Mapping[int, Strength],
) -> Composed:
    """Apply all changes to a layer at once; their order does not matter.

    A changed structure leaves its old voxels and takes its candidate's. A voxel that another
    structure holds goes to the stronger of the two (trust, then worth), to the holder on a tie. A
    voxel left behind becomes what the change's own candidate sees there, where that structure is
    ``present``, unchanged and of no higher trust, else background. ``base_strength`` speaks for
    unchanged structures, a parent's word covering its parts; of others nothing is known.

    One pass over the volume: beside the inputs it holds the result and one slice. Raises ValueError
    where shapes differ, ids lie outside ``unions`` or two changes name one structure.
    """
    ranked = sorted(changes, key=lambda change: (change.strength, change.structure))
    _check(base_zyx, ranked, len(unions))
    claims = Claims(ranked, unions, present, base_strength)
    sources = {id(c.source_zyx): c.source_zyx for c in ranked if c.source_zyx is not None}
    offers = [(source_zyx, claims.bids(source_zyx)) for source_zyx in sources.values()]
    unclaimed = claims.unclaimed()
    labels_zyx = np.empty(base_zyx.shape, dtype=np.uint8)
    for z, base_yx in enumerate(base_zyx):
        best = unclaimed[base_yx]
        for source_zyx, bids in offers:
            _outbid(best, np.ascontiguousarray(base_yx), np.ascontiguousarray(source_zyx[z]), bids)
        labels_zyx[z] = best & np.uint16(0xFF)
    changed = {change.structure for change in ranked}
    return Composed(
        labels_zyx,
        _touched(base_zyx, labels_zyx, unions, changed),
        _denied(labels_zyx, ranked, unions),
    )


@compiled
def _outbid(
    best_yx: Bids, base_yx: NDArray[np.uint8], source_yx: NDArray[np.uint8], bids: Bids
) -> None:
    best, base, source = best_yx.reshape(-1), base_yx.reshape(-1), source_yx.reshape(-1)
    for i in range(best.size):
        best[i] = max(best[i], bids[base[i], source[i]])


def _touched(
    base_zyx: LabelsZYX, labels_zyx: LabelsZYX, unions: NDArray[np.bool_], changed: AbstractSet[int]
) -> dict[int, Touched]:
    before, after, both = _volumes(joint_histogram(base_zyx, labels_zyx), unions)
    differs = np.flatnonzero((before != both) | (after != both)).tolist()
    return {
        s: Touched(gained=int(after[s] - both[s]), lost=int(before[s] - both[s]))
        for s in differs
        if s > 0 and s not in changed
    }


def _denied(
    labels_zyx: LabelsZYX, changes: Sequence[Change], unions: NDArray[np.bool_]
) -> dict[int, int]:
    missing: dict[int, int] = {}
    histograms: dict[int, NDArray[np.int64]] = {}
    for change in changes:
        source_zyx = change.source_zyx
        if source_zyx is None:
            continue
        if id(source_zyx) not in histograms:
            histograms[id(source_zyx)] = joint_histogram(source_zyx, labels_zyx)
        wanted, _, granted = _volumes(histograms[id(source_zyx)], unions)
        missing[change.structure] = int((wanted - granted)[change.structure])
    return {structure: voxels for structure, voxels in missing.items() if voxels > 0}


def _volumes(
    histogram: NDArray[np.int64], unions: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """By structure: voxels in the rows' map, in the columns' map, and in both."""
    members = unions.astype(np.float64)
    counts = histogram[: len(unions), : len(unions)].astype(np.float64)
    by_row = members @ counts
    rows, columns, both = (
        by_row.sum(axis=1),
        members @ counts.sum(axis=0),
        (by_row * members).sum(1),
    )
    return rows.astype(np.int64), columns.astype(np.int64), both.astype(np.int64)


def _check(base_zyx: LabelsZYX, changes: Sequence[Change], num_ids: int) -> None:
    structures = [change.structure for change in changes]
    if len(set(structures)) < len(structures):
        raise ValueError(f"two changes name one structure: {sorted(structures)}")
    maps = {id(c.source_zyx): c.source_zyx for c in changes if c.source_zyx is not None}
    for labels_zyx in (base_zyx, *maps.values()):
        if labels_zyx.shape != base_zyx.shape or labels_zyx.dtype != np.uint8:
            raise ValueError(
                f"a {labels_zyx.dtype} label map of shape {labels_zyx.shape} cannot change a uint8"
                f" layer of shape {base_zyx.shape}"
            )
        if int(labels_zyx.max(initial=0)) >= num_ids:
            raise ValueError(f"a label map holds ids above {num_ids - 1}, the last of the taxonomy")
