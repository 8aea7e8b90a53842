"""Ingestion: files become stored scans, label maps, and a dataset version."""

from __future__ import annotations

from prefect import flow

from scalemai_core.records.offer import Offer
from scalemai_core.records.version import DatasetVersion
from tasks.ingest import commit_cases, plan_ingestion, store_cases


@flow(name="ingest", flow_run_name="ingest into {offer.workspace}")
def ingest(offer: Offer) -> DatasetVersion | None:
    """Store every readable case, then commit them as one version; None if nothing new came in."""
    cases, shards = plan_ingestion(offer)
    futures = [
        store_cases.submit(shard, {name: cases[name] for name in shard.scan_ids}, offer)
        for shard in shards
    ]
    for future in futures:
        future.result()
    return commit_cases(offer, cases)
