"""The lesion path on phantoms: operating point, candidates, reports, human time.

    python benchmarks/lesions.py --seed 11
    python benchmarks/lesions.py --seed 11 --detector network --steps 8000

Patients with lesions of 2 to 40 mm. Gold `fit` chooses the operating points, gold `test`, whose
patients nobody has seen, says what they are worth, before and after reports. The `simulated`
detector draws log-odds around true lesions and at places where there is none: it tells whether the
path keeps its word, not how good a network is. `network` trains one on patients of its own.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from lesion_detectors import Detector, NetworkDetector, SimulatedDetector, train_network

from scalemai_core.judge.lesions.candidates import find_candidates
from scalemai_core.judge.lesions.detect import detections
from scalemai_core.judge.lesions.measured import measure_detection
from scalemai_core.measure.detection.lesions import find_lesions
from scalemai_core.radiology.reading import read_report
from scalemai_core.records.detection import Detection, DetectionReport, SiteReport, Work
from scalemai_core.records.label_map import Layer
from scalemai_core.records.said import Said
from scalemai_core.records.scan import GoldRole, Scan
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.synthesize.phantoms import Phantom, PhantomSettings, make_phantom
from scalemai_core.synthesize.report import ReportSettings
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.resample import resample_labels

LESIONS = {
    "pancreatic_pdac": 0.6,
    "pancreatic_cyst": 0.5,
    "pancreatic_pnet": 0.5,
    "liver_lesion": 2.0,
    "kidney_tumor": 0.6,
    "kidney_cyst": 1.0,
}
ORGANS = (
    *("liver", "pancreas_head", "pancreas_body", "pancreas_tail"),
    *("kidney_left", "kidney_right"),
)
EXPLICIT = ReportSettings(hedged=0.0, silent=0.0, limited=0.0, overlooked=0.0, suspected=0.0)
"""Reports that say of every organ what they saw."""
SETTINGS = LesionSettings(max_candidates=200)

Words = dict[tuple[str, str], Said]


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found in one patient, and what the report says."""

    detections: tuple[Detection, ...]
    scan_id: str
    words: Words


def phantoms(reports: ReportSettings) -> PhantomSettings:
    """Upper abdomens at 1.5 mm."""
    return PhantomSettings(
        spacing_mm=1.5,
        field_mm_zyx=(96.0, 150.0, 216.0),
        field_top_mm=66.0,
        lesion_numbers=LESIONS,
        lesion_mm=(2.0, 40.0),
        healthy_share=0.27,
        report=reports,
        structures=(*ORGANS, *LESIONS),
    )


def main() -> None:
    """Paint, detect, measure; print the tables. Scans without contrast are left out: their reports
    exclude nothing, nor should they."""
    options = _options()
    started = time.monotonic()
    detector: Detector = SimulatedDetector(options.seed)
    painted = phantoms(ReportSettings() if options.usual_reports else EXPLICIT)
    if options.detector == "network":
        weights = options.folder / f"lesions-{options.seed}-{options.steps}.safetensors"
        if not weights.exists():
            some = _painted(painted, options.seed + 1, options.train)
            train_network(weights, some, options.steps, options.seed)
        detector = NetworkDetector(weights)
    roles = [GoldRole.FIT] * options.fit + [GoldRole.TEST] * options.test
    work = partial(_look, painted, options.seed, detector)
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as pool:
        looked = [one for one in pool.map(work, range(len(roles)), roles, chunksize=8) if one]
    rows = [row for one in looked for row in one.detections]
    words = {one.scan_id: one.words for one in looked}
    rng = np.random.default_rng(options.seed)
    report = measure_detection(options.detector, rows, words, SETTINGS, rng)
    _tell(report, options, (time.monotonic() - started) / 60)


