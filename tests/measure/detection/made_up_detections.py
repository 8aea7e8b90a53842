"""Scans made up at random with lesions and candidates that meet, and picai_eval's view of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from picai_eval.eval import evaluate
from picai_eval.metrics import Metrics
from scipy import ndimage, optimize

EVERY_NEIGHBOUR = np.ones((3, 3, 3), dtype=np.bool_)
SPACING = (2.5, 0.8, 0.8)
LEVELS = 64
"""So few confidences that many are equal, and all exact in float32."""


@dataclass(frozen=True)
class MadeUpScan:
    lesions_zyx: NDArray[np.int32]
    candidates_zyx: NDArray[np.int32]
    confidence: dict[int, float]

    @property
    def detection_map_zyx(self) -> NDArray[np.float32]:
        by_number = np.zeros(self.candidates_zyx.max() + 1, dtype=np.float32)
        by_number[list(self.confidence)] = list(self.confidence.values())
        return by_number[self.candidates_zyx]


def made_up_scan(rng: np.random.Generator, num_lesions: int, num_candidates: int) -> MadeUpScan:
    """Blobs on a small grid; about half the candidates lie on lesions, and some touch several."""
    shape = (14, 24, 24)
    lesion_centres = rng.uniform(2, np.array(shape) - 2, (num_lesions, 3))
    lesions = blobs(rng, shape, lesion_centres, (3.0, 6.0))
    near = rng.random(num_candidates) < (0.8 if num_lesions else 0.0)
    centres = rng.uniform(2, np.array(shape) - 2, (num_candidates, 3))
    if num_lesions:
        around = lesion_centres[rng.integers(num_lesions, size=num_candidates)]
        centres[near] = around[near] + rng.normal(0, 3.0, (int(near.sum()), 3))
    candidates = blobs(rng, shape, centres, (2.0, 4.0))
    numbers = range(1, candidates.max() + 1)
    confidence = {number: int(rng.integers(1, LEVELS)) / LEVELS for number in numbers}
    return MadeUpScan(lesions, candidates, confidence)


def blobs(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    centres: NDArray[np.float64],
    radii: tuple[float, float],
) -> NDArray[np.int32]:
    """Ellipsoids as 26-connected components; each keeps a gap to those before it."""
    mask = np.zeros(shape, dtype=np.bool_)
    grid = np.indices(shape)
    for centre in centres:
        scaled = (grid - centre[:, None, None, None]) / rng.uniform(*radii, (3, 1, 1, 1))
        blob = (scaled**2).sum(axis=0) <= 1
        mask |= blob & ~ndimage.binary_dilation(mask, EVERY_NEIGHBOUR)
    numbered, _ = ndimage.label(mask, EVERY_NEIGHBOUR)
    return numbered.astype(np.int32)


def overlaps(scan: MadeUpScan) -> NDArray[np.float64]:
    """IoU of every lesion (rows) with every candidate, the plain way."""
    found = np.zeros((scan.lesions_zyx.max(), scan.candidates_zyx.max()))
    for i, j in np.ndindex(*found.shape):
        one, two = scan.lesions_zyx == i + 1, scan.candidates_zyx == j + 1
        found[i, j] = (one & two).sum() / (one | two).sum()
    return found


def is_settled(scan: MadeUpScan) -> bool:
    """Whether one assignment alone is the best: among equals, anyone may choose."""
    iou = overlaps(scan)
    weights = np.where(iou >= 0.1, iou + 1, 0.0)
    rng = np.random.default_rng(0)
    chosen = set[tuple[tuple[int, int], ...]]()
    for _ in range(8):
        shaken = weights + np.where(weights > 0, rng.uniform(0, 1e-7, weights.shape), 0)
        rows, columns = optimize.linear_sum_assignment(shaken, maximize=True)
        pairs = ((int(i), int(j)) for i, j in zip(rows, columns, strict=True) if weights[i, j])
        chosen.add(tuple(sorted(pairs)))
    return len(chosen) == 1


@lru_cache
def made_up_scans(seed: int, num: int) -> list[MadeUpScan]:
    """Settled scans with 0 to 4 lesions and 0 to 7 candidates before they merge."""
    rng = np.random.default_rng(seed)
    scans = list[MadeUpScan]()
    while len(scans) < num:
        num_lesions = int(rng.integers(0, 5)) * int(rng.random() < 0.7)
        scan = made_up_scan(rng, num_lesions, int(rng.integers(0, 13)))
        if is_settled(scan):
            scans.append(scan)
    return scans


def picai_metrics(scans: Sequence[MadeUpScan]) -> Metrics:
    """What picai_eval says of them, one thread."""
    return evaluate(
        [scan.detection_map_zyx for scan in scans],
        [(scan.lesions_zyx > 0).astype(np.int32) for scan in scans],
        num_parallel_calls=1,
    )
