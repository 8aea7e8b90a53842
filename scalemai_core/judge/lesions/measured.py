"""What gold says of a model and lesions, out of the comparisons of all its scans."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import numpy as np

from scalemai_core.judge.lesions.cost import cost_at
from scalemai_core.judge.lesions.curves import auc_interval, draw_froc, draw_roc, precision
from scalemai_core.judge.lesions.diagnosis import NONE, confusion, diagnose
from scalemai_core.judge.lesions.scored import (
    above_points,
    choose_points,
    log_odds,
    scored_scans,
)
from scalemai_core.judge.lesions.settle import Words, settle
from scalemai_core.measure.detection.froc import Scans
from scalemai_core.measure.detection.strata import place_strata, size_strata, type_strata
from scalemai_core.measure.statistics import clopper_pearson
from scalemai_core.records.detection import (
    Detection,
    DetectionKind,
    DetectionReport,
    DiagnosisReport,
    Rate,
    SiteReport,
    StratumRate,
    Work,
)
from scalemai_core.records.operating_point import OperatingPoint
from scalemai_core.records.scan import GoldRole
from scalemai_core.records.settlement import Outcome
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.taxonomy.site import Site, lesion_sites
from scalemai_core.taxonomy.taxonomy import load_taxonomy

_MEASURED = (GoldRole.FIT, GoldRole.TEST)


def measure_detection(
    model: str,
    rows: Sequence[Detection],
    words: Mapping[str, Words],
    settings: LesionSettings,
    rng: np.random.Generator,
) -> DetectionReport:
    """Points from gold ``fit``, figures from gold ``test``; ``words`` are reports by scan.

    What is missed is told of ``fit`` as well: training may be aimed at that.

    Sites that nobody looked at are left out.
    """
    looked = {row.site for row in rows}
    sites = [site for site in lesion_sites(load_taxonomy()) if site.name in looked]
    points = choose_points(rows, [site.name for site in sites], settings)
    fit, test = ([row for row in rows if row.gold is role] for role in _MEASURED)
    excluded = excluded_by_reports(test, points, words, settings)
    of_site = {site.name: [row for row in test if row.site == site.name] for site in sites}
    missed = {
        site.name: _strata([row for row in fit if row.site == site.name], points[site.name])
        for site in sites
    }
    return DetectionReport(
        model=model,
        settings=settings,
        sites=tuple(
            _site(of_site[site.name], points[site.name], excluded, settings, rng).model_copy(
                update={"fit_strata": missed[site.name]}
            )
            for site in sites
        ),
        diagnoses=tuple(
            _diagnosis(of_site[site.name], site, points[site.name])
            for site in sites
            if len(site.lesions) > 1
        ),
    )


def excluded_by_reports(
    rows: Sequence[Detection],
    points: Mapping[str, OperatingPoint],
    words: Mapping[str, Words],
    settings: LesionSettings,
) -> frozenset[str]:
    """Ids of the candidates that people would see and that reports delete."""
    by_scan: defaultdict[str, list[Detection]] = defaultdict(list)
    for row in rows:
        if row.scan_id in words and above_points(row, points):
            by_scan[row.scan_id].append(row)
    found: set[str] = set()
    for scan_id, own in by_scan.items():
        candidates = [row.candidate for row in own if row.candidate is not None]
        settled, _ = settle(candidates, words[scan_id], {}, settings)
        found |= {one.candidate_id for one in settled if one.outcome is Outcome.DELETE}
    return frozenset(found)


def _site(
    rows: Sequence[Detection],
    point: OperatingPoint,
    excluded: frozenset[str],
    settings: LesionSettings,
    rng: np.random.Generator,
) -> SiteReport:
    scans = scored_scans(rows)
    gone = [row for row in rows if row.candidate and row.candidate.candidate_id in excluded]
    auc, auc_low, auc_high = auc_interval(rows)
    return SiteReport(
        point=point,
        patients=len({row.patient for row in rows}),
        scans=len(scans),
        normal_scans=sum(not scan.lesions for scan in scans),
        before_reports=_work(rows, point, frozenset(), settings),
        after_reports=_work(rows, point, excluded, settings),
        deleted=sum(row.kind is DetectionKind.FALSE_POSITIVE for row in gone),
        deleted_lesions=sum(row.kind is DetectionKind.HIT for row in gone),
        froc=draw_froc(rows, Scans.ALL, settings.bootstraps, rng),
        froc_normal=draw_froc(rows, Scans.NORMAL, settings.bootstraps, rng),
        roc=draw_roc(rows, settings.bootstraps, rng),
        auc=auc,
        auc_low=auc_low,
        auc_high=auc_high,
        average_precision=precision(rows),
        strata=_strata(rows, point),
    )


def _work(
    rows: Sequence[Detection],
    point: OperatingPoint,
    excluded: Collection[str],
    settings: LesionSettings,
) -> Work:
    scans = scored_scans(rows, excluded)
    lesions = [value for scan in scans for value in scan.lesions]
    normal = [scan for scan in scans if not scan.lesions]
    found = sum(value >= point.log_odds for value in lesions)
    cost = cost_at(point.log_odds, scans, settings) if scans else None
    of_normal = cost_at(point.log_odds, normal, settings) if normal else None
    return Work(
        sensitivity=rate(found, len(lesions)),
        false_positives_per_scan=cost and cost.false_positives_per_scan,
        false_positives_per_normal_scan=of_normal and of_normal.false_positives_per_scan,
        seconds_per_scan=cost and cost.seconds_per_scan,
        saved_share=cost and cost.saved_share,
    )


def rate(found: int, total: int) -> Rate:
    """With Clopper and Pearson's interval."""
    interval = clopper_pearson(found, total)
    return Rate(found=found, total=total, low=float(interval.low), high=float(interval.high))


def _strata(rows: Sequence[Detection], point: OperatingPoint) -> tuple[StratumRate, ...]:
    found = [(row.lesion, log_odds(row) >= point.log_odds) for row in rows if row.lesion]
    lesions = [lesion for lesion, _ in found]
    hit = np.array([was for _, was in found], dtype=np.bool_)
    by = {
        "size": size_strata(np.array([lesion.diameter_mm for lesion in lesions], dtype=float)),
        "place": place_strata(lesions),
        "kind": type_strata(lesions),
    }
    return tuple(
        StratumRate(by=kind, name=name, rate=rate(int(hit[own].sum()), int(own.sum())))
        for kind, strata in by.items()
        for name, own in strata.items()
    )


def _diagnosis(rows: Sequence[Detection], site: Site, point: OperatingPoint) -> DiagnosisReport:
    patients = {row.scan_id: row.patient for row in rows}
    candidates = [row.candidate for row in rows if row.candidate is not None]
    said = diagnose(candidates, patients, site, point.log_odds)
    largest: dict[str, tuple[float, str]] = dict.fromkeys(said, (-math.inf, NONE))
    for row in rows:
        if row.lesion is not None:
            own = (row.lesion.volume_mm3, row.lesion.structure)
            largest[row.patient] = max(largest[row.patient], own)
    table = confusion(said, {patient: kind for patient, (_, kind) in largest.items()}, site)
    return DiagnosisReport(
        site=site.name,
        classes=table.classes,
        counts=tuple(tuple(row) for row in table.counts.tolist()),
        accuracy=table.accuracy,
        accuracy_of_lesions=table.accuracy_of_lesions,
    )
