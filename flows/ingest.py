"""Ingestion: files become stored scans, label maps, and a dataset version."""

from __future__ import annotations

from prefect import flow

from scalemai_core.intake.case import CaseFiles
from scalemai_core.records.offer import Offer
from scalemai_core.records.shard import Shard
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.engine import ComputeSettings
from scalemai_core.store.documents.claim import INGEST, Claims, claimed
from scalemai_core.store.workspace import Workspace
from tasks.ingest import commit_cases, plan_ingestion, store_cases
from tasks.pace import StagePace
from tasks.patience import patient
from tasks.runtime import workers


@flow(name="ingest", flow_run_name="ingest into {offer.workspace}")
def ingest(offer: Offer, compute: ComputeSettings) -> DatasetVersion | None:
    """Store every readable case, then commit them as one version; None if nothing new came in.

    It may run beside a round, but not beside another ingestion, nor while garbage is collected.
    """
    files = Workspace.create(offer.workspace).files
    with claimed(files, INGEST, "ingestion") as claim:
        cases, shards = plan_ingestion(offer)
        with workers(compute) as runner:
            store_all.with_options(task_runner=runner)(offer, cases, shards, compute)
        Claims(files, INGEST).check(claim.number)
        return commit_cases(offer, cases)


@flow(name="store", flow_run_name="store the cases")
def store_all(
    offer: Offer, cases: dict[str, CaseFiles], shards: list[Shard], compute: ComputeSettings
) -> None:
    """Store the voxels of all cases, shard by shard; no shard may be missing."""
    work = patient(store_cases, compute)
    futures = [
        work.submit(shard, {name: cases[name] for name in shard.scan_ids}, offer)
        for shard in shards
    ]
    pace = StagePace(offer.workspace, shards, len(cases))
    for future in futures:
        pace.add(future.result())
    pace.end()
