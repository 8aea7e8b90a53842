"""Which offered cases become part of the dataset, and as what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from scalemai_core.records.annotation import Origin
from scalemai_core.records.ingested import IngestedCase, StoredCase
from scalemai_core.records.rejection import Rejection
from scalemai_core.records.scan import GoldRole, Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store import tables
from scalemai_core.store.adoption import adopt_labels
from scalemai_core.store.roster import assign_folds, assign_gold
from scalemai_core.store.rows import (
    Row,
    annotation_rows,
    finding_rows,
    first_annotations,
    scan_rows,
)
from scalemai_core.store.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The dataset's next state, and what is told about the rest."""

    base: DatasetVersion | None
    scans: pl.DataFrame
    annotations: pl.DataFrame
    candidates: list[Row]
    findings: list[Row]
    rejections: tuple[Rejection, ...]
    admitted: int
    """Cases that brought a new scan or new labels."""


def admit(store: Workspace, offered: Sequence[IngestedCase], *, gold: bool) -> Admission:
    """New scans join; labels for stored scans fill what is unknown there or stand by as candidates.

    A stored scan offered again without anything new is rejected as a duplicate. Gold labels are
    trusted, and their patients get a gold role.
    """
    base = store.catalog.latest()
    scans = store.catalog.scans(base) if base else pl.DataFrame(schema=tables.SCANS)
    known = store.catalog.annotations(base) if base else pl.DataFrame(schema=tables.ANNOTATIONS)
    fresh, repeated, rejections = _sort_out(store, offered, scans, known)
    origin = Origin.GOLD if gold else Origin.SOURCE
    rows = [known, *(_first_rows(case, origin) for case in fresh)]
    annotations, candidates = adopt_labels(store, pl.concat(rows), repeated, origin)
    trusted = [case.scan.patient for case in (*fresh, *repeated)] if gold else []
    joined = pl.concat([scans, scan_rows(_in_folds(store, scans, fresh))])
    return Admission(
        base=base,
        scans=_with_gold(joined, trusted),
        annotations=annotations,
        candidates=candidates,
        findings=[
            row
            for case in (*fresh, *repeated)
            for row in finding_rows(case.scan.scan_id, case.scan.case, case.findings)
        ],
        rejections=tuple(rejections),
        admitted=len(fresh) + len(repeated),
    )


def publish_admission(
    store: Workspace, admission: Admission, message: str
) -> DatasetVersion | None:
    """Store the side tables, then the version that makes it all visible; None if nothing is new."""
    catalog = store.catalog
    rejected = [rejection.model_dump() for rejection in admission.rejections]
    catalog.append("rejections", rejected, tables.REJECTIONS)
    if not admission.admitted:
        return None
    catalog.append("findings", admission.findings, tables.FINDINGS)
    catalog.append("candidates", admission.candidates, tables.CANDIDATES)
    return catalog.commit(
        base=admission.base,
        scans=admission.scans,
        annotations=admission.annotations,
        round_number=0,
        message=message,
    )


def _sort_out(
    store: Workspace, offered: Sequence[IngestedCase], scans: pl.DataFrame, known: pl.DataFrame
) -> tuple[list[StoredCase], list[StoredCase], list[Rejection]]:
    stored = set(scans["scan_id"])
    candidates = store.catalog.table("candidates", tables.CANDIDATES)
    changes = store.catalog.table("changes", tables.CHANGES)
    seen_maps = {*known["label_map"], *changes["label_map_after"], *candidates["label_map"]}
    fresh: list[StoredCase] = []
    repeated: list[StoredCase] = []
    rejections: list[Rejection] = []
    for case in offered:
        if case.rejection is not None:
            rejections.append(case.rejection)
        if case.stored is None:
            continue
        scan = case.stored.scan
        maps = set(case.stored.label_maps.values())
        if scan.scan_id not in stored:
            fresh.append(case.stored)
        elif maps - seen_maps:
            repeated.append(case.stored)
        else:
            rejections.append(_duplicate(scan))
        stored.add(scan.scan_id)
        seen_maps |= maps
    return fresh, repeated, rejections


def _first_rows(case: StoredCase, origin: Origin) -> pl.DataFrame:
    scan = case.scan
    return annotation_rows(
        first_annotations(scan.scan_id, case.states, case.label_maps, origin, scan.source)
    )


def _duplicate(scan: Scan) -> Rejection:
    return Rejection(
        source=scan.source,
        path=scan.case,
        reason="duplicate_scan",
        message=f"{scan.case}: the same voxels are stored already as scan {scan.scan_id}",
        remedy="nothing to do; offer it with other labels to add those to the stored scan",
    )


def _in_folds(store: Workspace, scans: pl.DataFrame, fresh: Sequence[StoredCase]) -> list[Scan]:
    known = dict(scans.select("patient", "fold").iter_rows())
    new = [case.scan for case in fresh]
    folds = assign_folds([scan.patient for scan in new], known, store.document.folds)
    return [scan.model_copy(update={"fold": folds[scan.patient]}) for scan in new]


def _with_gold(scans: pl.DataFrame, trusted: Sequence[str]) -> pl.DataFrame:
    """Give trusted patients their role, in all their scans, later ones too: gold never trains."""
    known = {
        patient: GoldRole(role)
        for patient, role in scans.select("patient", "gold").iter_rows()
        if role
    }
    roles = {patient: role.value for patient, role in assign_gold(trusted, known).items()}
    role = pl.col("patient").replace_strict(roles, default=None, return_dtype=pl.String)
    return scans.with_columns(gold=role)