def _look(
    settings: PhantomSettings, seed: int, detector: Detector, index: int, role: GoldRole
) -> Looked | None:
    taxonomy = load_taxonomy()
    phantom = make_phantom(seed, index, settings)
    if phantom.info.phase == "none":
        return None
    scan = _scan(phantom, index, role)
    odds = detector.odds(phantom, index)
    anatomy_zyx, truth_zyx = phantom.labels[Layer.ANATOMY], phantom.labels[Layer.LESIONS]
    near_zyx = resample_labels(anatomy_zyx, odds.grid.shape_zyx)
    found = find_candidates(
        odds.codes_zyx, odds.types_zyx, near_zyx, odds.grid, scan.scan_id, SETTINGS
    )
    sites = [site for site in lesion_sites(taxonomy) if set(site.lesions) & set(LESIONS)]
    lesions = find_lesions(truth_zyx, anatomy_zyx, phantom.grid, taxonomy)
    said = read_report(phantom.info.report, taxonomy).said
    return Looked(
        tuple(detections(scan, sites, lesions, found)),
        scan.scan_id,
        {(one.structure, one.organ): one for one in said},
    )


def _scan(phantom: Phantom, index: int, role: GoldRole) -> Scan:
    return Scan(
        scan_id=f"scan-{index}",
        patient=f"patient-{index}",
        case=f"case-{index}",
        source="phantoms",
        grid=phantom.grid,
        source_axes="RAS",
        source_affine=phantom.grid.affine,
        fold=0,
        gold=role,
    )


def _painted(settings: PhantomSettings, seed: int, number: int) -> Iterable[Phantom]:
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        draw = partial(make_phantom, seed, settings=settings)
        yield from pool.map(draw, range(number), chunksize=8)


def _tell(report: DetectionReport, options: argparse.Namespace, minutes: float) -> None:
    fit, test = options.fit, options.test
    lesions = sum(site.before_reports.sensitivity.total for site in report.sites)
    print(f"seed {options.seed}, {options.detector} detector, {minutes:.1f} min")
    print(f"{fit} patients to choose on, {test} to measure on with {lesions} lesions\n")
    print("| site | reports | guaranteed | found | share | 95 % | false a scan | a normal scan |")
    print("|---|---|--:|--:|--:|---|--:|--:|")
    for site in report.sites:
        for told, work in (("before", site.before_reports), ("after", site.after_reports)):
            print(f"| {site.point.site} | {told} | {_guarantee(site)} | {_row(work)} |")
    print(
        "\n| site | deleted, false | deleted, true | of false in normal scans | s a scan | saved |"
    )
    print("|---|--:|--:|--:|--:|--:|")
    for site in report.sites:
        print(f"| {site.point.site} | {_reports(site)} |")
    for site in report.sites:
        print(f"\n{site.point.site}: {site.point.reason}")
        for one in site.strata:
            if one.by == "size":
                print(f"  {one.name}: {one.rate.found} of {one.rate.total}")
    for one in report.diagnoses:
        print(f"\n{one.site}: right in {one.accuracy}, of lesions {one.accuracy_of_lesions}")


def _guarantee(site: SiteReport) -> str:
    mark = "" if site.point.reached else ", not reached"
    return f"{site.point.guaranteed_sensitivity:.3f}{mark}"


def _row(work: Work) -> str:
    found = work.sensitivity
    share = "" if found.estimate is None else f"{found.estimate:.4f}"
    false = (work.false_positives_per_scan, work.false_positives_per_normal_scan)
    numbers = " | ".join("" if one is None else f"{one:.2f}" for one in false)
    bounds = f"{found.low:.3f} to {found.high:.3f}"
    return f"{found.found} of {found.total} | {share} | {bounds} | {numbers}"


def _reports(site: SiteReport) -> str:
    before, after = site.before_reports, site.after_reports
    normal = before.false_positives_per_normal_scan
    left = after.false_positives_per_normal_scan
    gone = "" if not normal or left is None else f"{1.0 - left / normal:.3f}"
    seconds, saved = after.seconds_per_scan, after.saved_share
    pace = f"{seconds or 0.0:.1f} | {'' if saved is None else f'{saved:.3f}'}"
    return f"{site.deleted} | {site.deleted_lesions} | {gone} | {pace}"


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--detector", choices=("simulated", "network"), default="simulated")
    parser.add_argument("--fit", type=int, default=420, help="patients that choose the points")
    parser.add_argument("--test", type=int, default=240, help="patients that measure them")
    parser.add_argument("--train", type=int, default=300, help="patients of the network")
    parser.add_argument("--steps", type=int, default=8000, help="of its training")
    parser.add_argument("--folder", type=Path, default=Path(), help="for the network's weights")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--usual-reports", action="store_true", help="hedged and silent ones too")
    return parser.parse_args()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
