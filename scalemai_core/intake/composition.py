"""Masks of one source painted into layers: the more specific structure keeps a contested voxel.

A parent always gives way to its parts. Between others the smaller one wins, because what is drawn
inside something larger is drawn on purpose; equal sizes are settled by id, so the order of the
files never matters.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.taxonomy.taxonomy import NUM_IDS, Taxonomy


class Composition:
    """The layers of one scan while its label files are read.

    A structure's size must be counted before it is painted, and so must those of its ancestors.
    """

    def __init__(self, taxonomy: Taxonomy, shape_zyx: tuple[int, int, int]) -> None:
        self.labels: dict[Layer, LabelsZYX] = {}
        self._taxonomy = taxonomy
        self._shape_zyx = shape_zyx
        self._sizes = np.zeros(NUM_IDS, dtype=np.int64)
        self._lost = np.zeros((NUM_IDS, NUM_IDS), dtype=np.int64)

    def open(self, layer: Layer) -> None:
        """Make sure that the layer exists, empty where nothing is painted."""
        if layer not in self.labels:
            self.labels[layer] = np.zeros(self._shape_zyx, dtype=np.uint8)

    def count(self, structure: str, num_voxels: int) -> None:
        """Add to the size by which contests are settled."""
        self._sizes[self._taxonomy[structure].id] += num_voxels

    def winner(self, structures: Iterable[str], num_voxels: int) -> int:
        """Id of the structure that keeps voxels which the source gave to all of these."""
        ranks = self._ranks()
        first, *others = sorted((self._taxonomy[name].id for name in structures), key=ranks.item)
        for other in others:
            if not self._related(first, other):
                self._lost[other, first] += num_voxels
        return first

    def paint(self, layer: Layer, ids_zyx: LabelsZYX) -> None:
        """Lay ids (0 where there is none) over the layer."""
        self.open(layer)
        ranks = self._ranks()
        for held_yx, ids_yx in zip(self.labels[layer], ids_zyx, strict=True):
            if ids_yx.any():  # most structures touch few slices
                self._paint_slice(held_yx, ids_yx, ranks)

    def overlaps(self) -> Iterator[tuple[str, str, int]]:
        """Loser, winner and the number of voxels lost, where neither is a part of the other."""
        for loser, winner in np.argwhere(self._lost).tolist():
            lost = int(self._lost[loser, winner])
            yield self._taxonomy.by_id(loser).name, self._taxonomy.by_id(winner).name, lost

    def sizes(self) -> NDArray[np.int64]:
        """Voxels the source gave to each id, contested ones included."""
        return self._sizes.copy()

    def held(self) -> NDArray[np.int64]:
        """Voxels that each id and its parts hold now."""
        counts = np.zeros(NUM_IDS, dtype=np.int64)
        for labels_zyx in self.labels.values():
            for labels_yx in labels_zyx:  # slice by slice, since bincount widens what it is given
                counts += np.bincount(labels_yx.ravel(), minlength=NUM_IDS)
        return self._taxonomy.unions @ counts

    def _paint_slice(self, held_yx: LabelsZYX, ids_yx: LabelsZYX, ranks: NDArray[np.intp]) -> None:
        wins_yx = ids_yx != 0
        contested_yx = wins_yx & (held_yx != 0) & (held_yx != ids_yx)
        if contested_yx.any():
            old, new = held_yx[contested_yx], ids_yx[contested_yx]
            wins = ranks[new] < ranks[old]
            self._record(np.where(wins, old, new), np.where(wins, new, old))
            wins_yx[contested_yx] = wins
        np.copyto(held_yx, ids_yx, where=wins_yx)

    def _record(self, losers: NDArray[np.uint8], winners: NDArray[np.uint8]) -> None:
        pairs, counts = np.unique(losers.astype(np.intp) * NUM_IDS + winners, return_counts=True)
        for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
            loser, winner = divmod(pair, NUM_IDS)
            if not self._related(loser, winner):
                self._lost[loser, winner] += count

    def _related(self, one: int, other: int) -> bool:
        unions = self._taxonomy.unions
        return bool(unions[one, other] or unions[other, one])

    def _ranks(self) -> NDArray[np.intp]:
        """Rank of each id, the winner's lowest; a part counts at most as large as its parents."""
        keys = [(0, 0, 0)]
        for structure in self._taxonomy.structures:
            ancestors = self._taxonomy.ancestors(structure.name)
            above = [int(self._sizes[s.id]) for s in ancestors if self._sizes[s.id] > 0]
            size = min([int(self._sizes[structure.id]), *above])
            keys.append((size, -len(ancestors), structure.id))
        ranks = np.empty(NUM_IDS, dtype=np.intp)
        ranks[sorted(range(NUM_IDS), key=keys.__getitem__)] = np.arange(NUM_IDS)
        return ranks
