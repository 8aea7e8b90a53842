"""Parents as one mask with their parts: label maps in which every structure has a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.histogram import NUM_IDS
from scalemai_core.volume.runs import Runs

Floats = NDArray[np.float64]


def united(counts: NDArray[Any], unions: NDArray[np.bool_]) -> Floats:
    """Counts per id, along the first axis, summed to counts per structure.

    The same as ``unions @ counts``, where nearly all structures are their own id alone. Whole
    numbers below 2**53 are exact.
    """
    summed = np.zeros(counts.shape)
    _unite(counts.reshape(len(counts), -1), unions, summed.reshape(len(counts), -1))
    return summed


@compiled
def _unite(counts: NDArray[Any], unions: NDArray[np.bool_], summed: Floats) -> None:
    for structure in range(len(unions)):
        for part in range(len(unions)):
            if unions[structure, part]:
                for i in range(counts.shape[1]):
                    summed[structure, i] += counts[part, i]


def wholes(unions: NDArray[np.bool_]) -> list[int]:
    """Structures that have parts."""
    return np.flatnonzero(np.count_nonzero(unions, axis=1) > 1).tolist()


def merged_runs(labels: Runs, unions: NDArray[np.bool_]) -> Iterator[tuple[list[int], Runs]]:
    """One label map so merged that structures carry their own value, with the structures meant."""
    for ids, names in mergers(labels.used, unions):
        yield ids, labels if names is None else labels.merged(names)


def mergers(
    used: NDArray[np.bool_], unions: NDArray[np.bool_]
) -> Iterator[tuple[list[int], NDArray[np.uint8] | None]]:
    """New names (256,) of the ids under which structures carry their own, and which do.

    ``used`` (256,) says which ids occur. First None, the ids themselves, for all whose voxels carry
    their own id alone, then merged names for parents with parts, as many at a time as share no
    voxel; all other ids become background.
    """
    num = len(unions)
    is_used = used[:num] & (np.arange(num) > 0)
    present = unions & is_used
    own_alone = present.sum(axis=1) == np.diagonal(present)
    yield np.flatnonzero(own_alone & is_used).tolist(), None
    parents = np.flatnonzero(present.any(axis=1) & ~own_alone).tolist()
    for group in disjoint(parents, unions):
        names = np.zeros(NUM_IDS, dtype=np.uint8)
        for parent in group:
            names[:num][unions[parent]] = parent
        yield group, names


def disjoint(structures: Sequence[int], unions: NDArray[np.bool_]) -> list[list[int]]:
    """Groups of structures that share no id, so that one label map can hold each group."""
    groups: list[list[int]] = []
    for structure in structures:
        for group in groups:
            if not (unions[group] & unions[structure]).any():
                group.append(structure)
                break
        else:
            groups.append([structure])
    return groups
