"""Prediction: every scan seen by the fold model that never saw its patient."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.workspace import Workspace
from tasks.dataset import dataset
from tasks.models import fold_predictor
from tasks.shards import Rows, run_shard


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def predict_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """Predict a shard's scans, one fold's network loaded once a worker."""
    store = Workspace.open(inputs.workspace)
    scans = dataset(inputs.workspace, inputs.version)
    settings, model = inputs.plan.settings, inputs.model

    def work(scan_id: str) -> Rows:
        scan = scans[scan_id]
        predictor = fold_predictor(inputs.workspace, model, scan.fold, settings.compute)
        prediction = predictor.predict(
            store.scans.read(scan_id), scan.grid, settings.predict.overlap
        )
        store.predictions.write(model.key, scan_id, prediction.labels, scan.grid)
        return [
            {"scan_id": scan_id, "structure": name, "confidence": value}
            for name, value in prediction.confidence.items()
        ]

    return run_shard(store, shard, work)
