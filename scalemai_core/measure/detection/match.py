"""Which candidate hits which true lesion of one scan; method reference, section 11.3."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, sparse, spatial  # pyright: ignore[reportMissingTypeStubs]
from scipy.sparse import csgraph  # pyright: ignore[reportMissingTypeStubs]

from scalemai_core.measure.detection.meeting import Floats, Ints, Meeting

MIN_OVERLAP = 0.1
"""Least IoU or Dice of a hit."""
MAX_DISTANCE_MM = 5.0
"""Greatest distance of two centroids that is still a hit."""


class HitCriterion(StrEnum):
    """When a candidate hits a lesion."""

    IOU = "iou"
    """Intersection over union at least 0.1: the primary one."""
    DICE = "dice"
    """Dice at least 0.1: easier, an IoU of 0.053."""
    CENTRE = "centre"
    """The candidate's centroid lies in the lesion."""
    DISTANCE = "distance"
    """Centroids at most 5 mm apart: for lesions so small that an IoU of 0.1 is strict."""


class Role(StrEnum):
    """What a candidate counts as."""

    HIT = "hit"
    FALSE_POSITIVE = "false_positive"
    NEUTRAL = "neutral"
    """It hits a lesion that another candidate was matched to: neither hit nor false positive."""


@dataclass(frozen=True, slots=True, eq=False)
class Matching:
    """The outcome in one scan, by component number."""

    candidate_of: dict[int, int | None]
    """Every lesion's candidate; None: missed."""
    role_of: dict[int, Role]
    """Every candidate's role."""


@dataclass(frozen=True, slots=True, eq=False)
class _Hits:
    """Pairs that meet a criterion, by row, and how well: 0 to 1."""

    lesion: Ints
    candidate: Ints
    score: Floats


def match(
    meeting: Meeting,
    criterion: HitCriterion = HitCriterion.IOU,
    *,
    extra_candidates_are_neutral: bool = True,
) -> Matching:
    """Give each lesion at most one candidate, and each candidate at most one lesion.

    As picai_eval does, the best sum of ``1 + score`` over the pairs wins: more pairs first, then
    the better ones. (Two good pairs may still outweigh three poor ones of a chain.) The score is
    the overlap (for CENTRE the IoU), or how close centroids are. Equals are settled by where
    components begin, never by their numbers.
    """
    hits = _HITS[criterion](meeting)
    chosen = _assign(hits, meeting)
    lesions, candidates = meeting.lesions.numbers, meeting.candidates.numbers
    candidate_of: dict[int, int | None] = dict.fromkeys(lesions.tolist())
    role_of = dict.fromkeys(candidates.tolist(), Role.FALSE_POSITIVE)
    if extra_candidates_are_neutral:
        role_of.update(dict.fromkeys(candidates[hits.candidate].tolist(), Role.NEUTRAL))
    matched = candidates[hits.candidate[chosen]].tolist()
    role_of.update(dict.fromkeys(matched, Role.HIT))
    candidate_of.update(zip(lesions[hits.lesion[chosen]].tolist(), matched, strict=True))
    return Matching(candidate_of, role_of)


def _by_iou(meeting: Meeting) -> _Hits:
    return _at_least(meeting, _iou(meeting))


def _by_dice(meeting: Meeting) -> _Hits:
    return _at_least(meeting, 2.0 * meeting.shared / _summed_voxels(meeting))


def _by_centre(meeting: Meeting) -> _Hits:
    candidate = np.flatnonzero(meeting.lesion_at_centre >= 0)
    lesion = meeting.lesion_at_centre[candidate]
    # A ring's centroid may lie in a lesion of which it holds no voxel: then the score is 0.
    iou = _iou(meeting)
    own = np.flatnonzero(meeting.lesion == meeting.lesion_at_centre[meeting.candidate])
    score = np.zeros(len(meeting.candidates.numbers))
    score[meeting.candidate[own]] = iou[own]
    return _Hits(lesion, candidate, score[candidate])


def _by_distance(meeting: Meeting) -> _Hits:
    trees = [
        spatial.KDTree(side.centre_zyx * meeting.spacing_zyx_mm)
        for side in (meeting.lesions, meeting.candidates)
    ]
    near = cast(
        "NDArray[np.void]",
        trees[0].sparse_distance_matrix(  # pyright: ignore[reportUnknownMemberType]
            trees[1], MAX_DISTANCE_MM, output_type="ndarray"
        ),
    )
    return _Hits(near["i"], near["j"], 1.0 - near["v"] / MAX_DISTANCE_MM)


_HITS = {
    HitCriterion.IOU: _by_iou,
    HitCriterion.DICE: _by_dice,
    HitCriterion.CENTRE: _by_centre,
    HitCriterion.DISTANCE: _by_distance,
}


def _iou(meeting: Meeting) -> Floats:
    return meeting.shared / (_summed_voxels(meeting) - meeting.shared)


def _summed_voxels(meeting: Meeting) -> Ints:
    return meeting.lesions.voxels[meeting.lesion] + meeting.candidates.voxels[meeting.candidate]


def _at_least(meeting: Meeting, overlap: Floats) -> _Hits:
    kept = overlap >= MIN_OVERLAP
    return _Hits(meeting.lesion[kept], meeting.candidate[kept], overlap[kept])


def _assign(hits: _Hits, meeting: Meeting) -> Ints:
    """The pairs that are matched. Pairs far apart have nothing to do with one another, so that
    the assignment is solved for each cluster of them alone.
    """
    lesion_hits, candidate_hits = np.bincount(hits.lesion), np.bincount(hits.candidate)
    alone = (lesion_hits[hits.lesion] == 1) & (candidate_hits[hits.candidate] == 1)
    chosen = [np.flatnonzero(alone)]
    contested = np.flatnonzero(~alone)
    if len(contested):
        clusters = _clusters(hits.lesion[contested], hits.candidate[contested])
        chosen += [_solved(hits, meeting, contested[cluster]) for cluster in clusters]
    return np.concatenate(chosen)


def _clusters(lesion: Ints, candidate: Ints) -> list[NDArray[np.intp]]:
    """Pairs that share lesions or candidates, directly or through others."""
    nodes = candidate + lesion.max() + 1
    size = int(nodes.max()) + 1
    graph = sparse.coo_array(
        (np.ones(len(lesion), dtype=np.bool_), (lesion, nodes)), shape=(size, size)
    )
    label = cast("Callable[..., tuple[int, NDArray[np.int32]]]", csgraph.connected_components)
    _, cluster_of = label(graph, directed=False)
    cluster = cluster_of[lesion]
    order = np.argsort(cluster, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(cluster[order])) + 1)


def _solved(hits: _Hits, meeting: Meeting, pairs: Ints) -> Ints:
    """The best assignment within one cluster of pairs."""
    # By first voxel, which makes the choice among equals independent of the numbering.
    _, row = np.unique(meeting.lesions.first[hits.lesion[pairs]], return_inverse=True)
    _, column = np.unique(meeting.candidates.first[hits.candidate[pairs]], return_inverse=True)
    weights = np.zeros((row.max() + 1, column.max() + 1))
    weights[row, column] = 1.0 + hits.score[pairs]
    pair_at = np.full(weights.shape, -1)
    pair_at[row, column] = pairs
    solve = cast("Callable[..., tuple[Ints, Ints]]", optimize.linear_sum_assignment)
    solved = pair_at[solve(weights, maximize=True)]
    return solved[solved >= 0]
