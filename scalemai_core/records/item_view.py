"""Where to look at an item: found when its round asks it, so that showing it reads a crop."""

from __future__ import annotations

from scalemai_core.records.base import Record

Box = tuple[int, int, int, int, int, int]
"""First z, y, x and the ones behind the last, in voxels of the scan."""


class Piece(Record):
    """A connected piece of the current mask that a reader may delete; 26-connected."""

    number: int
    """From 1, the largest first."""
    volume_ml: float
    box: Box
    piece_hash: str
    """Of its voxels' positions in the scan: the only name under which it is deleted."""


class PackedMask(Record):
    """A small mask of its own, on the scan's grid."""

    box: Box
    bits: str
    """Base64 of the box's voxels, z slowest, eight a byte, first voxel in the highest bit."""


class ItemView(Record):
    """A row of a round's table ``views``."""

    item_id: str
    centre_zyx: tuple[int, int, int]
    """The voxel that all three planes go through: the middle of where the masks differ most."""
    box: Box
    """What is shown."""
    volumes_ml: tuple[float | None, float | None, float | None]
    """Of the current mask, the rival and the third; None where it is not offered."""
    pieces: tuple[Piece, ...] = ()
    """Of the current mask."""
    candidate: PackedMask | None = None
    """Of a lesion item: the candidate that is asked about."""
