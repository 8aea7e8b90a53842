"""Comparisons with gold as operating points take them, and the points that they lead to."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from scalemai_core.judge.lesions.operating_point import ScoredScan, choose_point
from scalemai_core.records.detection import Detection, DetectionKind
from scalemai_core.records.operating_point import OperatingPoint
from scalemai_core.records.scan import GoldRole
from scalemai_core.settings.lesions import LesionSettings

MISSED = -math.inf
"""Log-odds of a lesion that no candidate found."""


def scored_scans(
    rows: Iterable[Detection], excluded: Collection[str] = frozenset()
) -> list[ScoredScan]:
    """One a scan that was looked at; all of ``rows`` are of one site.

    Candidates whose id is ``excluded`` are gone: what they found is missed.
    """
    by_scan: defaultdict[str, list[Detection]] = defaultdict(list)
    for row in rows:
        by_scan[row.scan_id].append(row)
    return [
        ScoredScan(
            patient=own[0].patient,
            lesions=tuple(log_odds(row, excluded) for row in own if row.lesion is not None),
            false_positives=tuple(
                value
                for row in own
                if row.kind is DetectionKind.FALSE_POSITIVE
                and (value := log_odds(row, excluded)) > MISSED
            ),
        )
        for own in by_scan.values()
    ]


def log_odds(row: Detection, excluded: Collection[str] = frozenset()) -> float:
    """Of the row's candidate; minus infinity without one, or where that is excluded."""
    gone = row.candidate is None or row.candidate.candidate_id in excluded
    return MISSED if gone or row.candidate is None else row.candidate.log_odds


def choose_points(
    rows: Iterable[Detection], sites: Iterable[str], settings: LesionSettings
) -> dict[str, OperatingPoint]:
    """One point a site, chosen on gold ``fit``; where there is none, the floor."""
    fit = [row for row in rows if row.gold is GoldRole.FIT]
    return {
        site: choose_point(site, scored_scans(row for row in fit if row.site == site), settings)
        for site in sites
    }


def above_points(row: Detection, points: Mapping[str, OperatingPoint]) -> bool:
    """Whether people get to see the row's candidate."""
    return row.candidate is not None and row.candidate.log_odds >= points[row.site].log_odds
