"""Prediction: every scan seen by the fold model that never saw its patient."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.lesions.anatomy import host_voxels, seen_anatomy
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.dataset import labelled_scans
from tasks.models import fold_predictor
from tasks.shards import Rows, run_shard


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def predict_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """Predict a shard's scans, their annotations read along; one fold's network a worker."""
    store = Workspace.open(inputs.workspace)
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    settings, model = inputs.plan.settings, inputs.model

    def work(scan_id: str) -> Rows:
        case = cases[scan_id]
        predictor = fold_predictor(
            inputs.workspace,
            model,
            case.scan.fold,
            settings.compute,
            out_of_fold=settings.predict.out_of_fold,
        )
        annotated = case.labels(store)
        prediction = predictor.predict(
            store.scans.read(scan_id),
            case.scan.grid,
            settings.predict.overlap,
            beside=[annotated],
        )
        if (odds := prediction.lesions) is not None:
            seen_zyx = seen_anatomy(annotated, prediction.labels, odds.grid.shape_zyx)
            hosts_zyx = host_voxels(seen_zyx, load_taxonomy())
            near = odds.near(hosts_zyx, settings.predict.lesion_reach_mm)
            store.predictions.write_lesions(model.key, scan_id, near)
        store.predictions.write(model.key, scan_id, prediction.labels, case.scan.grid)
        return [
            {"scan_id": scan_id, "structure": name, **evidence.model_dump()}
            for name, evidence in prediction.evidence[0].items()
        ]

    return run_shard(store, shard, work)
