"""What a bundle reads from the store: one box of a scan and of its label maps, never a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scalemai_core.records.decision import Candidate
from scalemai_core.records.item_view import Box, ItemView
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.review.bundle.boxed import BoxedMask, shape_of, slices_of
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import NUM_IDS, load_taxonomy
from scalemai_core.volume.components import MaskZYX


@dataclass(frozen=True, slots=True, eq=False)
class Option:
    """One mask to choose, inside the box."""

    choice: Candidate
    mask_zyx: MaskZYX
    volume_ml: float | None
    """Of the whole mask; None where nobody measured it."""


@dataclass(frozen=True, slots=True, eq=False)
class Crop:
    """The voxels of one box."""

    image_zyx: ImageZYX
    options: tuple[Option, ...]
    """As keys A, B, C; one for a lesion or a drawing."""
    neighbours_zyx: LabelsZYX
    """What surrounds the item's own structure."""


def read_crop(store: Workspace, item: ReviewItem, view: ItemView) -> Crop:
    """Read an item's box; raises FileNotFoundError where voxels are lost."""
    maps = _Maps(store, item, view.box)
    image_zyx = store.scans.array(item.scan_id)[slices_of(view.box)]
    if item.shown_kind is ItemKind.LESION:
        return Crop(image_zyx, *_lesion(maps, view))
    current_zyx = maps.current()
    others = _others(item, maps, view)
    own = _own(item.structure)
    around_zyx = maps.prediction(maps.layer) if item.base_label_map is None else current_zyx
    current = Option(Candidate.CURRENT, own[current_zyx], view.volumes_ml[0])
    return Crop(image_zyx, (current, *others), np.where(own[around_zyx], 0, around_zyx))


def _others(item: ReviewItem, maps: _Maps, view: ItemView) -> list[Option]:
    """What is offered beside the current mask."""
    if item.shown_kind is ItemKind.EDIT:
        return []
    offers = [(item.rival, item.rival_map, view.volumes_ml[1])]
    if item.third is not None:
        offers.append((item.third, item.third_map, view.volumes_ml[2]))
    own = _own(item.structure)
    # Of a mask that somebody drew since, the view knows no volume.
    return [
        Option(choice, own[maps.of(choice, name)], None if choice is Candidate.READER else volume)
        for choice, name, volume in offers
    ]


def _lesion(maps: _Maps, view: ItemView) -> tuple[tuple[Option, ...], LabelsZYX]:
    """The candidate; around it the lesions already labelled, and the organs that the model sees."""
    packed = view.candidate
    mask_zyx = (
        BoxedMask.unpacked(packed).within(view.box)
        if packed
        else np.zeros(shape_of(view.box), dtype=np.bool_)
    )
    lesions_zyx, organs_zyx = maps.current(), maps.prediction(Layer.ANATOMY)
    around_zyx = np.where(lesions_zyx > 0, lesions_zyx, organs_zyx)
    option = Option(Candidate.PREDICTION, mask_zyx, view.volumes_ml[1])
    return (option,), np.where(mask_zyx, 0, around_zyx).astype(np.uint8)


class _Maps:
    """The label maps of an item, each inside the box."""

    def __init__(self, store: Workspace, item: ReviewItem, box: Box) -> None:
        self._store, self._item, self._box = store, item, box
        self.layer = load_taxonomy()[item.structure].layer

    def current(self) -> LabelsZYX:
        """Of the annotation."""
        return self._stored(self._item.base_label_map)

    def of(self, choice: Candidate, name: str | None) -> LabelsZYX:
        """Of something else that is offered."""
        return self.prediction(self.layer) if choice is Candidate.PREDICTION else self._stored(name)

    def prediction(self, layer: Layer) -> LabelsZYX:
        """Of the model; empty where it said nothing."""
        model, scan_id = self._item.prediction, self._item.scan_id
        if model is None or not self._store.predictions.exists(model, scan_id, layer):
            return self._inside(None)
        return self._inside(self._store.predictions.array(model, scan_id, layer))

    def _stored(self, name: str | None) -> LabelsZYX:
        return self._inside(None if name is None else self._store.labels.array(name))

    def _inside(self, array: Any) -> LabelsZYX:
        if array is None:
            return np.zeros(shape_of(self._box), dtype=np.uint8)
        return np.asarray(array[slices_of(self._box)])


def _own(structure: str) -> MaskZYX:
    """By id: whether it is the structure or a part of it."""
    own = np.zeros(NUM_IDS, dtype=np.bool_)
    own[load_taxonomy().member_ids(structure)] = True
    return own
