"""Which part of the data and which case a sample is drawn from: quotas, no luck."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from scalemai_core.records.training import Part, TrainingCase
from scalemai_core.settings.learning import MixSettings

BLOCK = 100
"""Samples in which every part has exactly its share, to the percent."""


class Mix:
    """Deals cases to samples; a pure function of seed and global sample index.

    Every case of a part comes once before any comes again, in a new order each time. Method
    reference, section 1.8.
    """

    def __init__(self, cases: Sequence[TrainingCase], settings: MixSettings, seed: int) -> None:
        members = {part: [n for n, case in enumerate(cases) if _has(case, part)] for part in Part}
        shares = {p: getattr(settings, p.value) for p, numbers in members.items() if numbers}
        if not any(shares.values()):  # all shares are of what the dataset lacks
            shares = {p: 1.0 for p in shares if p is not Part.SYNTHETIC}
        most = {part: settings.most_often * len(members[part]) / len(cases) for part in shares}
        self._members = members
        self._counts = _whole(_limited(shares, most))
        self._seed = seed
        self._block = lru_cache(maxsize=4)(self._deal)
        self._order = lru_cache(maxsize=2 * len(Part))(self._shuffle)

    def draw(self, index: int) -> tuple[Part, int]:
        """Part and number of the case of a sample."""
        block, place = divmod(index, BLOCK)
        part, number = self._block(block)[place]
        ordinal = block * self._counts[part] + number
        epoch, place = divmod(ordinal, len(self._members[part]))
        return part, self._order(part, epoch)[place]

    def _deal(self, block: int) -> list[tuple[Part, int]]:
        """A block's samples: each part spread evenly over it, from a start of its own."""
        rng = np.random.default_rng([self._seed, 2, block])
        starts = dict(zip(Part, rng.uniform(size=len(Part)).tolist(), strict=True))
        slots = [
            ((number + starts[part]) / count, part, number)
            for part, count in self._counts.items()
            for number in range(count)
        ]
        return [(part, number) for _, part, number in sorted(slots)]

    def _shuffle(self, part: Part, epoch: int) -> list[int]:
        rng = np.random.default_rng([self._seed, 0, list(Part).index(part), epoch])
        return rng.permutation(self._members[part]).tolist()


def _has(case: TrainingCase, part: Part) -> bool:
    """Whether a sample of this part can be drawn from the case."""
    return {
        Part.TRUSTED: case.trusted,
        Part.REVIEWED: bool(case.reviewed),
        Part.PSEUDO: bool(case.pseudo),
        Part.SYNTHETIC: bool(case.tumours),
    }[part]


def _limited(shares: dict[Part, float], most: dict[Part, float]) -> dict[Part, float]:
    """Shares of all samples, none above its most; what that frees goes to the others."""
    total = sum(shares.values())
    kept = {part: min(share / total, most[part]) for part, share in shares.items()}
    free = {part: share for part, share in shares.items() if share / total <= most[part]}
    freed, left = 1.0 - sum(kept.values()), sum(free.values())
    return {part: kept[part] + freed * free.get(part, 0.0) / (left or 1.0) for part in shares}


def _whole(shares: dict[Part, float]) -> dict[Part, int]:
    """Samples of each part in a block: rounded down but for the last, the rest to the largest
    remainders."""
    total = sum(shares.values())
    exact = {part: BLOCK * share / total for part, share in shares.items()}
    counts = {part: max(int(number), number > 0) for part, number in exact.items()}
    rest = sorted(exact, key=lambda part: counts[part] - exact[part])
    for part in rest[: BLOCK - sum(counts.values())]:
        counts[part] += 1
    return counts
