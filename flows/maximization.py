"""M-step: the corrected dataset becomes a version, and a model is trained on it."""

from __future__ import annotations

from prefect import flow

from flows.stages import run_stage
from flows.training import Trained, train_model
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from tasks.placement import same_workers
from tasks.revise import commit_round, revise_shard
from tasks.round import revisable_scans


@flow(name="maximization", flow_run_name="round {inputs.plan.number}")
def maximization(
    inputs: StageInputs, failed: frozenset[str]
) -> tuple[DatasetVersion, Trained, frozenset[str]]:
    """Compose and commit the corrected labels, then retrain from the critic's fold models.

    Scans that ``failed``, here or before, keep their labels and teach nothing; all of them are
    returned.
    """
    revised = run_stage("revise", revise_shard, inputs, revisable_scans(inputs), answered=True)
    corrected = commit_round(inputs, revised.blocks)
    train = train_model.with_options(task_runner=same_workers())
    failed |= revised.failed
    trained = train(inputs.workspace, inputs.plan, corrected, inputs.model, failed, inputs.claim)
    return corrected, trained, failed
