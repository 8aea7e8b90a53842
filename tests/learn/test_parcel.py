"""Parcels: what was packed comes out, and memory is used again once nobody looks at it."""

from __future__ import annotations

import gc

import numpy as np

from scalemai_core.learn.feed.parcel import Order, Packer, Parcel, Pieces
from scalemai_core.learn.feed.patches import Patch
from scalemai_core.records.label_map import Layer
from scalemai_core.records.training import Part


def patch(value: int, edge: int = 6) -> Patch:
    shape = (edge, edge, edge)
    labels = {Layer.ANATOMY: np.full(shape, value, np.uint8)}
    image_zyx = np.full(shape, value / 100, np.float32)
    return Patch(image_zyx, labels, {}, f"scan {value}", Part.TRUSTED, None)


class Journey:
    """Orders, packs and unpacks, as the trainer and its one process do together."""

    def __init__(self) -> None:
        self.used: list[int] = []
        self.sent: list[bool] = []
        self._pieces = Pieces(workers=1)
        self._orders = self._pieces.orders([value] for value in range(1, 100))
        self._packer = Packer()

    def next(self, edge: int = 6) -> Patch:
        order = next(self._orders)
        parcel = self._packer.pack([patch(n, edge) for n in order.samples], order.piece)
        self.used.append(order.piece)
        self.sent.append(parcel.memory is not None)
        (found,) = self._pieces.unpack(parcel)
        return found


def holds(found: Patch, value: int) -> bool:
    return (
        found.scan_id == f"scan {value}"
        and bool((found.image_zyx == np.float32(value / 100)).all())
        and bool((found.labels[Layer.ANATOMY] == value).all())
    )


def test_a_piece_is_used_again_once_its_patches_are_forgotten() -> None:
    journey = Journey()
    for value in range(1, 6):
        found = journey.next()
        assert holds(found, value)
        del found
        gc.collect()
    assert journey.used == [0] * 5
    assert journey.sent == [True] + [False] * 4, "memory changes hands once"


def test_patches_that_are_kept_stay_as_they_are() -> None:
    journey = Journey()
    kept = [journey.next() for _ in range(4)]
    assert all(holds(found, value) for value, found in enumerate(kept, start=1))
    assert len(set(journey.used)) == 4


def test_one_array_that_is_kept_keeps_its_piece() -> None:
    journey = Journey()
    row = journey.next().labels[Layer.ANATOMY][0, 0]
    gc.collect()
    others = [holds(journey.next(), value) for value in range(2, 6)]
    assert all(others)
    assert row.tolist() == [1] * 6


def test_a_piece_that_is_too_small_makes_room_for_a_larger_one() -> None:
    journey = Journey()
    assert holds(journey.next(edge=4), 1)
    gc.collect()
    assert holds(journey.next(edge=9), 2)
    gc.collect()
    assert holds(journey.next(edge=5), 3)
    assert journey.used == [0, 0, 0]
    assert journey.sent == [True, True, False]


def test_each_process_gets_its_own_pieces_again() -> None:
    pieces, packers = Pieces(workers=2), [Packer(), Packer()]
    orders = pieces.orders([value] for value in range(1, 9))
    for number in range(8):
        order: Order = next(orders)
        parcel: Parcel = packers[number % 2].pack([patch(number + 1)], order.piece)
        assert order.piece == number % 2
        assert (parcel.memory is not None) == (number < 2)
        assert holds(pieces.unpack(parcel)[0], number + 1)
        gc.collect()
