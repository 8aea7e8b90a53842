"""A mask that an editor saved, as a drawing on the item's own grid."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scalemai_core.errors import UsageError
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import Box, ItemView
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.records.review import ReviewItem
from scalemai_core.review.drawing import Drawing
from scalemai_core.review.handoff.nifti import decode
from scalemai_core.taxonomy.taxonomy import load_taxonomy

_MAX_NAMED = 5
_NUM_CODES = 256
_INSIDE = 1
"""What an editor that knows nothing of structures paints."""


def label_table(structure: str) -> dict[int, str]:
    """The codes that stand for a structure and its parts."""
    taxonomy = load_taxonomy()
    return {part.id: part.name for part in taxonomy.descendants(structure)}


def read_drawing(
    data: bytes,
    item: ReviewItem,
    view: ItemView,
    scan_grid: Grid,
    crop_grid: Grid,
    named: Mapping[int, str] | None = None,
) -> Drawing:
    """A NIfTI-1 mask (``.nii``, ``.nii.gz``) on the crop's or the scan's grid, in any orientation.

    Its voxels are 0, and 1 or the ids of the structure and its parts; ``named`` tells what the
    codes mean where the tool numbered them itself. Raises TooLargeError or UsageError with one
    sentence that says what is wrong with the file.
    """
    codes_zyx, index = decode(data, (crop_grid, scan_grid))
    _check_codes(_codes_in(codes_zyx), item.structure, named)
    whole: Box = (0, 0, 0, *scan_grid.shape_zyx)
    return Drawing(mask_zyx=codes_zyx > 0, box=whole if index else view.box)


def _codes_in(codes_zyx: LabelsZYX) -> list[int]:
    counts = np.zeros(_NUM_CODES, dtype=np.intp)
    for codes_yx in codes_zyx:  # slice by slice, since bincount widens what it is given
        counts += np.bincount(codes_yx.ravel(), minlength=_NUM_CODES)
    return [code for code in np.flatnonzero(counts).tolist() if code != 0]


def _check_codes(found: list[int], structure: str, named: Mapping[int, str] | None) -> None:
    """All that is drawn must be the item's structure."""
    table = label_table(structure)
    if named is None:
        strange = [str(code) for code in found if code != _INSIDE and code not in table]
    else:
        names = {code: named.get(code, f"number {code}") for code in found}
        strange = [name for name in names.values() if not _means(name, table, len(found))]
    if strange:
        more = ", ..." if len(strange) > _MAX_NAMED else ""
        codes = " or ".join(f"{code} ({name})" for code, name in table.items())
        raise UsageError(
            f"the mask holds the labels {', '.join(strange[:_MAX_NAMED])}{more}: "
            f"this item takes 0, and 1 or {codes}"
        )


def _means(name: str, table: Mapping[int, str], num_labels: int) -> bool:
    """Whether a tool's label is the item's; one of its own invention may be, where it is alone."""
    structure = load_taxonomy().resolve(name)
    return structure in table.values() or (structure is None and num_labels == 1)
