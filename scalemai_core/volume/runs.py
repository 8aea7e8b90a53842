"""A label map as runs of equal voxels along x: what is found run by run costs no walk over voxels.

An abdomen of 80 million voxels has about a million runs of nine bytes. Nothing else the size of a
volume is allocated, whatever is asked; only noise, a run for every voxel, takes more than its map.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.histogram import NUM_IDS
from scalemai_core.volume.roots import root_of

Places = NDArray[np.int64]
Steps = NDArray[np.int32]

_EVERY_BYTE = np.uint64(0x0101010101010101)


class Runs(NamedTuple):
    """Every row along x cut into runs, background too; rows by z, then y.

    A named tuple, for compiled loops take those as they are.
    """

    shape_zyx: tuple[int, int, int]
    first: Places
    """``(depth * height + 1,)``: each row's first run."""
    starts: Steps
    """x of each run's first voxel."""
    stops: Steps
    """x after each run's last voxel."""
    labels: NDArray[np.uint8]

    @classmethod
    def of(cls, labels_zyx: LabelsZYX) -> Self:
        """Cut a label map into runs; raises ValueError where voxels are not uint8.

        A map that is not contiguous is copied.
        """
        if labels_zyx.dtype != np.uint8:
            raise ValueError(f"label maps are uint8, not {labels_zyx.dtype}")
        depth, height, width = labels_zyx.shape
        voxels = np.ascontiguousarray(labels_zyx).reshape(-1)
        words = voxels[: voxels.size - voxels.size % 8].view(np.uint64)
        first = np.zeros(depth * height + 1, dtype=np.int64)
        starts, labels = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.uint8)
        row = 0
        while row < depth * height:
            # Room for as many runs again, and for a row of noise.
            more = len(starts) + depth * height + width
            starts = np.append(starts, np.zeros(more, dtype=np.int32))
            labels = np.append(labels, np.zeros(more, dtype=np.uint8))
            row = _cut(voxels, words, (row, width), first, starts, labels)
        starts, labels = starts[: first[-1]].copy(), labels[: first[-1]].copy()
        return cls((depth, height, width), first, starts, _stops(starts, width), labels)

    def merged(self, names: NDArray[np.uint8]) -> Self:
        """The runs of ``names[labels_zyx]``, a label map with other labels, ``names`` (256,)."""
        labels = names[self.labels]
        kept = self.starts == 0
        kept[1:] |= labels[1:] != labels[:-1]
        starts = self.starts[kept]
        first = np.append(np.flatnonzero(starts == 0), len(starts))
        stops = _stops(starts, self.shape_zyx[2])
        return self._replace(first=first, starts=starts, stops=stops, labels=labels[kept])

    @property
    def lengths(self) -> Places:
        """Voxels of each run."""
        return (self.stops - self.starts).astype(np.int64)

    @property
    def used(self) -> NDArray[np.bool_]:
        """``(256,)``: values that occur."""
        return np.bincount(self.labels, minlength=NUM_IDS) > 0

    @property
    def rows(self) -> Places:
        """The row each run lies in, z * height + y."""
        return np.repeat(np.arange(len(self.first) - 1), np.diff(self.first))

    def joint_histogram(self, other: Runs) -> Places:
        """Count voxels by their pair of ids: ``(256, 256)``, columns the other's.

        Raises ValueError where shapes differ.
        """
        if self.shape_zyx != other.shape_zyx:
            shapes = f"{self.shape_zyx} and {other.shape_zyx}"
            raise ValueError(f"label maps of shapes {shapes} cannot be compared")
        counts = np.zeros((NUM_IDS, NUM_IDS), dtype=np.int64)
        _meet(self, other, counts)
        return counts

    def pieces(self, wanted: NDArray[np.bool_], reach: int) -> Places:
        """The piece each run belongs to, as the number of one run of it; itself if not wanted.

        ``wanted`` (256,) are the labels of which equal ones hang together: by faces at ``reach`` 0,
        by edges and corners too at 1.
        """
        roots = np.arange(len(self.starts))
        _join(self, wanted, reach, roots)
        return roots


