"""Ingestion: files become stored scans, label maps, and a dataset version."""

from __future__ import annotations

from prefect import flow

from scalemai_core.intake.case import CaseFiles
from scalemai_core.records.offer import Offer
from scalemai_core.records.shard import Shard
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.engine import ComputeSettings
from tasks.ingest import commit_cases, plan_ingestion, store_cases
from tasks.runtime import workers


@flow(name="ingest", flow_run_name="ingest into {offer.workspace}")
def ingest(offer: Offer, compute: ComputeSettings) -> DatasetVersion | None:
    """Store every readable case, then commit them as one version; None if nothing new came in."""
    cases, shards = plan_ingestion(offer)
    with workers(compute) as runner:
        store_all.with_options(task_runner=runner)(offer, cases, shards)
    return commit_cases(offer, cases)


@flow(name="store", flow_run_name="store the cases")
def store_all(offer: Offer, cases: dict[str, CaseFiles], shards: list[Shard]) -> None:
    """Store the voxels of all cases, shard by shard."""
    futures = [
        store_cases.submit(shard, {name: cases[name] for name in shard.scan_ids}, offer)
        for shard in shards
    ]
    for future in futures:
        future.result()
