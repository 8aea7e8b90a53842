"""Made-up items, and masks of boxes, for the tests of what an item shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import Box
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.review.bundle.boxed import slices_of
from scalemai_core.taxonomy.taxonomy import load_taxonomy

MODEL = "model"


def made_item(
    structure: str = "liver", kind: ItemKind = ItemKind.CHOOSE, **more: Any
) -> ReviewItem:
    """A question about one structure."""
    fields = {
        "item_id": f"1-scan-{structure}",
        "round": 1,
        "scan_id": "scan",
        "priority": 0.5,
        "reason": "they differ",
        "base_label_map": None,
        "prediction": MODEL,
    }
    return ReviewItem(kind=kind, structure=structure, **{**fields, **more})


def made_grid(shape_zyx: tuple[int, int, int], spacing_mm_zyx: tuple[float, ...]) -> Grid:
    """A grid whose first voxel lies off the origin."""
    affine = np.diag([*spacing_mm_zyx[::-1], 1.0])
    affine[:3, 3] = (-100.0, 20.0, 7.5)
    return Grid.of(shape_zyx, affine)


def painted(shape_zyx: tuple[int, int, int], *boxes: tuple[str, Box]) -> NDArray[np.uint8]:
    """A label map in which structures fill boxes, the later over the earlier."""
    labels_zyx = np.zeros(shape_zyx, dtype=np.uint8)
    for structure, box in boxes:
        labels_zyx[slices_of(box)] = load_taxonomy()[structure].id
    return labels_zyx
