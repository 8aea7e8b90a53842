"""The rule on where a mask ends: at an edge that the image shows, not within its own tissue."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.rule import Hit, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.taxonomy.structure import Kind, Structure

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
    open_face = np.nan_to_num(masks.open_face)
    for structure in masks.shown():
        row = structure.id
        if not _has_outline(structure, masks):
            continue
        share = float(masks.open_share[row])
        face = np.zeros((3, 2)) if structure.name in TUBES else open_face[row]
        axis, end = divmod(int(face.argmax()), face.shape[1])
        name = spoken(structure.name)
        if share > OPEN_SHARE:
            message = f"the image shows no edge along {share:.0%} of the border of {name}"
            yield Hit(structure.name, Severity.DOUBT, share, OPEN_SHARE, message)
        elif (worst := float(face[axis, end])) > OPEN_FACE:
            side = SIDES[axis][end]
            message = f"{name} goes on beyond its {side} side: no edge along {worst:.0%} of it"
            yield Hit(structure.name, Severity.DOUBT, worst, OPEN_FACE, message)


def _has_outline(structure: Structure, masks: Masks) -> bool:
    """Whether fat, air or a labelled neighbour can be expected all around."""
    row = structure.id
    solid = structure.kind in (Kind.ORGAN, Kind.BONE) and structure.name not in NO_OUTLINE
    if not (solid or structure.name in OUTLINED) or structure.volume_ml[0] < LEAST_ML:
        return False
    if masks.at_border[row] and masks.volume_ml[row] < SLIVER * structure.volume_ml[0]:
        return False
    # A solid organ's texture is told from its edges even where vessels and cortex coarsen it.
    limit_hu = BONE_HU if solid else SOFT_HU
    return bool(masks.texture_hu[row] < limit_hu) and _siblings_known(structure, masks)


def _siblings_known(structure: Structure, masks: Masks) -> bool:
    """A part ends within the whole's tissue where the part beyond is not labelled."""
    if structure.parent is None:
        return True
    rows = [part.id for part in masks.taxonomy.children(structure.parent)]
    return bool((masks.present[rows] | masks.absent[rows]).all())
