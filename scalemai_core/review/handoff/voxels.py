"""The voxels of an item that leave for an editor: one box of a scan, read alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scalemai_core.errors import UsageError
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import ItemView
from scalemai_core.records.label_map import ImageZYX, LabelsZYX
from scalemai_core.records.review import DRAWN_KINDS, ReviewItem
from scalemai_core.review.bundle.boxed import slices_of
from scalemai_core.review.bundle.cut import crop_grid
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy


@dataclass(frozen=True, slots=True, eq=False)
class ItemVoxels:
    """CT and current mask of one item."""

    image_zyx: ImageZYX
    mask_zyx: LabelsZYX
    """Ids of the structure and its parts, 0 elsewhere."""
    grid: Grid


def read_item(store: Workspace, item: ReviewItem, view: ItemView) -> ItemVoxels:
    """Read the item's box.

    Raises UsageError where a drawing is no answer to it, FileNotFoundError where voxels are lost.
    """
    if item.shown_kind not in DRAWN_KINDS:
        raise UsageError("this item is answered by a key, not by a drawing: answer it on the page")
    box = slices_of(view.box)
    image_zyx = store.scans.array(item.scan_id)[box]
    mask_zyx = np.zeros(image_zyx.shape, dtype=np.uint8)
    if item.base_label_map is not None:
        labels_zyx = store.labels.array(item.base_label_map)[box]
        own = np.isin(labels_zyx, load_taxonomy().member_ids(item.structure))
        mask_zyx = np.where(own, labels_zyx, np.uint8(0))
    return ItemVoxels(image_zyx, mask_zyx, crop_grid(store.scans.grid(item.scan_id), view.box))
