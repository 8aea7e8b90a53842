"""Overlap of two label maps of one layer: all structures at once, from one joint histogram."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.unions import united
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.volume.histogram import joint_histogram


@dataclass(frozen=True, slots=True)
class Overlap:
    """What two label maps share, by structure id; all counts are voxels, parents are unions."""

    volume_a: NDArray[np.int64]
    """``(n,)``: voxels of each structure in the first map."""
    volume_b: NDArray[np.int64]
    """``(n,)``: voxels of each structure in the second map."""
    shared: NDArray[np.int64]
    """``(n, n)``: voxels of structure ``row`` in the first map and ``column`` in the second."""
    unions: NDArray[np.bool_]
    """``(n, n)``: which id belongs to which structure."""

    @classmethod
    def of_maps(cls, a_zyx: LabelsZYX, b_zyx: LabelsZYX, unions: NDArray[np.bool_]) -> Self:
        """Compare two label maps; ``unions[s, i]``: id ``i`` belongs to structure ``s``."""
        return cls.of_histogram(joint_histogram(a_zyx, b_zyx), unions)

    @classmethod
    def of_histogram(cls, histogram: NDArray[np.int64], unions: NDArray[np.bool_]) -> Self:
        """Sum a joint histogram over ``unions``; raises ValueError on ids unknown to them."""
        num = unions.shape[1]
        if histogram[num:].any() or histogram[:, num:].any():
            raise ValueError(f"a label map holds ids above {num - 1}, the last of the taxonomy")
        counts = histogram[:num, :num]
        by_row = united(counts, unions)
        return cls(
            volume_a=by_row.sum(axis=1).astype(np.int64),
            volume_b=united(counts.sum(axis=0), unions).astype(np.int64),
            shared=united(by_row.T, unions).T.astype(np.int64),
            unions=unions,
        )

    @property
    def intersection(self) -> NDArray[np.int64]:
        """``(n,)``: voxels each structure has in both maps."""
        return np.diagonal(self.shared)

    @property
    def dice(self) -> NDArray[np.float64]:
        """``(n,)``: 2|A and B| / (|A| + |B|), NaN where both are empty.

        Method reference, section 0.3.
        """
        total = (self.volume_a + self.volume_b).astype(np.float64)
        total[total == 0] = np.nan
        return 2.0 * self.intersection / total

    def confusions(self, structure: int) -> dict[int, int]:
        """Structures of the second map that lie on this one of the first and share no id with it.

        Their ids with the voxels they cover, most first.
        """
        related = (self.unions & self.unions[structure]).any(axis=1)
        covering = np.where(related, 0, self.shared[structure])
        order = np.argsort(-covering, kind="stable")
        return {int(s): int(covering[s]) for s in order[: np.count_nonzero(covering)]}
