"""A round's numbers as MLflow keeps them: flat, each with a name."""

from __future__ import annotations

from scalemai_core.records.detection import DetectionReport, Work
from scalemai_core.records.expert import ExpertReport
from scalemai_core.records.gold import GoldScore
from scalemai_core.records.round import LesionTally, RoundResult


def round_metrics(
    result: RoundResult, detection: DetectionReport | None = None
) -> dict[str, float]:
    """Labels, people, audit, evidence, gold, truth, expert and lesions; the unknown left out."""
    numbers: dict[str, float | None] = {
        "round": result.number,
        "changed": result.changed,
        "reviewed_share": result.reviewed_share,
        "human_minutes": result.human_minutes,
        "held": result.held,
        "audit_upper_bound": result.audit_upper_bound,
        "mean_agreement": result.mean_agreement,
        **{f"evidence_{name}": value for name, value in result.evidence.items()},
        **_expert(result.expert),
    }
    if result.lesions:
        numbers |= _tally(result.lesions)
    if detection:
        numbers |= _detection(detection)
    if result.gold:
        numbers |= _gold(result.gold)
    if result.truth:
        numbers["truth_dice_before"] = result.truth.mean_dice_before
        numbers["truth_dice_after"] = result.truth.mean_dice_after
    return {name: float(value) for name, value in numbers.items() if value is not None}


def _gold(score: GoldScore) -> dict[str, float | None]:
    """Means, what the endpoint gained, and every structure of gold ``select``."""
    numbers: dict[str, float | None] = {
        "gold_select_dice": score.mean_dice,
        "gold_select_nsd": score.mean_nsd,
        "gold_test_dice": score.test_mean_dice,
        "gold_test_nsd": score.test_mean_nsd,
        "gold_test_openings": score.test_openings,
        "gold_false_structures": score.sightings.new,
        "gold_worst_low": score.worst_low,
    }
    if score.gain:
        numbers |= {"gold_gain": score.gain.value, "gold_gain_low": score.gain.low}
    if score.lesions:
        numbers["gold_lesion_sensitivity"] = score.lesions.sensitivity.new.value
        numbers["gold_lesion_fp_per_scan"] = score.lesions.false_positives_per_scan
    for one in score.structures:
        numbers[f"gold_dice_{one.structure}"] = one.dice.new.value
        numbers[f"gold_nsd_{one.structure}"] = one.nsd.new.value
    return numbers


def _expert(report: ExpertReport) -> dict[str, float | None]:
    numbers: dict[str, float | None] = {
        "expert_calibration_error": report.calibration_error,
        "expert_families_enabled": sum(family.enabled for family in report.families),
        "expert_patients": report.patients,
        "expert_masks": report.masks,
    }
    for family in report.families:
        if family.patients:
            numbers[f"expert_accuracy_{family.kind}"] = family.accuracy
            numbers[f"expert_accuracy_low_{family.kind}"] = family.low
        numbers[f"expert_coverage_{family.kind}"] = family.coverage
    return numbers


def _tally(tally: LesionTally) -> dict[str, float | None]:
    return {
        "lesion_candidates": tally.candidates,
        **{f"lesion_candidates_{fate}": number for fate, number in tally.fates.items()},
        "lesion_asked": tally.asked,
        "lesion_confirmed": tally.confirmed,
        "lesion_audited": tally.audited,
        "lesion_audit_errors": tally.audit_errors,
        "lesion_unfound": tally.unfound,
    }


def _detection(report: DetectionReport) -> dict[str, float | None]:
    """Gold test at the operating point of each site; ``reported`` is after reports."""
    numbers: dict[str, float | None] = {}
    for site in report.sites:
        name = site.point.site
        numbers |= {
            f"lesion_guaranteed_{name}": site.point.guaranteed_sensitivity,
            f"lesion_target_reached_{name}": site.point.reached,
            f"lesion_auc_{name}": site.auc,
            f"lesion_auc_low_{name}": site.auc_low,
            f"lesion_deleted_{name}": site.deleted,
            f"lesion_deleted_lesions_{name}": site.deleted_lesions,
            **_work(site.before_reports, name),
            **_work(site.after_reports, f"reported_{name}"),
        }
    for told in report.diagnoses:
        numbers[f"lesion_diagnosis_{told.site}"] = told.accuracy
        numbers[f"lesion_diagnosis_of_lesions_{told.site}"] = told.accuracy_of_lesions
    return numbers


def _work(work: Work, name: str) -> dict[str, float | None]:
    found = work.sensitivity
    return {
        f"lesion_sensitivity_{name}": found.estimate,
        f"lesion_sensitivity_low_{name}": found.low if found.total else None,
        f"lesion_fp_per_scan_{name}": work.false_positives_per_scan,
        f"lesion_fp_per_normal_scan_{name}": work.false_positives_per_normal_scan,
        f"lesion_seconds_per_scan_{name}": work.seconds_per_scan,
        f"lesion_saved_share_{name}": work.saved_share,
    }
