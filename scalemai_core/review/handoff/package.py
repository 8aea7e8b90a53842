"""An item as a zip of two NIfTI files and what they belong to, and the same zip back."""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib

import numpy as np
from pydantic import ValidationError

from scalemai_core.errors import TooLargeError, UsageError
from scalemai_core.records.base import Record
from scalemai_core.records.grid import Affine, Grid
from scalemai_core.records.item_view import ItemView
from scalemai_core.records.review import ReviewItem
from scalemai_core.review.drawing import Drawing
from scalemai_core.review.handoff.drawing import label_table, read_drawing
from scalemai_core.review.handoff.nifti import encode
from scalemai_core.review.handoff.voxels import ItemVoxels
from scalemai_core.volume.components import MaskZYX

IMAGE, MASK, DOCUMENT = "image.nii.gz", "mask.nii.gz", "item.json"
MASKS = (MASK, "mask.nii")
"""Names under which an editor may save the mask."""
FORMAT = 1
MAX_DOCUMENT = 64_000
"""Bytes of ``item.json``; ours takes about one thousand."""

_LONG_AGO = (1980, 1, 1, 0, 0, 0)
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_END, _END_BYTES = b"PK\5\6", 22
_MAX_DIRECTORY = 8192
"""Bytes of the zip's list of files, which is read whole before a file can be."""
_MAX_ITEM = 8


class ItemDocument(Record):
    """``item.json``: nothing in it says whether the item is a test of the reader."""

    format: int = FORMAT
    item_id: str
    round: int
    structure: str
    base_label_map: str | None
    """The mask that is shown; the answer counts only while it is still the current one."""
    shape_zyx: tuple[int, int, int]
    affine: Affine
    """x, y, z index to RAS mm, more exact than the header's float32."""
    labels: dict[int, str]
    """What the codes of the mask mean."""
    mask_hash: str
    """Of the mask as it went out, so that a mask that nobody touched is known."""


def document_of(item: ReviewItem, voxels: ItemVoxels) -> ItemDocument:
    """What goes out with an item's voxels."""
    return ItemDocument(
        item_id=item.item_id,
        round=item.round,
        structure=item.structure,
        base_label_map=item.base_label_map,
        shape_zyx=voxels.grid.shape_zyx,
        affine=voxels.grid.affine,
        labels=label_table(item.structure),
        mask_hash=mask_hash(voxels.mask_zyx > 0),
    )


def mask_hash(mask_zyx: MaskZYX) -> str:
    """Of which voxels of a grid are inside."""
    digest = hashlib.blake2b(str(mask_zyx.shape).encode(), digest_size=16)
    digest.update(np.packbits(mask_zyx).tobytes())
    return digest.hexdigest()


def files_of(item: ReviewItem, voxels: ItemVoxels) -> dict[str, bytes]:
    """The three files of an item; equal items give equal bytes."""
    document = document_of(item, voxels)
    return {
        IMAGE: encode(voxels.image_zyx, voxels.grid),
        MASK: encode(voxels.mask_zyx, voxels.grid),
        DOCUMENT: (document.model_dump_json(indent=1) + "\n").encode(),
    }


def pack(item: ReviewItem, voxels: ItemVoxels) -> bytes:
    """The files of an item in one zip, stored as they are."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files_of(item, voxels).items():
            archive.writestr(zipfile.ZipInfo(name, _LONG_AGO), data)
    return file.getvalue()


def read_document(data: bytes) -> ItemDocument:
    """Check ``item.json``; raises UsageError."""
    if len(data) > MAX_DOCUMENT:
        raise TooLargeError(
            f"{DOCUMENT} is far larger than the one that was sent out: leave it alone"
        )
    try:
        document = ItemDocument.model_validate_json(data)
    except ValidationError as error:
        raise UsageError(f"{DOCUMENT} is damaged: export the item again") from error
    if document.format != FORMAT:
        raise UsageError(f"{DOCUMENT} has format {document.format}, this engine reads {FORMAT}")
    return document


def check_document(document: ItemDocument, item: ReviewItem) -> None:
    """Whether a document belongs to the item as it is now; raises UsageError."""
    if document.item_id != item.item_id:
        raise UsageError("these files belong to another item: send them to their own")
    if document.base_label_map != item.base_label_map:
        raise UsageError("the mask has changed since these files were made: export the item again")


def unpack(
    data: bytes, item: ReviewItem, view: ItemView, scan_grid: Grid, crop_grid: Grid
) -> Drawing:
    """The mask of a zip that was packed here and edited since.

    Raises TooLargeError or UsageError with one sentence that says what is wrong with it.
    """
    _check_directory(data)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_document(read_document(_member(archive, (DOCUMENT,), MAX_DOCUMENT)), item)
            mask = _member(archive, MASKS, scan_grid.num_voxels * _MAX_ITEM)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError) as error:
        raise UsageError("the zip is damaged: pack the files again") from error
    return read_drawing(mask, item, view, scan_grid, crop_grid)


def _check_directory(data: bytes) -> None:
    end = data[-_END_BYTES:]
    if end[:4] != _END or end[-2:] != b"\0\0":
        raise UsageError("the file is no plain zip: pack the item's own files")
    if int.from_bytes(end[12:16], "little") > _MAX_DIRECTORY:
        raise UsageError("the zip holds too many files: pack the item's own three")


def _member(archive: zipfile.ZipFile, names: tuple[str, ...], most_bytes: int) -> bytes:
    """A file of the zip by its plain name; never more unpacked than it may hold."""
    found = [one for one in archive.infolist() if one.filename.rpartition("/")[2] in names]
    if len(found) != 1 or found[0].compress_type not in _COMPRESSIONS:
        raise UsageError(f"the zip must hold {names[0]} once: pack the item's own files")
    with archive.open(found[0]) as file:
        unpacked = file.read(most_bytes + 1)
    if len(unpacked) > most_bytes:
        raise TooLargeError(f"{names[0]} is far larger than it can be: pack the item's own files")
    return unpacked
