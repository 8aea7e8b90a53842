"""Parents as one mask with their parts: label maps in which every structure has a value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.volume.histogram import NUM_IDS


def merged_maps(
    a_zyx: LabelsZYX, b_zyx: LabelsZYX, unions: NDArray[np.bool_]
) -> Iterator[tuple[list[int], LabelsZYX, LabelsZYX]]:
    """The two maps in which structures carry their own value, with the structures meant.

    First the maps themselves for all whose voxels carry their own id alone, then merged copies for
    parents with parts, as many at a time as share no voxel.
    """
    num = len(unions)
    used = np.zeros(num, dtype=np.bool_)
    for labels_zyx in (a_zyx, b_zyx):
        used |= np.bincount(labels_zyx.ravel(), minlength=NUM_IDS)[:num] > 0
    used[0] = False
    present = unions & used
    own_alone = present.sum(axis=1) == np.diagonal(present)
    yield np.flatnonzero(own_alone & used).tolist(), a_zyx, b_zyx
    parents = np.flatnonzero(present.any(axis=1) & ~own_alone).tolist()
    for group in disjoint(parents, unions):
        merge = np.zeros(NUM_IDS, dtype=np.uint8)
        for parent in group:
            merge[:num][unions[parent]] = parent
        yield group, merge[a_zyx], merge[b_zyx]


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
