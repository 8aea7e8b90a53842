"""The index of label maps: where training looks for structures and lesions, found once."""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.round import RoundPlan
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.documents.ledger import step_key
from scalemai_core.store.workspace import Workspace
from tasks.dataset import dataset, labelled_scans
from tasks.shards import Rows, failed_scans, plan_shards, run_shard

STAGE = "index"
FORMAT = 1


@task(task_run_name="plan index", cache_policy=NO_CACHE)
def plan_index(workspace: str, plan: RoundPlan, version: DatasetVersion) -> list[Shard]:
    """Shards of the scans that may train and whose label maps nobody has looked at yet."""
    return plan_shards(
        Workspace.open(workspace),
        round_number=plan.number,
        stage=STAGE,
        key=index_key(version),
        scan_ids=[s.scan_id for s in dataset(workspace, version).values() if s.gold is None],
        size=plan.settings.compute.shard_size,
    )


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def index_shard(
    workspace: str, version: DatasetVersion, shard: Shard, *, unseen: bool
) -> ShardSummary:
    """Index a shard's label maps; those that earlier rounds indexed cost nothing.

    A scan whose own voxels are lost is set aside as well, and where they are ``unseen`` (no model
    has predicted from them yet) one whose voxels are damaged: training would end over it.
    """
    store = Workspace.open(workspace)
    cases = labelled_scans(workspace, version, shard.scan_ids)

    def work(scan_id: str) -> Rows:
        case = cases[scan_id]
        look = store.scans.read if unseen else store.scans.array
        look(scan_id)
        maps = case.label_maps.items()
        made = [store.label_index.write(name, layer, case.scan.grid) for layer, name in maps]
        return [{"scan_id": scan_id, "label_maps": len(made), "indexed": sum(made)}]

    return run_shard(store, shard, work)


@task(task_run_name="gather index", cache_policy=NO_CACHE)
def unindexed_scans(workspace: str, plan: RoundPlan, version: DatasetVersion) -> frozenset[str]:
    """Scans whose voxels are lost or whose label maps cannot be read: they cannot train."""
    store = Workspace.open(workspace)
    return frozenset(failed_scans(store, plan.number, STAGE, index_key(version))["scan_id"])


def index_key(version: DatasetVersion) -> str:
    """Identity of the stage's work; what it writes is named by the label maps alone."""
    return step_key(format=FORMAT, stage=STAGE, dataset=version.digest)
