"""Tumours that are drawn into training patches."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scalemai_core.learn.feed.cases import Region
from scalemai_core.records.label_map import Layer
from scalemai_core.records.stratum import Stratum
from scalemai_core.settings.tumours import TumourSettings
from scalemai_core.synthesize.tumour.draw import draw_order, draw_structure
from scalemai_core.synthesize.tumour.implant import implant
from scalemai_core.synthesize.tumour.order import Implant, TumourOrder
from scalemai_core.synthesize.tumour.sites import draw_host
from scalemai_core.taxonomy.taxonomy import Taxonomy


class DrawsTumours(Protocol):
    """First what to draw and where, then the drawing."""

    def order(
        self, allowed: Sequence[str], present: Collection[str], rng: np.random.Generator
    ) -> tuple[TumourOrder, str] | None:
        """One tumour of an allowed lesion structure, and which of the structures present holds it.

        None where none of them can.
        """
        ...

    def implant(
        self,
        image_zyx: NDArray[np.float32],
        organ_zyx: NDArray[np.bool_],
        spacing_mm: float,
        order: TumourOrder,
    ) -> Implant | None:
        """HU with the tumour in the organ; None where the organ has no place for it."""
        ...


class DrawnTumours:
    """Tumours as the settings want them, more of those that were missed."""

    def __init__(self, settings: TumourSettings, missed: Sequence[Stratum] = ()) -> None:
        self._settings = settings
        self._missed = missed

    def order(
        self, allowed: Sequence[str], present: Collection[str], rng: np.random.Generator
    ) -> tuple[TumourOrder, str] | None:
        """One tumour, and its host."""
        structure = draw_structure(allowed, rng, self._settings, self._missed)
        if structure is None:
            return None
        order = draw_order(structure, rng, self._settings, self._missed)
        host = draw_host(structure, order.diameter_mm, present, rng)
        return None if host is None else (order, host)

    def implant(
        self,
        image_zyx: NDArray[np.float32],
        organ_zyx: NDArray[np.bool_],
        spacing_mm: float,
        order: TumourOrder,
    ) -> Implant | None:
        """Handcrafted, or grown by the automaton."""
        return implant(image_zyx, organ_zyx, spacing_mm, order, self._settings)


def with_tumour(
    region: Region,
    order: TumourOrder,
    organ: str,
    spacing_mm: float,
    tumours: DrawsTumours,
    taxonomy: Taxonomy,
) -> Region | None:
    """The region with a tumour in its organ, clear of lesions that are there already.

    The tumour is labelled in the layer of lesions. None where there is no place for it.
    """
    host = taxonomy[organ]
    organ_zyx = taxonomy.unions[host.id][region.labels[host.layer]]
    lesions_zyx = region.labels[Layer.LESIONS]
    organ_zyx &= lesions_zyx == 0
    if not organ_zyx.any():
        return None
    drawn = tumours.implant(region.image_zyx, organ_zyx, spacing_mm, order)
    if drawn is None:
        return None
    tumour_id = np.uint8(taxonomy[order.structure].id)
    lesions_zyx = np.where(drawn.mask_zyx, tumour_id, lesions_zyx)
    return Region(drawn.image_zyx, {**region.labels, Layer.LESIONS: lesions_zyx})
