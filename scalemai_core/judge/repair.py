"""Masks that a rule can mend safely, proposed as candidates beside annotation and prediction.

Method reference, section 1.5 B: the largest component, exchanged names, and filled holes. A repair
is only proposed: the expert judges it like any other candidate.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage  # pyright: ignore[reportMissingTypeStubs]

from scalemai_core.judge.rules.rule import spoken
from scalemai_core.judge.summary import LayerMaps, complete
from scalemai_core.measure.overlap import Overlap
from scalemai_core.records.finding import Finding
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.taxonomy.structure import Kind, Pieces
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy
from scalemai_core.volume.compiled import compiled
from scalemai_core.volume.components import bounding_box, components

Mask = NDArray[np.bool_]

APART = frozenset({"pieces", "gaps"})
HOLLOW = frozenset({"holes"})
MENDED = APART | HOLLOW
SOLID = (Kind.ORGAN, Kind.MUSCLE)

MAX_REST_SHARE = 0.4
"""More than this outside the largest component may be a good half cut off, and stays."""

NAMESAKE_DICE = 0.5
"""Overlap with another structure's prediction from which on a mask may carry the wrong name."""

NAMESAKE_FACTOR = 2.0
"""Times by which that overlap must exceed the one with its own prediction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """All repairs of a scan in one set of layers; a layer without repairs is the current one."""

    labels: dict[Layer, LabelsZYX]
    reasons: dict[str, str]
    """Structure -> what was done to it, in words."""


def propose(
    current: LayerMaps, prediction: LayerMaps, findings: Sequence[Finding], grid: Grid
) -> Proposal:
    """Mend what the findings point at and what carries another structure's name.

    A whole whose parts are labelled is mended by its parts. Cheap where nothing is to be mended.
    """
    taxonomy = load_taxonomy()
    layers, predicted = complete(current, grid), complete(prediction, grid)
    reasons: dict[str, str] = {}
    mendable = [finding for finding in findings if finding.rule in MENDED]
    for layer, labels_zyx in layers.items():
        mended_zyx = labels_zyx
        overlap = Overlap.of_maps(labels_zyx, predicted[layer], taxonomy.unions)
        renames, words = _renames(overlap, layer, taxonomy)
        if renames:
            mended_zyx = _renamed(mended_zyx, renames)
            reasons |= words
        for name, rules in _found(mendable, layer, taxonomy).items():
            if name in reasons or _has_parts(overlap, name, taxonomy):
                continue
            if mended_zyx is labels_zyx:
                mended_zyx = labels_zyx.copy()
            if done := _mend(mended_zyx, name, rules, taxonomy):
                reasons[name] = done
        layers[layer] = mended_zyx
    return Proposal(labels=layers, reasons=reasons)


def _found(
    findings: Sequence[Finding], layer: Layer, taxonomy: Taxonomy
) -> dict[str, frozenset[str]]:
    rules: dict[str, frozenset[str]] = {}
    for finding in findings:
        if taxonomy[finding.structure].layer is layer:
            known = rules.get(finding.structure, frozenset())
            rules[finding.structure] = known | {finding.rule}
    return rules


def _has_parts(overlap: Overlap, name: str, taxonomy: Taxonomy) -> bool:
    return any(overlap.volume_a[part.id] > 0 for part in taxonomy.children(name))


def _mend(labels_zyx: LabelsZYX, name: str, rules: frozenset[str], taxonomy: Taxonomy) -> str:
    """Mend one structure in place; what was done, or nothing."""
    structure = taxonomy[name]
    box = bounding_box(np.asarray(labels_zyx == structure.id).view(np.uint8))
    if box is None:
        return ""
    part_zyx = labels_zyx[box]
    done: list[str] = []
    if rules & APART and structure.pieces is Pieces.ONE and _keep_largest(part_zyx, structure.id):
        done.append("crumbs beside the largest piece are removed")
    if rules & HOLLOW and structure.kind in SOLID and _fill(part_zyx, structure.id):
        done.append("enclosed holes are filled")
    return " and ".join(done)


def _keep_largest(labels_zyx: LabelsZYX, own: int) -> bool:
    """Leave only the largest piece, if the rest is small."""
    pieces_zyx, count = components(labels_zyx == own)
    if count < 2:  # noqa: PLR2004 - one piece has no rest
        return False
    sizes = np.bincount(pieces_zyx.ravel(), minlength=count + 1)
    sizes[0] = 0
    if 1.0 - sizes.max() / sizes.sum() > MAX_REST_SHARE:
        return False
    labels_zyx[(pieces_zyx != 0) & (pieces_zyx != int(sizes.argmax()))] = 0
    return True


def _fill(labels_zyx: LabelsZYX, own: int) -> bool:
    """Fill background that the structure encloses."""
    mask_zyx = labels_zyx == own
    filled_zyx = np.asarray(ndimage.binary_fill_holes(mask_zyx), dtype=np.bool_)  # pyright: ignore[reportUnknownMemberType]
    holes_zyx: Mask = filled_zyx & (labels_zyx == 0)
    labels_zyx[holes_zyx] = own
    return bool(holes_zyx.any())


def _renames(
    overlap: Overlap, layer: Layer, taxonomy: Taxonomy
) -> tuple[dict[int, int], dict[str, str]]:
    """Masks that lie where another structure is predicted: id -> the id it should carry.

    Two exchange their names where each lies on the other's prediction; one takes another's name
    where nobody holds that.
    """
    total = overlap.volume_a[:, None] + overlap.volume_b[None, :]
    dice = 2.0 * overlap.shared / np.maximum(total, 1)
    held = overlap.volume_a + overlap.volume_b > 0
    whole = [
        s.id
        for s in taxonomy.in_layer(layer)
        if held[s.id] and not any(held[part.id] for part in taxonomy.children(s.name))
    ]
    wanted = dict(_namesakes(dice, whole))
    renames: dict[int, int] = {}
    for own, other in wanted.items():
        exchanged = wanted.get(other) == own
        vacant = overlap.volume_a[other] == 0 and other not in wanted
        if exchanged or vacant:
            renames[own] = other
    return renames, _words(renames, taxonomy)


def _namesakes(dice: NDArray[np.float64], whole: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Structures whose mask lies on the prediction of another one rather than on its own."""
    if len(whole) <= 1:
        return
    others = dice[np.ix_(whole, whole)]
    own = np.diagonal(others).copy()
    np.fill_diagonal(others, -1.0)
    best = others.argmax(axis=1)
    wrong = others.max(axis=1) >= np.maximum(NAMESAKE_DICE, NAMESAKE_FACTOR * own)
    for row in np.flatnonzero(wrong).tolist():
        yield whole[row], whole[best[row]]


def _words(renames: Mapping[int, int], taxonomy: Taxonomy) -> dict[str, str]:
    words: dict[str, str] = {}
    for own, other in renames.items():
        old, new = taxonomy.by_id(own).name, taxonomy.by_id(other).name
        words[new] = f"takes the mask that was called {spoken(old)}"
        words.setdefault(old, f"its mask lies on the predicted {spoken(new)}")
    return words


def _renamed(labels_zyx: LabelsZYX, renames: Mapping[int, int]) -> LabelsZYX:
    names = np.arange(256, dtype=np.uint8)
    for own, other in renames.items():
        names[own] = other
    renamed_zyx = np.empty(labels_zyx.shape, dtype=np.uint8)
    _look_up(labels_zyx.reshape(-1), names, renamed_zyx.reshape(-1))
    return renamed_zyx


@compiled
def _look_up(labels: LabelsZYX, names: LabelsZYX, renamed: LabelsZYX) -> None:
    for i in range(len(labels)):
        renamed[i] = names[labels[i]]
