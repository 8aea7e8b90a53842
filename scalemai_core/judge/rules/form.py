"""Rules on a mask's form: pieces, flat ends, empty slices and holes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scalemai_core.judge.rules.masks import Bools, Floats, Masks
from scalemai_core.judge.rules.rule import Hit, fault_if, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.taxonomy.structure import Kind, Pieces, Structure

MOST_PIECES = 3
"""Components that are no crumbs, in a structure that hangs together. Ours."""

NOTABLE_CRUMB_SHARE = 0.03
"""Below this share crumbs are a few voxels that no reader would mend."""

SOLID = (Kind.ORGAN, Kind.MUSCLE)
SELDOM_HOLLOW = (Kind.VESSEL, Kind.BONE, Kind.NERVE)
"""Thrombus and marrow are left out by some sources."""

ROUNDED_ML = 20.0
"""Organs that are always larger than this have rounded ends; small glands may be plates."""


def pieces(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """A one-piece structure hangs together; what the scan's edge cuts may fall apart there."""
    limit = settings.max_crumb_share * np.where(masks.at_border, 2.0, 1.0)
    for structure in _chosen(masks, masks.crumb_share > limit):
        if structure.pieces is Pieces.ONE:
            row = structure.id
            share = float(masks.crumb_share[row])
            message = f"{share:.0%} of {spoken(structure.name)} lies apart from its largest piece"
            severity = fault_if(not masks.at_border[row])
            yield Hit(structure.name, severity, share, float(limit[row]), message)


def count(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """A one-piece structure is not scattered into many pieces, small as their share may be."""
    for structure in _chosen(masks, masks.pieces > MOST_PIECES):
        if structure.pieces is Pieces.ONE and not masks.at_border[structure.id]:
            number = int(masks.pieces[structure.id])
            message = f"{spoken(structure.name)} lies in {number} pieces"
            yield Hit(structure.name, Severity.DOUBT, float(number), float(MOST_PIECES), message)


def truncated(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """An organ ends in a rounded tip, not in a flat face, unless the scan itself ends there.

    Only whole, large, solid organs: parts meet in planes, tubes and bones end bluntly.
    """
    limit = settings.border_share + _tip_share(masks)
    with np.errstate(invalid="ignore"):
        cut = masks.flat_end > limit[:, None]
    for structure in _chosen(masks, np.logical_or(cut[:, 0], cut[:, 1])):
        whole_organ = structure.kind is Kind.ORGAN and structure.parent is None
        if not whole_organ or structure.volume_ml[0] < ROUNDED_ML:
            continue
        row = structure.id
        end = int(np.argmax(np.where(cut[row], masks.flat_end[row], -1.0)))
        share, word = float(masks.flat_end[row, end]), ("lower", "upper")[end]
        name = spoken(structure.name)
        message = f"{name} ends flat at its {word} end, {share:.0%} of its largest slice"
        severity = fault_if(share > 2 * float(limit[row]))
        yield Hit(structure.name, severity, share, float(limit[row]), message)


def gaps(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """No empty slices inside a one-piece structure, unless only crumbs lie beyond them."""
    with np.errstate(invalid="ignore"):
        empty = (masks.gap_mm > 0) & (masks.crumb_share > NOTABLE_CRUMB_SHARE)
    for structure in _chosen(masks, empty):
        if structure.pieces is Pieces.ONE:
            gap_mm = float(masks.gap_mm[structure.id])
            message = f"{gap_mm:.0f} mm of empty slices inside {spoken(structure.name)}"
            yield Hit(
                structure.name, fault_if(not masks.at_border[structure.id]), gap_mm, 0.0, message
            )


def holes(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """A solid organ is filled; vessels and bones are at least doubted."""
    limit = settings.hole_share
    for structure in _chosen(masks, masks.hole_share > limit):
        if structure.kind in SOLID or structure.kind in SELDOM_HOLLOW:
            share = float(masks.hole_share[structure.id])
            message = f"holes of {share:.0%} of its volume inside {spoken(structure.name)}"
            severity = fault_if(share > 2 * limit and structure.kind in SOLID)
            yield Hit(structure.name, severity, share, limit, message)


def _chosen(masks: Masks, rows: Bools) -> list[Structure]:
    return [masks.taxonomy.by_id(int(row)) for row in np.flatnonzero(rows)]


def _tip_share(masks: Masks) -> Floats:
    """Share of the largest slice that the last slice of an ellipsoid of this height may have.

    At depth t below the tip of an ellipsoid of height h the section is 4 t/h (1 - t/h) of the
    largest, and the last slice lies at most one slice distance deep.
    """
    depth = np.clip(masks.slice_mm / (masks.ends_mm[:, 1] - masks.ends_mm[:, 0]), 0.0, 0.5)
    return 4 * depth * (1 - depth)
