"""Tags by which runs and model versions are found again."""

from __future__ import annotations

KEY_TAG = "scalemai.key"
ROUND_TAG = "scalemai.round"
DATASET_TAG = "scalemai.dataset_version"
CODE_TAG = "scalemai.code_version"
FOLD_TAG = "scalemai.fold"
PARENT_TAG = "mlflow.parentRunId"
"""MLflow's own: shows a run below another."""
