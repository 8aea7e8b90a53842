"""Ingestion: offered files become stored scans and label maps, then one dataset version."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.errors import RejectedInput, UsageError
from scalemai_core.intake.case import CaseFiles, IntakeCase
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.records.ingested import IngestedCase, StoredCase
from scalemai_core.records.offer import Offer
from scalemai_core.records.rejection import Rejection
from scalemai_core.records.scan import Scan
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.documents.ledger import step_key
from scalemai_core.store.versions.admission import admit, publish_admission
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.label_names import LabelNames
from tasks.shards import Rows, plan_shards, run_shard

log = logging.getLogger("scalemai.ingest")

STAGE = "ingest"


@task(task_run_name="list the cases", cache_policy=NO_CACHE)
def plan_ingestion(offer: Offer) -> tuple[dict[str, CaseFiles], list[Shard]]:
    """All cases of all sources by a name of their own, and the shards not yet stored."""
    _label_names(offer)  # a wrong map is told before anything is read
    cases: dict[str, CaseFiles] = {}
    for name in offer.sources:
        source = open_source(name)
        for files in source.cases:
            case_name = f"{source.name}/{files.case}"
            if case_name in cases:
                raise UsageError(
                    f"two cases are called {case_name}: {cases[case_name].path} and {files.path}; "
                    "rename one, or ingest them one after the other"
                )
            cases[case_name] = files
    store = Workspace.create(offer.workspace)
    store.check_patient_key()
    shards = plan_shards(
        store,
        round_number=0,
        stage=STAGE,
        key=ingestion_key(offer, cases),
        scan_ids=sorted(cases),
        size=offer.shard_size,
    )
    return cases, shards


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def store_cases(shard: Shard, cases: dict[str, CaseFiles], offer: Offer) -> ShardSummary:
    """Read, check and store a shard of cases; a bad one becomes a row with its reason."""
    store = Workspace.open(offer.workspace)
    store.check_patient_key()  # of this process: a worker elsewhere may have been given none
    names = _label_names(offer)

    def work(case_name: str) -> Rows:
        ingested = store_case(store, cases[case_name], names)
        return [{"scan_id": case_name, "ingested": ingested.model_dump_json()}]

    return run_shard(store, shard, work)


def ingestion_key(offer: Offer, cases: dict[str, CaseFiles]) -> str:
    """Identity of an ingestion: what was offered, the state of the files when it was, and what is
    said of them: patients, codes, and the names of labels.

    Offering the same again after any of it changed is another ingestion.
    """
    offered = [
        (name, files.model_dump_json(), [_stamp(path) for path in files.paths])
        for name, files in sorted(cases.items())
    ]
    names = _label_names(offer)
    return step_key(names=names and names.model_dump_json(), gold=offer.gold, cases=offered)


def _stamp(path: Path) -> tuple[int, int, bool]:
    """A file that may be read by now is offered anew, though nobody wrote it."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns, os.access(path, os.R_OK)


def _label_names(offer: Offer) -> LabelNames | None:
    return LabelNames.load(offer.labels_from) if offer.labels_from is not None else None


def store_case(store: Workspace, files: CaseFiles, names: LabelNames | None) -> IngestedCase:
    """Store one case's voxels; nothing of it is visible before the version is committed."""
    try:
        case = read_case(files, names)
    except RejectedInput as error:
        rejection = Rejection(
            source=files.source,
            path=str(files.path),
            reason=error.reason,
            message=str(error),
            remedy=error.remedy,
        )
        return IngestedCase(case=files.case, rejection=rejection)
    return IngestedCase(case=files.case, stored=_stored(store, case))


def _stored(store: Workspace, case: IntakeCase) -> StoredCase:
    own = {"source_axes": case.source_axes, "source_affine": case.source_affine}
    scan_id = store.scans.write(case.image_zyx, case.grid, own)
    info = case.info.model_dump(exclude={"patient"})
    scan = Scan(
        scan_id=scan_id,
        patient=store.patient_hash(case.info.patient) if case.info.patient else scan_id,
        case=case.case,
        source=case.source,
        grid=case.grid,
        source_axes=case.source_axes,
        source_affine=case.source_affine,
        fold=0,
        **info,
    )
    label_maps = {
        layer: store.labels.write(labels_zyx, scan_id, layer, case.grid)
        for layer, labels_zyx in case.labels.items()
    }
    return StoredCase(
        scan=scan, label_maps=label_maps, states=dict(case.states), findings=tuple(case.findings)
    )


@task(task_run_name="commit the ingested cases", cache_policy=NO_CACHE)
def commit_cases(offer: Offer, cases: dict[str, CaseFiles]) -> DatasetVersion | None:
    """One dataset version out of all stored cases; None if nothing new came in."""
    store = Workspace.open(offer.workspace)
    key = ingestion_key(offer, cases)
    message = f"ingestion {key}"
    if any(version.message == message for version in store.catalog.versions()):
        log.info("the same files were ingested before: nothing to do")
        return None
    offered = [_ingested(row, cases) for row in store.ledger(0, STAGE, key).rows().to_dicts()]
    admission = admit(store, sorted(offered, key=lambda case: case.case), gold=offer.gold)
    for rejection in admission.rejections:
        log.warning("rejected: %s (%s)", rejection.message, rejection.remedy)
    return publish_admission(store, admission, message)


def _ingested(row: Mapping[str, Any], cases: Mapping[str, CaseFiles]) -> IngestedCase:
    """What became of a case; one that failed for a reason that no reader knows is rejected too."""
    if row.get("ingested") is not None:
        return IngestedCase.model_validate_json(row["ingested"])
    files = cases[row["scan_id"]]
    rejection = Rejection(
        source=files.source,
        path=str(files.path),
        reason="failed",
        message=f"{files.path} could not be taken in: {row['error']}",
        remedy="put the cause right, 'touch' the file, and ingest it again",
    )
    return IngestedCase(case=files.case, rejection=rejection)
