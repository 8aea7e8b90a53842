"""A small made-up patient under review: organs to choose, a false piece, lesions, one to draw."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.decision import Candidate
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ItemKind, ReviewItem, lesion_item, mask_item
from scalemai_core.records.scan import Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.review.bundle.boxed import BoxedMask, ScanLabels
from scalemai_core.review.bundle.view import ItemMaps, ItemMasks, view_item
from scalemai_core.review.desk import Desk
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.views import VIEWS, view_table
from scalemai_core.review.web.sessions import secret_hash
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.catalog.rows import annotation_rows, scan_rows
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SHAPE_ZYX = (36, 64, 72)
SPACING_MM_XYZ = (2.0, 2.0, 4.0)
TOKEN = "t" * 43
READER = Reader(name="ada")
LESION = "liver_lesion"
TO_DRAW = "stomach"
WITH_FALSE_PIECE = "spleen"
ORGANS = (
    "liver", WITH_FALSE_PIECE, "kidney_left", "kidney_right", TO_DRAW, "pancreas",
    "gall_bladder", "duodenum", "colon", "adrenal_gland_left",
)  # fmt: skip
CENTRES_ZYX = (
    (24, 36, 50), (24, 30, 16), (14, 26, 22), (14, 26, 50), (26, 46, 24), (18, 38, 34),
    (16, 46, 50), (14, 40, 42), (8, 44, 30), (20, 26, 30),
)  # fmt: skip
RADII_MM = (34.0, 22.0, 18.0, 18.0, 20.0, 12.0, 9.0, 10.0, 14.0, 8.0)


class MadeUpPatient:
    """One scan, and a round that asks twelve questions about it, the first the most valuable."""

    def __init__(self, folder: Path, seed: int = 5) -> None:
        rng = np.random.default_rng(seed)
        self.grid = Grid.of(SHAPE_ZYX, np.diag([*SPACING_MM_XYZ, 1.0]))
        self.store = Workspace.create(str(folder / "workspace"))
        self.current_zyx, self.rival_zyx = _organs()
        self.scan_id = self.store.scans.write(_image(self.current_zyx, rng), self.grid, {})
        self.base = self._label_map(self.current_zyx, Layer.ANATOMY)
        self.rival = self._label_map(self.rival_zyx, Layer.ANATOMY)
        self.lesions = self._label_map(_lesions()[0], Layer.LESIONS)
        self._commit(None, self.base)
        self.items = self._items()
        self._write_views()
        self.queue = Queue(f"sqlite:///{folder / 'queue.db'}")
        self.queue.fill(self.items, ())
        self.queue.add_reader(READER, secret_hash(TOKEN))
        self.desk = Desk(self.store, self.queue, 1, ReviewSettings())

    def mask_zyx(self, structure: str, label_map: str | None = None) -> NDArray[np.bool_]:
        """A structure in a stored label map, by default the current one."""
        stored = self.store.labels.read(label_map or self.base)
        return stored == load_taxonomy()[structure].id

    def _label_map(self, labels_zyx: NDArray[np.uint8], layer: Layer) -> str:
        return self.store.labels.write(labels_zyx, self.scan_id, layer, self.grid)

    def change_masks(self) -> None:
        """Somebody else writes a dataset version with other masks of the organs."""
        self._commit(self.store.catalog.latest(), self.rival)

    def _commit(self, base: DatasetVersion | None, organs: str) -> None:
        scan = Scan(
            scan_id=self.scan_id, patient="p", case="c", source="made up", grid=self.grid,
            source_axes="RAS", source_affine=self.grid.affine, fold=0,
        )  # fmt: skip
        held = dict.fromkeys(ORGANS, organs) | {LESION: self.lesions}
        rows = [
            Annotation(
                scan_id=self.scan_id, structure=name, state=State.PRESENT, label_map=label_map,
                origin=Origin.SOURCE, revision=1,
            )
            for name, label_map in held.items()
        ]  # fmt: skip
        self.store.catalog.commit(
            base=base, scans=scan_rows([scan]), annotations=[annotation_rows(rows)],
            round_number=0, message="made up",
        )  # fmt: skip

    def _items(self) -> tuple[ReviewItem, ...]:
        lesions = [self._item(LESION, f"{number}f") for number in (1, 2)]
        organs = [self._item(name) for name in ORGANS]
        asked = [*organs[:2], lesions[0], *organs[2:5], lesions[1], *organs[5:]]
        return tuple(
            item.model_copy(update={"priority": 100.0 - place}) for place, item in enumerate(asked)
        )

    def _item(self, structure: str, candidate: str | None = None) -> ReviewItem:
        if candidate is not None:
            return ReviewItem(
                item_id=lesion_item(1, self.scan_id, candidate), round=1, kind=ItemKind.LESION,
                scan_id=self.scan_id, structure=structure, priority=0, seconds=3.0,
                reason="probability 0.6; in the liver", base_label_map=self.lesions,
                prediction=None, candidate_id=candidate,
            )  # fmt: skip
        kind = ItemKind.EDIT if structure == TO_DRAW else ItemKind.CHOOSE
        return ReviewItem(
            item_id=mask_item(1, self.scan_id, structure), round=1, kind=kind,
            scan_id=self.scan_id, structure=structure, priority=0, seconds=5.0,
            reason="the masks differ", base_label_map=self.base, prediction=None,
            rival=Candidate.REPAIRED, rival_map=self.rival,
        )  # fmt: skip

    def _write_views(self) -> None:
        settings = ReviewSettings()
        maps = ItemMaps(current=ScanLabels(self.current_zyx), rival=ScanLabels(self.rival_zyx))
        found = {f"{number}f": mask for number, mask in enumerate(_lesions()[1], 1)}
        views = []
        for item in self.items:
            candidate = found.get(item.candidate_id or "")
            masks = ItemMasks(candidate=candidate) if candidate else maps.masks(item.structure)
            views.append(view_item(item, masks, self.grid, settings))
        self.store.round(1).write(VIEWS, view_table(views))


def _ball(centre_zyx: tuple[int, ...], radius_mm: float) -> NDArray[np.bool_]:
    spacing = SPACING_MM_XYZ[::-1]
    axes = [
        (np.arange(size) - middle) * step
        for size, middle, step in zip(SHAPE_ZYX, centre_zyx, spacing, strict=True)
    ]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    return np.asarray(z**2 + y**2 + x**2 <= radius_mm**2)


def _organs() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Balls that are cut short; the rivals are whole. The spleen has a false piece elsewhere."""
    taxonomy = load_taxonomy()
    current = np.zeros(SHAPE_ZYX, np.uint8)
    rival = np.zeros(SHAPE_ZYX, np.uint8)
    for name, centre, radius in zip(ORGANS, CENTRES_ZYX, RADII_MM, strict=True):
        ball = _ball(centre, radius)
        rival[ball & (rival == 0)] = taxonomy[name].id
        ball[: centre[0] - 1] = False
        current[ball & (current == 0)] = taxonomy[name].id
    current[_ball((6, 22, 60), 6.0)] = taxonomy[WITH_FALSE_PIECE].id
    return current, rival


def _lesions() -> tuple[NDArray[np.uint8], tuple[BoxedMask | None, ...]]:
    candidates = (_ball((26, 36, 50), 7.0), _ball((22, 30, 56), 5.0))
    labels = np.zeros(SHAPE_ZYX, np.uint8)
    for mask in candidates:
        labels[mask] = load_taxonomy()[LESION].id
    return labels, tuple(BoxedMask.of(mask) for mask in candidates)


def _image(labels_zyx: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.int16]:
    _z, y, x = np.indices(SHAPE_ZYX)
    inside = ((y - 32) / 30) ** 2 + ((x - 36) / 34) ** 2 < 1
    image = np.where(inside, -90.0, -1000.0) + (labels_zyx > 0) * (140 + labels_zyx % 7 * 8)
    return (image + rng.normal(0, 12, SHAPE_ZYX)).astype(np.int16)
