"""The desk as a tool of MONAI Label sees it: images are leases, a saved label is an answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from scalemai_core.records.answer import Answer
from scalemai_core.records.decision import Candidate
from scalemai_core.records.lease import Lease
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import DRAWN_KINDS
from scalemai_core.review.bundle.cut import crop_grid
from scalemai_core.review.desk import Desk
from scalemai_core.review.handoff.drawing import read_drawing
from scalemai_core.review.handoff.handouts import Handouts
from scalemai_core.review.handoff.nifti import encode
from scalemai_core.review.handoff.voxels import read_item
from scalemai_core.review.queue.queue import Queue
from scalemai_core.store.documents.review_log import ReviewClosedError

ORIGINAL = "original"
ENDING = ".nii.gz"
HELD_SECONDS = 4 * 3600.0
"""How long an item is held for an editor, which cannot renew its lease. Ours."""
DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class ItemFile:
    """A file for a tool."""

    data: bytes
    name: str


class Tools:
    """The desk as a tool sees it."""

    def __init__(self, desk_of: Callable[[], Desk | None], queue: Queue) -> None:
        self._desk_of = desk_of
        self._queue = queue
        self._handouts = Handouts()

    def desk(self) -> Desk:
        """Of the open round; raises ReviewClosedError."""
        desk = self._desk_of()
        if desk is None:
            raise ReviewClosedError("no review is open; nothing waits")
        return desk

    def progress(self, reader: Reader) -> dict[str, Any]:
        """How far the round is."""
        progress = self.desk().stats(reader).progress
        return {"total": progress.total, "completed": progress.decided, "label_tags": {}}

    def next_item(self, reader: Reader, address: str) -> dict[str, Any]:
        """Lease an item that is answered by drawing; empty where none waits."""
        leases = self.desk().take(reader, 1, DRAWN_KINDS)
        if not leases:
            return {}
        held = self._queue.renew(reader.name, leases[0].lease_id, HELD_SECONDS)
        self._handouts.give(held, address)
        return {"id": held.lease_id, "name": _file_name(held), **_facts(held)}

    def listing(self, reader: Reader) -> dict[str, Any]:
        """The reader's own items: what tools call a datastore."""
        objects = {lease.lease_id: _described(lease) for lease in self._handouts.of(reader.name)}
        return {"name": "review", "description": "Items held for you", "objects": objects}

    def held(self, reader: Reader, lease_id: str) -> Lease:
        """The lease, looked up in the queue; raises LeaseLostError."""
        return self._queue.held(reader.name, lease_id)

    def fetched(self, lease_id: str, address: str) -> Lease | None:
        """The lease whose image an address fetches that was told of it a moment ago; else None.

        The Slicer plugin fetches the image without its token. So the address that was told gets
        it, once, within a minute; the image's id is a random secret.
        """
        lease = self._handouts.fetched(lease_id, address)
        return lease and self._queue.held(lease.reader, lease_id)

    def image(self, lease: Lease) -> ItemFile:
        """The CT around the item."""
        desk = self.desk()
        voxels = read_item(desk.store, lease.item, desk.view(lease.item.item_id))
        return ItemFile(encode(voxels.image_zyx, voxels.grid), _file_name(lease))

    def mask(self, lease: Lease) -> ItemFile:
        """The current mask, 0 and 1."""
        desk = self.desk()
        voxels = read_item(desk.store, lease.item, desk.view(lease.item.item_id))
        return ItemFile(encode((voxels.mask_zyx > 0).astype("u1"), voxels.grid), _file_name(lease))

    def draw(
        self, reader: Reader, lease_id: str, data: bytes, named: dict[int, str] | None
    ) -> dict[str, Any]:
        """A drawn mask is the answer."""
        desk, lease = self.desk(), self._queue.held(reader.name, lease_id)
        view = desk.view(lease.item.item_id)
        scan_grid = desk.store.scans.grid(lease.item.scan_id)
        inside = crop_grid(scan_grid, view.box)
        drawing = read_drawing(data, lease.item, view, scan_grid, inside, named)
        desk.answer(reader, lease_id, self._answer(lease, Candidate.READER), drawing)
        return self._ended(lease_id)

    def keep(self, reader: Reader, lease_id: str, note: str) -> dict[str, Any]:
        """The current mask is right."""
        lease = self._queue.held(reader.name, lease_id)
        self.desk().answer(reader, lease_id, self._answer(lease, Candidate.CURRENT, note))
        return self._ended(lease_id)

    def skip(self, reader: Reader, lease_id: str, reason: str) -> dict[str, Any]:
        """Somebody else should look."""
        lease = self._queue.held(reader.name, lease_id)
        self.desk().skip(reader, lease_id, reason, self._seconds(lease))
        return self._ended(lease_id)

    def _answer(self, lease: Lease, choice: Candidate, note: str = "") -> Answer:
        base = lease.item.base_label_map
        return Answer(choice=choice, base_label_map=base, seconds=self._seconds(lease), note=note)

    def _seconds(self, lease: Lease) -> float:
        return min(self._handouts.seconds(lease), DAY_SECONDS)

    def _ended(self, lease_id: str) -> dict[str, Any]:
        self._handouts.end(lease_id)
        return {"image": lease_id, "label": lease_id}


def _file_name(lease: Lease) -> str:
    """Tools keep files by name, so that no two leases may share one."""
    return f"{lease.item.structure}_{lease.lease_id}{ENDING}"


def _facts(lease: Lease) -> dict[str, Any]:
    item = lease.item
    return {"structure": item.structure, "reason": item.reason, "ext": ENDING}


def _described(lease: Lease) -> dict[str, Any]:
    names = {"params": {"label_names": {lease.item.structure: 1}}}
    return {
        "image": {"ext": ENDING, "info": {"name": _file_name(lease), **_facts(lease)}},
        "labels": {ORIGINAL: {"ext": ENDING, "info": names}},
    }
