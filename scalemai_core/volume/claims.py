"""Who may take which voxel when a layer changes: the rules, and the lookup tables made of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.volume.change import UNJUDGED, Change, Strength
from scalemai_core.volume.histogram import NUM_IDS

Bids = NDArray[np.uint16]
"""A rank in the high byte, the id the voxel would get in the low one: the highest bid wins."""

Ids = NDArray[np.uint16]

_NO_CLAIM = np.uint16(1 << 8)
"""Rank of what a voxel gets where no claim is granted; the weakest change's claims come next."""


class Claims:
    """The rules of one composition; ``ranked`` goes from the weakest change to the strongest.

    An id belongs to the strongest change whose structure it is part of; a weaker change of a parent
    claims that part's voxels under the parent's own id. A structure that nobody changes holds its
    voxels against all changes that are not stronger, a parent for its parts too where
    ``base_strength`` speaks for it.
    """

    def __init__(
        self,
        ranked: Sequence[Change],
        unions: NDArray[np.bool_],
        present: AbstractSet[int],
        base_strength: Mapping[int, Strength],
    ) -> None:
        num = len(unions)
        self._ranked = ranked
        self._unions = unions
        self._owner = np.full(num, -1)
        for rank, change in enumerate(ranked):
            self._owner[unions[change.structure]] = rank
        free = [s for s in range(1, num) if self._owner[s] < 0]
        # From the widest to the narrowest, so that the last one written is the most specific.
        self._free = sorted(free, key=lambda s: int(-unions[s].sum()))
        self._strength = {s: base_strength.get(s, UNJUDGED) for s in self._free}
        self._silent = ~np.isin(np.arange(num), list(base_strength))[:, None]
        self._heir = self._innermost(s for s in self._free if s in present)

    def unclaimed(self) -> Bids:
        """``(256,)``: the bid of a base id by itself, 0 where a candidate's label map has a say."""
        bids = np.arange(NUM_IDS, dtype=np.uint16) | _NO_CLAIM
        for rank, change in enumerate(self._ranked):
            vacated = np.flatnonzero(self._owner == rank)
            floor = self._floor(change)[vacated] | _NO_CLAIM
            bids[vacated] = floor if change.source_zyx is None else 0
        return bids

    def bids(self, source_zyx: LabelsZYX) -> Bids:
        """``(256, 256)``: the best bid of this source's changes, by base id and by source id."""
        num = len(self._unions)
        table = np.zeros((NUM_IDS, NUM_IDS), dtype=np.uint16)
        known = table[:num, :num]
        mine = [(r, c) for r, c in enumerate(self._ranked) if c.source_zyx is source_zyx]
        for rank, change in mine:
            vacated = np.flatnonzero(self._owner == rank)
            known[vacated] = self._left_behind(change)[vacated] | _NO_CLAIM
        for rank, change in mine:
            claimed = self._claimed(rank, change)
            granted = (claimed > 0) & ~self._refused(change)[:, claimed]
            known[...] = np.where(granted, claimed + (rank + 2) * _NO_CLAIM, known)
        return table

    def _claimed(self, rank: int, change: Change) -> Ids:
        """By source id: the id it is claimed under, 0 where this change claims nothing."""
        ids = np.arange(len(self._unions), dtype=np.uint16)
        parent = change.structure if self._owner[change.structure] == rank else 0
        under = np.where(self._owner == rank, ids, np.uint16(parent))
        return np.where(self._unions[change.structure], under, np.uint16(0))

    def _left_behind(self, change: Change) -> Ids:
        """By base and source id: what a vacated voxel becomes where nobody may claim it."""
        above = self._unions[[s for s in self._free if self._strength[s][0] > change.trust]]
        closed = self._refused(change) | _any_pair(~above, above)
        heir_may = ~closed[:, self._heir] & (self._heir > 0)
        return np.where(heir_may, self._heir, self._floor(change)[:, None])

    def _refused(self, change: Change) -> NDArray[np.bool_]:
        """By base and new id: would a structure that holds against this change lose the voxel?"""
        strong = self._strong(change)
        held = self._unions[strong] & ~self._silent[strong]
        held[np.arange(len(strong)), strong] = True
        return _any_pair(held, ~self._unions[strong])

    def _floor(self, change: Change) -> Ids:
        """By base id: the innermost parent that holds against this change, else background."""
        return self._innermost(s for s in self._strong(change) if not self._silent[s])

    def _strong(self, change: Change) -> list[int]:
        return [s for s in self._free if self._strength[s] >= change.strength]

    def _innermost(self, structures: Iterable[int]) -> Ids:
        """By id: the last of these structures it is part of, 0 where there is none."""
        innermost = np.zeros(len(self._unions), dtype=np.uint16)
        for structure in structures:
            innermost[self._unions[structure]] = structure
        return innermost


def _any_pair(left: NDArray[np.bool_], right: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """``(n, n)``: does any row hold both the left id and the right one?"""
    return left.T.astype(np.float32) @ right.astype(np.float32) > 0
