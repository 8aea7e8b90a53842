"""A workspace of one small scan whose liver is in review."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from made_up_items import item
from numpy.typing import NDArray

from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import ItemView, Piece
from scalemai_core.records.label_map import Layer
from scalemai_core.records.review import ReviewItem
from scalemai_core.records.scan import Scan
from scalemai_core.review.bundle.pieces import piece_hash
from scalemai_core.review.views import VIEWS, view_table
from scalemai_core.store.catalog.rows import annotation_rows, scan_rows
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SHAPE = (6, 8, 10)
AFFINE = ((10.0, 0, 0, 0), (0, 10.0, 0, 0), (0, 0, 10.0, 0), (0, 0, 0, 1.0))
GRID = Grid(shape_zyx=SHAPE, affine=AFFINE)
"""A voxel is 1 ml."""
LIVER, SEGMENT, SPLEEN = (
    load_taxonomy()[name].id for name in ("liver", "liver_segment_1", "spleen")
)


def labels() -> NDArray[np.uint8]:
    """A liver with one segment (48 ml), a stray piece of it (8 ml) and a spleen."""
    labels_zyx = np.zeros(SHAPE, dtype=np.uint8)
    labels_zyx[1:4, 1:5, 1:5] = LIVER
    labels_zyx[1, 1:5, 1:5] = SEGMENT
    labels_zyx[4:6, 6:8, 8:10] = LIVER
    labels_zyx[0, 0, 5:9] = SPLEEN
    return labels_zyx


def piece(number: int, mask_zyx: NDArray[np.bool_]) -> Piece:
    where = np.argwhere(mask_zyx)
    low, high = where.min(axis=0), where.max(axis=0) + 1
    crop = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    first = (int(low[0]), int(low[1]), int(low[2]))
    return Piece(
        number=number,
        volume_ml=float(mask_zyx.sum()),
        box=(*first, int(high[0]), int(high[1]), int(high[2])),
        piece_hash=piece_hash(mask_zyx[crop], first),
    )


def pieces() -> tuple[Piece, Piece]:
    """The liver and its stray piece."""
    mask_zyx = np.isin(labels(), [LIVER, SEGMENT])
    large, small = mask_zyx.copy(), mask_zyx.copy()
    large[4:], small[:4] = False, False
    return piece(1, large), piece(2, small)


class SmallReview:
    """A workspace with one dataset version and the items of round 1."""

    def __init__(self, folder: Path) -> None:
        self.store = Workspace.create(str(folder / "workspace"))
        image_zyx = np.zeros(SHAPE, dtype=np.int16)
        self.scan_id = self.store.scans.write(image_zyx, GRID, {})
        self.label_map = self.store.labels.write(labels(), self.scan_id, Layer.ANATOMY, GRID)
        self.commit(self.label_map)

    def item(self, name: str = "liver", priority: float = 0.5, **more: Any) -> ReviewItem:
        values = {"scan_id": self.scan_id, "base_label_map": self.label_map}
        return item(name, priority, **(values | more))

    def commit(self, label_map: str) -> None:
        """Make a dataset version in which everything has this label map."""
        scan = Scan(
            scan_id=self.scan_id,
            patient="p",
            case="c",
            source="test",
            grid=GRID,
            source_axes="LPS",
            source_affine=AFFINE,
            fold=0,
        )
        rows = [
            Annotation(
                scan_id=self.scan_id,
                structure=name,
                state=State.PRESENT,
                label_map=label_map,
                origin=Origin.SOURCE,
                revision=1,
            )
            for name in ("liver", "spleen", "aorta")
        ]
        self.store.catalog.commit(
            base=self.store.catalog.latest(),
            scans=scan_rows([scan]),
            annotations=[annotation_rows(rows)],
            round_number=0,
            message="test",
        )

    def write_views(self, items: list[ReviewItem]) -> None:
        views = [
            ItemView(
                item_id=one.item_id,
                centre_zyx=(3, 4, 5),
                box=(0, 0, 0, *SHAPE),
                volumes_ml=(56.0, 0.0, None),
                pieces=pieces(),
            )
            for one in items
        ]
        self.store.round(1).write(VIEWS, view_table(views))
