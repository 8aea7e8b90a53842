"""Which offered cases become part of the dataset, and as what."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import polars as pl

from scalemai_core.records.annotation import Annotation, Origin
from scalemai_core.records.ingested import IngestedCase, StoredCase
from scalemai_core.records.rejection import Rejection
from scalemai_core.records.scan import GoldRole, Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.blocks import Blocks
from scalemai_core.store.catalog.catalog import commit_name
from scalemai_core.store.catalog.replace import AT_ONCE, replaced
from scalemai_core.store.catalog.rows import (
    Row,
    annotation_rows,
    annotations_of,
    finding_rows,
    first_annotations,
    scan_rows,
)
from scalemai_core.store.versions.adoption import adopt_labels
from scalemai_core.store.versions.roster import assign_folds, assign_gold
from scalemai_core.store.workspace import Workspace


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """The dataset's next state, and what is told about the rest."""

    base: DatasetVersion | None
    scans: pl.DataFrame
    annotations: Blocks
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
    fresh, repeated, rejections = _sort_out(store, offered, base, scans)
    origin = Origin.GOLD if gold else Origin.SOURCE
    adopted, candidates = _adopted(store, base, fresh, repeated, origin)
    changed = Blocks(lambda: _changed(fresh, adopted, origin))
    trusted = [case.scan.patient for case in (*fresh, *repeated)] if gold else []
    joined = pl.concat([scans, scan_rows(_in_folds(store, scans, fresh))])
    return Admission(
        base=base,
        scans=_with_gold(joined, trusted),
        annotations=changed if base is None else replaced(store.catalog, base, changed),
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
    commit = commit_name()
    for name, rows, schema in (
        ("findings", admission.findings, tables.FINDINGS),
        ("candidates", admission.candidates, tables.CANDIDATES),
    ):
        catalog.append(name, [{"commit": commit, **row} for row in rows], schema)
    return catalog.commit(
        base=admission.base,
        scans=admission.scans,
        annotations=admission.annotations,
        round_number=0,
        message=message,
        commit=commit,
    )


def _sort_out(
    store: Workspace,
    offered: Sequence[IngestedCase],
    base: DatasetVersion | None,
    scans: pl.DataFrame,
) -> tuple[list[StoredCase], list[StoredCase], list[Rejection]]:
    stored, seen_maps = set(scans["scan_id"]), _seen_maps(store, base)
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


def _seen_maps(store: Workspace, base: DatasetVersion | None) -> set[str]:
    """Label maps that versions of the workspace were ever offered or made of."""
    told = [("changes", "label_map_after"), ("candidates", "label_map")]
    seen = [
        store.catalog.standing(table, pl.Schema({name: pl.String}))[name] for table, name in told
    ]
    if base is not None:
        seen.append(store.catalog.annotations(base, columns=["label_map"])["label_map"])
    return {name for maps in seen for name in maps.unique()}


def _adopted(
    store: Workspace,
    base: DatasetVersion | None,
    fresh: Sequence[StoredCase],
    repeated: Sequence[StoredCase],
    origin: Origin,
) -> tuple[pl.DataFrame, list[Row]]:
    """Rows of the scans that got further labels, and what stands by; new scans may be offered twice
    at once."""
    cases: dict[str, list[StoredCase]] = {}
    for case in repeated:
        cases.setdefault(case.scan.scan_id, []).append(case)
    first = {case.scan.scan_id: case for case in fresh}
    frames, candidates = [pl.DataFrame(schema=tables.ANNOTATIONS)], list[Row]()
    scan_ids = sorted(cases)
    for start in range(0, len(scan_ids), AT_ONCE):
        some = scan_ids[start : start + AT_ONCE]
        before: dict[str, dict[str, Annotation]] = {scan_id: {} for scan_id in some}
        known = annotations_of(store.catalog.annotations(base, some)) if base else ()
        new = (_first(first[scan_id], origin) for scan_id in some if scan_id in first)
        for annotation in chain(known, *new):
            before[annotation.scan_id][annotation.structure] = annotation
        for scan_id in some:
            for case in cases[scan_id]:
                before[scan_id], more = adopt_labels(store, before[scan_id], case, origin)
                candidates += more
        frames.append(annotation_rows(one for own in before.values() for one in own.values()))
    return pl.concat(frames), candidates


def _changed(
    fresh: Sequence[StoredCase], adopted: pl.DataFrame, origin: Origin
) -> Iterator[pl.DataFrame]:
    """All rows of the scans that came in or got further labels, in the order of scans."""
    done = set(adopted["scan_id"])
    new = {case.scan.scan_id: case for case in fresh if case.scan.scan_id not in done}
    scan_ids = sorted(done | new.keys())
    for start in range(0, len(scan_ids), AT_ONCE):
        some = scan_ids[start : start + AT_ONCE]
        rows = annotation_rows(
            one for scan_id in some if scan_id in new for one in _first(new[scan_id], origin)
        )
        yield pl.concat([rows, adopted.filter(pl.col("scan_id").is_in(some))])


def _first(case: StoredCase, origin: Origin) -> Iterator[Annotation]:
    scan = case.scan
    return first_annotations(scan.scan_id, case.states, case.label_maps, origin, scan.source)


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
