"""Masks inside their bounding boxes: of a scan's 88 structures, each fills little of the scan."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.records.item_view import Box, PackedMask
from scalemai_core.volume.components import BoxZYX, MaskZYX, bounding_box


@dataclass(frozen=True, slots=True, eq=False)
class BoxedMask:
    """The voxels of a box of the scan; somewhere in it is the mask, and nothing outside."""

    mask_zyx: MaskZYX
    first_zyx: tuple[int, int, int]
    """Where the box begins in the scan."""

    @classmethod
    def of(cls, mask_zyx: MaskZYX, first_zyx: tuple[int, int, int] = (0, 0, 0)) -> Self | None:
        """The smallest box around a mask; None where it is empty."""
        inside = bounding_box(mask_zyx)
        if inside is None:
            return None
        return cls(mask_zyx[inside], moved(first_zyx, box_of(inside)[:3]))

    @property
    def box(self) -> Box:
        """The box."""
        return (*self.first_zyx, *moved(self.first_zyx, self.mask_zyx.shape))

    @property
    def num_voxels(self) -> int:
        """Voxels of the mask."""
        return int(np.count_nonzero(self.mask_zyx))

    def within(self, box: Box) -> MaskZYX:
        """What of the mask lies in another box of the scan."""
        placed = np.zeros(shape_of(box), dtype=np.bool_)
        both = overlap_of(self.box, box)
        if both is not None:
            placed[slices_of(both, box[:3])] = self.mask_zyx[slices_of(both, self.first_zyx)]
        return placed

    def packed(self) -> PackedMask:
        """As a record."""
        bits = base64.b64encode(np.packbits(self.mask_zyx).tobytes()).decode()
        return PackedMask(box=self.box, bits=bits)

    @classmethod
    def unpacked(cls, packed: PackedMask) -> Self:
        """From a record."""
        shape = shape_of(packed.box)
        bits = np.frombuffer(base64.b64decode(packed.bits), dtype=np.uint8)
        mask = np.unpackbits(bits, count=int(np.prod(shape))).astype(np.bool_)
        return cls(mask.reshape(shape), packed.box[:3])


class ScanLabels:
    """A label map, or numbered components, of which many masks are wanted.

    Every value's box is found in one pass, so that a mask costs no more than its own box.
    """

    def __init__(self, labels_zyx: NDArray[Any]) -> None:
        self._labels_zyx = labels_zyx
        self._boxes: list[BoxZYX | None] = list(ndimage.find_objects(labels_zyx))

    def mask(self, values: Sequence[int] | NDArray[Any]) -> BoxedMask | None:
        """Where the array holds any of the values, none of them 0; None where it nowhere does."""
        found = [self._boxes[v - 1] for v in map(int, values) if v <= len(self._boxes)]
        boxes = [box_of(box) for box in found if box is not None]
        if not boxes:
            return None
        box = joint_box(boxes)
        wanted = np.zeros(len(self._boxes) + 1, dtype=np.bool_)
        wanted[[int(v) for v in values if v <= len(self._boxes)]] = True
        return BoxedMask(wanted[self._labels_zyx[slices_of(box)]], box[:3])


def box_of(box: BoxZYX) -> Box:
    """Slices as a record's box."""
    z, y, x = box
    return (z.start, y.start, x.start, z.stop, y.stop, x.stop)


def shape_of(box: Box) -> tuple[int, int, int]:
    """Number of voxels along z, y, x."""
    return (box[3] - box[0], box[4] - box[1], box[5] - box[2])


def slices_of(box: Box, first_zyx: tuple[int, int, int] = (0, 0, 0)) -> BoxZYX:
    """Where a box of the scan lies in an array that begins at ``first_zyx`` of the scan."""
    z, y, x = first_zyx
    return (
        slice(box[0] - z, box[3] - z),
        slice(box[1] - y, box[4] - y),
        slice(box[2] - x, box[5] - x),
    )


def moved(zyx: tuple[int, int, int], by_zyx: tuple[int, ...]) -> tuple[int, int, int]:
    """A place further on."""
    z, y, x = (a + b for a, b in zip(zyx, by_zyx, strict=True))
    return (z, y, x)


def joint_box(boxes: Sequence[Box]) -> Box:
    """The smallest box around all."""
    corners = np.array(boxes).reshape(-1, 2, 3)
    z0, y0, x0 = corners[:, 0].min(axis=0).tolist()
    z1, y1, x1 = corners[:, 1].max(axis=0).tolist()
    return (z0, y0, x0, z1, y1, x1)


def overlap_of(one: Box, other: Box) -> Box | None:
    """What lies in both; None where nothing does."""
    z0, y0, x0 = map(max, one[:3], other[:3])
    z1, y1, x1 = map(min, one[3:], other[3:])
    return (z0, y0, x0, z1, y1, x1) if z0 < z1 and y0 < y1 and x0 < x1 else None
