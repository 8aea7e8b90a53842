"""A round's numbers and its expert as MLflow keeps them."""

from __future__ import annotations

from made_up_rounds import EVIDENCE, NO_EXPERT, NO_GOLD, make_result

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
    assert all(isinstance(value, float) for value in metrics.values())


def test_what_is_unknown_is_left_out() -> None:
    nothing = make_result(
        truth=None, audit_upper_bound=None, evidence={}, expert=NO_EXPERT, **NO_GOLD
    )
    metrics = round_metrics(nothing)
    assert metrics["expert_families_enabled"] == 0.0
    assert not {"expert_calibration_error", "audit_upper_bound", "gold_select_dice"} & set(metrics)
    assert not any(name.startswith(("truth", "evidence")) for name in metrics)
