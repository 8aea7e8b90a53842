"""The rule on where a mask ends: at an edge that the image shows, not within its own tissue."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import numpy as np

from scalemai_core.judge.rules.masks import Bools, Floats, Masks
from scalemai_core.judge.rules.rule import Hit, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.taxonomy.structure import Kind, Structure
from scalemai_core.taxonomy.taxonomy import Taxonomy

OUTLINED = (
    *("bladder", "gall_bladder", "stomach", "aorta", "postcava"),
    *("iliopsoas_left", "iliopsoas_right"),
)
"""Beside bones and solid organs: what fat, air or a wall parts from what is around it."""

NO_OUTLINE = ("prostate", "uterus")
"""Organs among muscles as dense as they are."""

TUBES = ("aorta", "postcava")
"""They go on where their name ends."""

LEAST_ML = 2.0
"""Structures that can be this small have hardly a voxel that is not border."""

SLIVER = 2.0
"""Times its least plausible volume below which what the scan cuts is let pass."""

OPEN_SHARE, OPEN_FACE = 0.55, 0.65
"""Share of the whole border, and of one of its six sides, that may have no edge in the image."""

SOFT_HU, BONE_HU = 80.0, 300.0
"""Texture as coarse as the edges between tissues (gas and food, metal) hides them."""

SIDES = (("lower", "upper"), ("back", "front"), ("left", "right"))


def outline(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """A mask ends where the image has an edge or where another mask begins.

    Open is a border face across which the image changes no more than within the structure. Too much
    of it all around: drawn too small, too large or beside; on one side: cut off there. What the
    scan cuts down to a sliver is let pass.
    """
    tubes, _, _ = _expectations(masks.taxonomy)
    faces = masks.open_face.reshape(len(tubes), -1)
    # A face that is nowhere is not open.
    worst = np.where(tubes, 0.0, np.fmax.reduce(faces, axis=1))
    odd = (masks.open_share > OPEN_SHARE) | (worst > OPEN_FACE)
    for row in np.flatnonzero(odd & _outlined(masks)):
        structure, share = masks.taxonomy.by_id(int(row)), float(masks.open_share[row])
        if not _siblings_known(structure, masks):
            continue
        name = spoken(structure.name)
        if share > OPEN_SHARE:
            message = f"the image shows no edge along {share:.0%} of the border of {name}"
            yield Hit(structure.name, Severity.DOUBT, share, OPEN_SHARE, message)
        else:
            open_share = float(worst[row])
            axis, end = divmod(int(np.nanargmax(faces[row])), len(SIDES[0]))
            side = SIDES[axis][end]
            message = f"{name} goes on beyond its {side} side: no edge along {open_share:.0%} of it"
            yield Hit(structure.name, Severity.DOUBT, open_share, OPEN_FACE, message)


def _outlined(masks: Masks) -> Bools:
    """(89,) whether fat, air or a labelled neighbour can be expected all around a whole."""
    _, sliver_ml, texture_hu = _expectations(masks.taxonomy)
    whole = ~masks.at_border | (masks.volume_ml >= sliver_ml)
    return (masks.volume_ml > 0) & whole & (masks.texture_hu < texture_hu)


@cache
def _expectations(taxonomy: Taxonomy) -> tuple[Bools, Floats, Floats]:
    """(89,) each: tubes, volume in ml of a sliver, texture in HU that hides the outline.

    What has no outline of its own has no texture that would show it.
    """
    structures = taxonomy.structures
    tubes = np.array([False, *(s.name in TUBES for s in structures)])
    sliver_ml = np.array([0.0, *(SLIVER * s.volume_ml[0] for s in structures)])
    texture_hu = np.array([-np.inf, *(_hiding_hu(s) for s in structures)])
    return tubes, sliver_ml, texture_hu


def _hiding_hu(structure: Structure) -> float:
    solid = structure.kind in (Kind.ORGAN, Kind.BONE) and structure.name not in NO_OUTLINE
    if not (solid or structure.name in OUTLINED) or structure.volume_ml[0] < LEAST_ML:
        return -np.inf
    # A solid organ's texture is told from its edges even where vessels and cortex coarsen it.
    return BONE_HU if solid else SOFT_HU


def _siblings_known(structure: Structure, masks: Masks) -> bool:
    """A part ends within the whole's tissue where the part beyond is not labelled."""
    if structure.parent is None:
        return True
    rows = [part.id for part in masks.taxonomy.children(structure.parent)]
    return bool((masks.present[rows] | masks.absent[rows]).all())
