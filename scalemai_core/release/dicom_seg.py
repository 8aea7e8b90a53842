"""A dataset version as DICOM: a derived CT series a scan, and a segmentation object a layer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from scalemai_core.dicom.series import slice_files
from scalemai_core.dicom.writing import MadeBy, SegmentNote, write_segmentation
from scalemai_core.errors import UsageError
from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.review import Verdict
from scalemai_core.records.scan import Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.release.cases import ReleasedCase, ReleasedCases, check_new, write_annotations
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy


def export_dicom_seg(store: Workspace, version: DatasetVersion, folder: Path) -> int:
    """Write a folder a case: CT slices, ``seg_<layer>.dcm`` for each layer of which anything is
    known, and ``annotations.csv`` beside them.

    Segment numbers are the ids of the structures; an absent structure has a segment without
    voxels, an unknown one has none. Returns the number of cases. Raises UsageError if the folder
    holds something already, or where a scan's grid is sheared.
    """
    check_new(folder)
    cases = ReleasedCases(store, version)
    folder.mkdir(parents=True, exist_ok=True)
    for case in cases:
        _write_case(store, case, folder / case.name, f"version {version.number}")
    write_annotations(folder, cases)
    return len(cases)


def export_verdict(store: Workspace, verdict: Verdict, scan: Scan, path: Path) -> None:
    """Write the mask that a reader chose, on the same derived series as an exported version.

    Raises UsageError for an answer without a mask of its own.
    """
    structure = load_taxonomy()[verdict.structure]
    if verdict.label_map is None:
        raise UsageError(
            f"the answer to {verdict.item_id} holds no mask of its own: nothing to write"
        )
    labels_zyx = store.labels.read(verdict.label_map)
    members = load_taxonomy().member_ids(structure.name)
    own_zyx = np.where(np.isin(labels_zyx, members), labels_zyx, np.uint8(0))
    by_id = load_taxonomy().by_id
    there = {by_id(int(one)).name for one in np.unique(own_zyx) if one} | {structure.name}
    notes = [SegmentNote(name, MadeBy.MANUAL) for name in there]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_segmentation(own_zyx, notes, scan, f"verdict {verdict.item_id}").save_as(path)


def _write_case(store: Workspace, case: ReleasedCase, folder: Path, version: str) -> None:
    folder.mkdir(parents=True)
    for index, file in enumerate(slice_files(case.scan, store.scans.read(case.scan.scan_id))):
        file.save_as(folder / f"ct_{index:04d}.dcm", enforce_file_format=True)
    for layer, labels_zyx in case.layers(store).items():
        notes = _notes(case.annotations, layer, labels_zyx)
        if notes:
            title = f"{layer.value} {version}"
            segmentation = write_segmentation(labels_zyx, notes, case.scan, title)
            segmentation.save_as(folder / f"seg_{layer.value}.dcm")


def _notes(
    annotations: tuple[Annotation, ...], layer: Layer, labels_zyx: LabelsZYX
) -> list[SegmentNote]:
    """What is known of a layer, and whatever else holds a voxel."""
    taxonomy = load_taxonomy()
    known = {
        a.structure: MadeBy.MANUAL if a.origin in _BY_HAND else MadeBy.SEMIAUTOMATIC
        for a in annotations
        if a.state is not State.UNKNOWN and taxonomy[a.structure].layer is layer
    }
    held = {taxonomy.by_id(int(one)).name for one in np.unique(labels_zyx) if one}
    unknown = held - known.keys()
    return [SegmentNote(*note) for note in known.items()] + [SegmentNote(name) for name in unknown]


_BY_HAND = (Origin.HUMAN, Origin.GOLD)
