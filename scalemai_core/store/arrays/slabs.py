"""A volume written a few slices at a time, in memory that grows with its compressed size only.

A volume is one Zarr shard with one writer, and a shard can only be put whole: its chunks are
compressed as soon as a row of them is complete, and kept so until the volume is closed. A label map
takes one byte for a hundred voxels or more: a few MB for a long scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.store.arrays import ome
from scalemai_core.store.arrays.layout import Layout, Triple, joined
from scalemai_core.store.arrays.stored_array import write_shard
from scalemai_core.store.files import Files


class SlabWriter:
    """Takes a volume's slices in order; it is there once ``close`` has written its document."""

    def __init__(
        self, files: Files, path: str, shape_zyx: Triple, dtype: str, document: bytes
    ) -> None:
        """``path`` and ``document`` as in ``Volumes.write``, which stores the same bytes."""
        self._files = files
        self._path = path
        self._document = document
        self._layout = Layout.plan(shape_zyx, dtype)
        self._row_zyx = np.empty((self._layout.chunk[0], *shape_zyx[1:]), dtype)
        self._num_slices = 0
        self._chunks: list[bytes] = []

    def add(self, slices_zyx: NDArray[Any]) -> None:
        """The next slices, any number of them."""
        depth = len(self._row_zyx)
        done = 0
        while done < len(slices_zyx):
            at = self._num_slices % depth
            taken = min(depth - at, len(slices_zyx) - done)
            self._row_zyx[at : at + taken] = slices_zyx[done : done + taken]
            self._num_slices += taken
            done += taken
            if self._num_slices % depth == 0:
                self._chunks += self._layout.chunks(self._row_zyx)

    def close(self) -> None:
        """Write the voxels, then the document; raises ValueError if slices are missing."""
        num_slices = self._layout.shape[0]
        if self._num_slices != num_slices:
            raise ValueError(f"{self._num_slices} of {num_slices} slices were written")
        if left := num_slices % len(self._row_zyx):
            self._chunks += self._layout.chunks(self._row_zyx[:left])
        write_shard(self._files, f"{self._path}/{ome.LEVEL}", self._layout, joined(self._chunks))
        self._files.write_bytes(f"{self._path}/{ome.GROUP_DOCUMENT}", self._document)
