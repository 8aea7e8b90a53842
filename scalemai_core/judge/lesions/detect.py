"""Candidates of one scan against the lesions that are known, or labelled, to be there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.detection.match import Matching, Role, match
from scalemai_core.measure.detection.meeting import Meeting
from scalemai_core.records.annotation import State
from scalemai_core.records.detection import Detection, DetectionKind
from scalemai_core.records.lesion import Lesion, LesionCandidate
from scalemai_core.records.scan import Scan
from scalemai_core.taxonomy.site import Site, lesion_sites
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy
from scalemai_core.volume.resample import resample_labels

ComponentsZYX = NDArray[Any]

_KINDS = {
    Role.HIT: DetectionKind.HIT,
    Role.FALSE_POSITIVE: DetectionKind.FALSE_POSITIVE,
    Role.NEUTRAL: DetectionKind.NEUTRAL,
}


def known_sites(states: dict[str, State], learned: Collection[str]) -> tuple[Site, ...]:
    """Sites of which everything is known that the model could see there.

    ``states`` are those of trusted annotations, ``learned`` the structures that the model has
    channels for. Where a kind of lesion is unknown, a candidate would be neither true nor false.
    """
    taxonomy = load_taxonomy()
    known = {name for name, state in states.items() if state is not State.UNKNOWN}
    return tuple(
        site
        for site in lesion_sites(taxonomy)
        if (seen := [name for name in site.lesions if name in learned])
        and all(_is_known(name, known, taxonomy) for name in seen)
    )


def _is_known(name: str, known: set[str], taxonomy: Taxonomy) -> bool:
    parts = taxonomy.children(name)
    return name in known or (bool(parts) and all(part.name in known for part in parts))


def detections(
    scan: Scan,
    sites: Sequence[Site],
    lesions: tuple[ComponentsZYX, Sequence[Lesion]],
    candidates: tuple[ComponentsZYX, Sequence[LesionCandidate]],
) -> Iterator[Detection]:
    """What was looked at, found, missed and made up at each of ``sites``; section 11.3.

    ``lesions`` are numbered on the scan's grid, ``candidates`` on any grid over the same box: they
    are brought to the scan's, where a hit is an IoU of at least 0.1.
    """
    lesions_zyx, candidates_zyx = lesions[0], resample_labels(candidates[0], lesions[0].shape)
    for site in sites:
        own_lesions = {one.number: one for one in lesions[1] if one.structure in site.lesions}
        own = {one.number: one for one in candidates[1] if one.site == site.name}
        row = _Row(scan, site)
        yield row.of(DetectionKind.LOOKED)
        if own_lesions or own:
            both = _only(lesions_zyx, own_lesions), _only(candidates_zyx, own)
            meeting = Meeting.of_arrays(*both, scan.grid.spacing_mm_zyx)
            yield from _rows(row, match(meeting), own_lesions, own)


class _Row:
    """Rows of one site of one scan."""

    def __init__(self, scan: Scan, site: Site) -> None:
        self._scan, self._site = scan, site

    def of(
        self,
        kind: DetectionKind,
        candidate: LesionCandidate | None = None,
        lesion: Lesion | None = None,
    ) -> Detection:
        return Detection(
            scan_id=self._scan.scan_id,
            patient=self._scan.patient,
            gold=self._scan.gold,
            site=self._site.name,
            kind=kind,
            candidate=candidate,
            lesion=lesion,
        )


def _rows(
    row: _Row,
    matching: Matching,
    lesions: dict[int, Lesion],
    candidates: dict[int, LesionCandidate],
) -> Iterator[Detection]:
    for number, lesion in lesions.items():
        found = matching.candidate_of[number]
        kind = DetectionKind.MISSED if found is None else DetectionKind.HIT
        yield row.of(kind, None if found is None else candidates[found], lesion)
    for number, candidate in candidates.items():
        # One thinner than a slice may have no voxel on the scan's grid: nobody can confirm it.
        kind = _KINDS[matching.role_of.get(number, Role.FALSE_POSITIVE)]
        if kind is not DetectionKind.HIT:
            yield row.of(kind, candidate)


def _only(components_zyx: ComponentsZYX, numbers: Collection[int]) -> ComponentsZYX:
    chosen = list(numbers)
    last = max(int(components_zyx.max(initial=0)), *chosen, 0)
    kept = np.zeros(last + 1, dtype=components_zyx.dtype)
    kept[chosen] = chosen
    return kept[components_zyx]
