"""Hand-crafted tumours: a shape, a texture and a drop in HU; method reference, section 3."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.settings.tumours import TumourSettings
from scalemai_core.synthesize.tumour.blend import Ground, add_capsule, blend
from scalemai_core.synthesize.tumour.looks import LOOKS
from scalemai_core.synthesize.tumour.order import LEAST_MM3, Implant, TumourOrder
from scalemai_core.synthesize.tumour.place import Index, centres
from scalemai_core.synthesize.tumour.push import push_aside
from scalemai_core.synthesize.tumour.shape import Form, draw_form
from scalemai_core.synthesize.tumour.sites import site_of

_SHRINK = 0.9
_SHRINKS = 6
"""How often a tumour gets smaller by that factor where vessels leave no place; section 3.4."""
_VESSEL_HU = 25.0
"""Vessels are that much brighter than the organ's mean; section 3.4."""

Window = tuple[slice, slice, slice]


@dataclass(frozen=True, slots=True, eq=False)
class _Lie:
    """A form where it comes to lie: the same box in the patch and in the form."""

    form: Form
    centre_zyx: Index
    diameter_mm: float
    patch: Window
    own: Window
    organ_zyx: NDArray[np.bool_]
    """The piece of the organ that it lies in: it does not leap over a fissure."""

    @property
    def cut(self) -> Form:
        """The form's part of the patch, its solid cut by the organ."""
        return self.form.cut(self.own, self.mask_zyx)

    @property
    def mask_zyx(self) -> NDArray[np.bool_]:
        """Voxels that are the tumour's."""
        return self.form.solid_zyx[self.own] & self.organ_zyx


def craft_tumour(
    image_zyx: NDArray[np.float32],
    organ_zyx: NDArray[np.bool_],
    spacing_mm: float,
    order: TumourOrder,
    settings: TumourSettings,
) -> Implant | None:
    """The patch with a hand-crafted tumour; None where it finds no place.

    HU change only in the organ, within the tumour and its blurred edge; with ``mass_effect`` also
    around it, in the organ. The organ's mask may be cut by the patch. All chance is drawn from
    ``order.seed``. Sizes are mm: ``spacing_mm`` is the edge of the cubic voxels.
    """
    rng = np.random.default_rng(order.seed)
    lie = _find_lie(image_zyx, organ_zyx, spacing_mm, order, settings, rng)
    if lie is None:
        return None
    image = np.array(image_zyx, np.float32)
    if settings.mass_effect:
        at = (lie.centre_zyx, lie.diameter_mm / 2.0)
        push_aside(image, organ_zyx, spacing_mm, at, settings.mass_effect)
    ground = Ground(image[lie.patch], lie.organ_zyx, spacing_mm)
    drawn = blend(ground, lie.cut, (order.structure, lie.diameter_mm), rng)
    if rng.random() < settings.capsule:
        drawn = add_capsule(Ground(drawn, lie.organ_zyx, spacing_mm), lie.cut, rng)
    image[lie.patch] = drawn
    whole = np.zeros(organ_zyx.shape, np.bool_)
    whole[lie.patch] = lie.mask_zyx
    return Implant(image, whole)


def _find_lie(
    image_zyx: NDArray[np.float32],
    organ_zyx: NDArray[np.bool_],
    spacing_mm: float,
    order: TumourOrder,
    settings: TumourSettings,
    rng: np.random.Generator,
) -> _Lie | None:
    """A form and a place for it where enough of it lies in the organ, off vessels if wanted."""
    look = LOOKS[order.structure]
    uneven, edge_mm = float(rng.uniform(*look.uneven)), float(rng.uniform(*look.edge_mm))
    # Larger lesions are more irregular (section 3.4).
    uneven *= min(1.5, 0.8 + order.diameter_mm / 60.0)
    vessels = _vessels(image_zyx, organ_zyx, spacing_mm) if settings.avoid_vessels else None
    least = max(1.0, LEAST_MM3 / spacing_mm**3)
    for shrinks in range(_SHRINKS if settings.avoid_vessels else 1):
        diameter_mm = order.diameter_mm * _SHRINK**shrinks
        form = draw_form(diameter_mm, spacing_mm, uneven, edge_mm, rng)
        for centre_zyx in _places(organ_zyx, spacing_mm, order, rng):
            lie = _laid(form, centre_zyx, diameter_mm, organ_zyx)
            mask = lie.mask_zyx
            if np.count_nonzero(mask) < least:
                continue
            if vessels is None or not (vessels[lie.patch] & mask).any():
                return lie
    return None


def _places(
    organ_zyx: NDArray[np.bool_], spacing_mm: float, order: TumourOrder, rng: np.random.Generator
) -> Iterator[Index]:
    if order.centre_zyx is None:
        yield from centres(organ_zyx, spacing_mm, site_of(order.structure), rng)
    else:
        yield order.centre_zyx


def _laid(form: Form, centre_zyx: Index, diameter_mm: float, organ_zyx: NDArray[np.bool_]) -> _Lie:
    """Cut a form's box by the patch, and find the piece of the organ that it lies in."""
    patch: list[slice] = []
    own: list[slice] = []
    for centre, size, width in zip(centre_zyx, organ_zyx.shape, form.solid_zyx.shape, strict=True):
        first = centre - width // 2
        start, stop = max(0, first), min(size, first + width)
        patch.append(slice(start, stop))
        own.append(slice(start - first, stop - first))
    here, there = (patch[0], patch[1], patch[2]), (own[0], own[1], own[2])
    reached = organ_zyx[here] & (form.share_zyx[there] > 0)
    pieces = np.zeros(reached.shape, np.int32)
    ndimage.label(reached, output=pieces)
    counts = np.bincount(pieces[form.solid_zyx[there] & reached], minlength=2)
    piece = pieces == 1 + int(counts[1:].argmax())
    return _Lie(form, centre_zyx, diameter_mm, here, there, piece)


def _vessels(
    image_zyx: NDArray[np.float32], organ_zyx: NDArray[np.bool_], spacing_mm: float
) -> NDArray[np.bool_]:
    """Voxels of an organ that are brighter than its mean; section 3.4."""
    if not organ_zyx.any():
        return organ_zyx
    smooth = ndimage.gaussian_filter(image_zyx, 1.0 / spacing_mm, mode="nearest", truncate=3.0)
    return organ_zyx & (smooth > smooth[organ_zyx].mean() + _VESSEL_HU)
