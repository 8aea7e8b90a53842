"""Many items as a folder for Slicer or ITK-SNAP, and what came of them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from scalemai_core.errors import UsageError
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import ItemView
from scalemai_core.records.review import ReviewItem
from scalemai_core.review.bundle.cut import crop_grid
from scalemai_core.review.drawing import Drawing
from scalemai_core.review.handoff.drawing import read_drawing
from scalemai_core.review.handoff.package import (
    DOCUMENT,
    IMAGE,
    MASK,
    MASKS,
    MAX_DOCUMENT,
    ItemDocument,
    check_document,
    files_of,
    mask_hash,
    read_document,
)
from scalemai_core.review.handoff.voxels import read_item
from scalemai_core.store.workspace import Workspace

Asked = tuple[ReviewItem, ItemView]

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,199}")
_MAX_VOXEL_BYTES = 8
_MAX_HEADER = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class DrawnItem:
    """An item whose mask was changed in an editor."""

    item: ReviewItem
    drawing: Drawing


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that was not taken, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class Returned:
    """All that a folder holds: every file is in one of these, or belongs to an item that is."""

    drawn: tuple[DrawnItem, ...]
    unchanged: tuple[str, ...]
    """Ids of items whose mask is as it went out; they stay open."""
    refused: tuple[RefusedFile, ...]


def export_items(store: Workspace, asked: Iterable[Asked], folder: Path) -> tuple[Path, ...]:
    """Write a folder for each item, named by its id; returns those folders.

    A folder that is there already is left alone: somebody may be drawing in it. Raises UsageError
    where an item is not answered by drawing.
    """
    written: list[Path] = []
    for item, view in asked:
        place = folder / _plain(item.item_id)
        if place.exists():
            continue
        files = files_of(item, read_item(store, item, view))
        place.mkdir(parents=True)
        for name, data in files.items():
            (place / name).write_bytes(data)
        written.append(place)
    return tuple(written)


def import_items(
    folder: Path, asked: Mapping[str, Asked], grid_of: Callable[[str], Grid]
) -> Returned:
    """Read back what ``export_items`` wrote; ``asked`` are the open items by their id.

    Nothing is stored, so it may be repeated. Raises UsageError where the folder does not exist.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder: give the one that was exported")
    drawn: dict[Path, DrawnItem] = {}
    unchanged: list[str] = []
    refused: list[RefusedFile] = []
    for place in sorted(folder.iterdir()):
        if place.is_symlink() or not place.is_dir():
            refused.append(RefusedFile(place, "it belongs to no item: items have a folder each"))
            continue
        refused += _strangers(place)
        try:
            found = _read_place(place, asked, grid_of)
        except UsageError as error:
            refused.append(RefusedFile(_mask_or_place(place), str(error)))
            continue
        if isinstance(found, DrawnItem):
            drawn[_mask_or_place(place)] = found
        else:
            unchanged.append(found)
    times = Counter(one.item.item_id for one in drawn.values())
    twice = "the item was drawn twice: keep one of its folders"
    refused += [RefusedFile(p, twice) for p, one in drawn.items() if times[one.item.item_id] > 1]
    once = tuple(one for one in drawn.values() if times[one.item.item_id] == 1)
    return Returned(once, tuple(unchanged), tuple(refused))


def _read_place(
    place: Path, asked: Mapping[str, Asked], grid_of: Callable[[str], Grid]
) -> DrawnItem | str:
    document = read_document(_bytes(place / DOCUMENT, MAX_DOCUMENT))
    if document.item_id not in asked:
        raise UsageError("the item is not open any more: nothing to do")
    item, view = asked[document.item_id]
    check_document(document, item)
    scan_grid = grid_of(item.scan_id)
    masks = [place / name for name in MASKS if (place / name).exists()]
    if len(masks) != 1:
        raise UsageError(f"save the mask once, as {MASK}; found {len(masks)} masks")
    data = _bytes(masks[0], scan_grid.num_voxels * _MAX_VOXEL_BYTES + _MAX_HEADER)
    inside = crop_grid(scan_grid, view.box)
    drawing = read_drawing(data, item, view, scan_grid, inside)
    return _outcome(item, document, drawing)


def _outcome(item: ReviewItem, document: ItemDocument, drawing: Drawing) -> DrawnItem | str:
    if mask_hash(drawing.mask_zyx) == document.mask_hash:
        return item.item_id
    return DrawnItem(item=item, drawing=drawing)


def _strangers(place: Path) -> Iterator[RefusedFile]:
    """Files that nobody asked for, such as a segmentation under a name of the editor's own."""
    for path in sorted(place.iterdir()):
        if path.name not in (IMAGE, DOCUMENT, *MASKS) or path.is_symlink():
            yield RefusedFile(path, f"only {MASK} is read: save the mask under that name")


def _mask_or_place(place: Path) -> Path:
    return next((place / name for name in MASKS if (place / name).is_file()), place)


def _bytes(path: Path, most_bytes: int) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise UsageError(f"{path.name} is missing: export the item again")
    if path.stat().st_size > most_bytes:
        raise UsageError(f"{path.name} is far larger than it can be: export the item again")
    return path.read_bytes()


def _plain(item_id: str) -> str:
    """A folder's name: the id where it is of plain letters, else its hash."""
    if _PLAIN.fullmatch(item_id):
        return item_id
    return hashlib.blake2b(item_id.encode(), digest_size=16).hexdigest()
