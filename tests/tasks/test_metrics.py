"""A round's numbers and its expert as MLflow keeps them."""

from __future__ import annotations

from made_up_lesions import TALLY, make_detection, unmeasured
from made_up_rounds import EVIDENCE, GOLD, NO_EXPERT, NO_GOLD, make_result

from tasks.metrics import round_metrics


def test_metrics_hold_labels_evidence_and_how_good_the_expert_is() -> None:
    metrics = round_metrics(make_result())
    assert metrics["changed"] == 1162.0
    assert metrics["evidence_loglik_current"] == EVIDENCE["loglik_current"]
    assert metrics["expert_calibration_error"] == 0.021
    assert metrics["expert_families_enabled"] == 1.0
    assert metrics["expert_accuracy_organ"] == 0.984
    assert metrics["expert_accuracy_low_vessel"] == 0.84
    assert metrics["expert_coverage_vessel"] == 0.61
    assert metrics["gold_select_dice"] == 0.9023
    assert metrics["gold_gain_low"] == 0.0042
    assert metrics["gold_test_openings"] == 2.0
    assert metrics["gold_nsd_liver"] == GOLD.structures[1].nsd.new.value
    assert all(isinstance(value, float) for value in metrics.values())


def test_what_is_unknown_is_left_out() -> None:
    nothing = make_result(
        truth=None, audit_upper_bound=None, evidence={}, expert=NO_EXPERT, **NO_GOLD
    )
    metrics = round_metrics(nothing)
    assert metrics["expert_families_enabled"] == 0.0
    assert not {"expert_calibration_error", "audit_upper_bound", "gold_select_dice"} & set(metrics)
    assert not any(name.startswith(("truth", "evidence")) for name in metrics)


def test_metrics_hold_what_gold_says_of_lesions_by_site() -> None:
    metrics = round_metrics(make_result(lesions=TALLY), make_detection())
    assert metrics["lesion_sensitivity_pancreas"] == 92 / 96
    assert metrics["lesion_sensitivity_low_pancreas"] == 0.8967
    assert metrics["lesion_sensitivity_reported_pancreas"] == 91 / 96
    assert metrics["lesion_fp_per_scan_pancreas"] == 0.6214
    assert metrics["lesion_fp_per_scan_reported_pancreas"] == 0.2143
    assert metrics["lesion_auc_pancreas"] == 0.9512
    assert metrics["lesion_saved_share_pancreas"] == 0.8941
    assert metrics["lesion_guaranteed_pancreas"] == 0.9908
    assert metrics["lesion_target_reached_pancreas"] == 1.0
    assert metrics["lesion_deleted_lesions_pancreas"] == 1.0
    assert metrics["lesion_candidates_deleted"] == 302.0
    assert metrics["lesion_unfound"] == 9.0


def test_a_site_without_gold_has_its_guarantee_alone() -> None:
    metrics = round_metrics(make_result(), make_detection(unmeasured(), diagnoses=()))
    assert metrics["lesion_guaranteed_colon"] == 0.0
    assert not {name for name in metrics if "sensitivity" in name or "auc" in name}
