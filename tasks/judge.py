"""Judgement: every annotation against the prediction that never learned from it."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.judgement import judge_scan
from scalemai_core.records.decision import Candidate
from scalemai_core.records.finding import Finding
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.workspace import Workspace
from tasks.dataset import labelled_scans
from tasks.shards import Rows, run_shard


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def judge_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """Agreement and verifier findings of a shard's annotations; one row a structure."""
    store = Workspace.open(inputs.workspace)
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)

    def work(scan_id: str) -> Rows:
        case = cases[scan_id]
        judgements, findings = judge_scan(
            case.scan,
            store.scans.read(scan_id),
            case.labels(store),
            predicted_labels(store, inputs.model, scan_id),
            {name: annotation.state for name, annotation in case.annotations.items()},
            inputs.plan.settings.judge,
        )
        said = _words(findings[Candidate.CURRENT])
        return [
            {**judgement.model_dump(mode="json"), "message": said.get(judgement.structure, "")}
            for judgement in judgements
        ]

    return run_shard(store, shard, work)


def predicted_labels(
    store: Workspace, model: ModelDocument, scan_id: str
) -> dict[Layer, LabelsZYX]:
    """The stored prediction, the layers the model knows."""
    return {layer: store.predictions.read(model.key, scan_id, layer) for layer in model.channels}


def _words(findings: list[Finding]) -> dict[str, str]:
    """What the verifier says of each annotation, in words."""
    said: dict[str, str] = {}
    for finding in findings:
        before = said.get(finding.structure)
        said[finding.structure] = f"{before}; {finding.message}" if before else finding.message
    return said
