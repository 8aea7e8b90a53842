"""A round's numbers as MLflow keeps them: flat, each with a name."""

from __future__ import annotations

from scalemai_core.records.expert import ExpertReport
from scalemai_core.records.round import RoundResult


def round_metrics(result: RoundResult) -> dict[str, float]:
    """Labels, people, audit, evidence, gold, truth and the expert; what is unknown is left out."""
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
    if result.gold:
        numbers["gold_select_dice"] = result.gold.mean_dice
        numbers["gold_test_dice"] = result.gold.test_mean_dice
    if result.truth:
        numbers["truth_dice_before"] = result.truth.mean_dice_before
        numbers["truth_dice_after"] = result.truth.mean_dice_after
    return {name: float(value) for name, value in numbers.items() if value is not None}


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