def _stops(starts: Steps, width: int) -> Steps:
    stops = np.append(starts[1:], np.int32(0))
    stops[stops == 0] = width
    return stops


@compiled
def _stop(voxels: NDArray[np.uint8], words: NDArray[np.uint64], start: int, end: int) -> int:
    """Where the run that starts here ends; 32 or 8 equal voxels are told by one branch."""
    label, stop = voxels[start], start + 1
    while stop < end and stop & 7 and voxels[stop] == label:
        stop += 1
    if stop & 7 == 0:
        eight = np.uint64(label) * _EVERY_BYTE
        while stop + 32 <= end:
            i = stop >> 3
            one, two = words[i] ^ eight, words[i + 1] ^ eight
            three, four = words[i + 2] ^ eight, words[i + 3] ^ eight
            if one | two | three | four:
                break
            stop += 32
        while stop + 8 <= end and words[stop >> 3] == eight:
            stop += 8
        while stop < end and voxels[stop] == label:
            stop += 1
    return stop


@compiled
def _cut(
    voxels: NDArray[np.uint8],
    words: NDArray[np.uint64],
    rows: tuple[int, int],
    first: Places,
    starts: Steps,
    labels: NDArray[np.uint8],
) -> int:
    """Cut row after row from one on, as long as there is room; the row that is next."""
    row, width = rows
    while row < len(first) - 1 and first[row] + width <= len(starts):
        run, begin = first[row], row * width
        start, end = begin, begin + width
        while start < end:
            starts[run], labels[run] = start - begin, voxels[start]
            start = _stop(voxels, words, start, end)
            run += 1
        row += 1
        first[row] = run
    return row


@compiled
def _meet(runs: Runs, others: Runs, counts: Places) -> None:
    # Rows end at the same x in both: one walk over all runs, without regard to rows.
    run = met = at = 0
    while run < len(runs.stops):
        stop, other_stop = runs.stops[run], others.stops[met]
        end = min(stop, other_stop)
        counts[runs.labels[run], others.labels[met]] += end - at
        run += stop == end
        met += other_stop == end
        at = 0 if end == runs.shape_zyx[2] else end


@compiled
def _join(runs: Runs, wanted: NDArray[np.bool_], reach: int, roots: Places) -> None:
    for z in range(runs.shape_zyx[0]):
        _join_rows(runs, z, (0, -1), wanted, reach, roots)
        for across in range(-reach, reach + 1):
            _join_rows(runs, z, (-1, across), wanted, reach, roots)
    for run in range(len(roots)):
        roots[run] = root_of(roots, run)


@compiled
def _join_rows(
    runs: Runs,
    z: int,
    step_zy: tuple[int, int],
    wanted: NDArray[np.bool_],
    reach: int,
    roots: Places,
) -> None:
    """Join the runs of a slice's rows with those of the rows so far away."""
    # Taken out of the tuple once: in the loops that would count references again and again.
    first, starts, stops, labels = runs.first, runs.starts, runs.stops, runs.labels
    height, (step_z, step_y) = runs.shape_zyx[1], step_zy
    for y in range(max(-step_y, 0), height - max(step_y, 0) if z + step_z >= 0 else 0):
        row = z * height + y
        near, end = first[row + step_z * height + step_y], first[row + step_z * height + step_y + 1]
        for run in range(first[row], first[row + 1]):
            label = labels[run]
            if not wanted[label]:
                continue
            while stops[near] + reach <= starts[run]:
                near += 1
            met = near
            while met < end and starts[met] < stops[run] + reach:
                if labels[met] == label and roots[met] != roots[run]:
                    one, two = root_of(roots, run), root_of(roots, met)
                    roots[max(one, two)] = min(one, two)
                met += 1
