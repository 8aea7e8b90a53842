"""Prediction: every scan seen by the fold model that never saw its patient."""

from __future__ import annotations

from collections.abc import Mapping

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.lesions.anatomy import SeenAnatomy, host_voxels
from scalemai_core.records.columns import Columns, joined
from scalemai_core.records.evidence import Evidence
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.dataset import labelled_scans
from tasks.models import fold_predictor
from tasks.shards import run_shard


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def predict_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """Predict a shard's scans, their annotations read along; one fold's network a worker."""
    store = Workspace.open(inputs.workspace)
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    settings, model = inputs.plan.settings, inputs.model

    def work(scan_id: str) -> list[Columns]:
        case = cases[scan_id]
        predictor = fold_predictor(
            inputs.workspace,
            model,
            case.scan.fold,
            settings.compute,
            out_of_fold=settings.predict.out_of_fold,
        )
        grid, annotated = case.scan.grid, case.stored_labels(store)
        inner = predictor.inner_grid(grid)
        anatomy = SeenAnatomy(annotated.get(Layer.ANATOMY), grid.shape_zyx, inner.shape_zyx)
        layers = {
            layer: store.predictions.slabs(model.key, scan_id, layer, grid)
            for layer in predictor.layers
        }

        def take(labels: dict[Layer, LabelsZYX]) -> None:
            anatomy.add(labels)
            for layer, labels_zyx in labels.items():
                layers[layer].add(labels_zyx)

        image = store.scans.array(scan_id)
        seen = predictor.stream(image, grid, take, settings.predict, [annotated])
        if seen.lesions is not None:
            hosts_zyx = host_voxels(anatomy.labels_zyx, load_taxonomy())
            near = seen.lesions.near(hosts_zyx, settings.predict.lesion_reach_mm)
            store.predictions.write_lesions(model.key, scan_id, near)
        for writer in layers.values():
            writer.close()
        return [_columns(scan_id, seen.evidence[0])]

    return run_shard(store, shard, work, joined)


def _columns(scan_id: str, evidence: Mapping[str, Evidence]) -> Columns:
    numbers = {
        field: [getattr(of_structure, field) for of_structure in evidence.values()]
        for field in Evidence.model_fields
    }
    return {"scan_id": [scan_id] * len(evidence), "structure": list(evidence), **numbers}
