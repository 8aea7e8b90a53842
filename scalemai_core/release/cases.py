"""The cases of a dataset version under the names that their files carry."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scalemai_core.errors import UsageError
from scalemai_core.records.annotation import Annotation, State
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.scan import Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog.rows import annotations_of, scans_of
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

ANNOTATIONS = "annotations.csv"


@dataclass(frozen=True, slots=True)
class ReleasedCase:
    """A scan and all that is believed of it."""

    name: str
    scan: Scan
    annotations: tuple[Annotation, ...]

    def layers(self, store: Workspace) -> dict[Layer, LabelsZYX]:
        """The voxels of every layer; empty where nothing is labelled."""
        taxonomy = load_taxonomy()
        maps = {taxonomy[a.structure].layer: a.label_map for a in self.annotations if a.label_map}
        empty_zyx = np.zeros(self.scan.grid.shape_zyx, dtype=np.uint8)
        return {
            layer: store.labels.read(maps[layer]) if layer in maps else empty_zyx for layer in Layer
        }


def check_new(folder: Path) -> None:
    """Raise UsageError if the folder holds something already."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is not empty: give a new folder")


def released_cases(store: Workspace, version: DatasetVersion) -> tuple[ReleasedCase, ...]:
    """All cases of a version, by name."""
    scans = sorted(scans_of(store.catalog.scans(version)), key=lambda scan: scan.case)
    names = _file_names(scans)
    by_scan: dict[str, list[Annotation]] = {scan.scan_id: [] for scan in scans}
    for annotation in annotations_of(store.catalog.annotations(version)):
        by_scan[annotation.scan_id].append(annotation)
    return tuple(
        ReleasedCase(names[scan.scan_id], scan, tuple(by_scan[scan.scan_id])) for scan in scans
    )


def write_annotations(folder: Path, cases: Iterable[ReleasedCase]) -> None:
    """``annotations.csv`` tells unknown from absent, which label maps cannot."""
    with (folder / ANNOTATIONS).open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["case", "structure", "state", "weight", "origin", "origin_name", "reason"])
        for case in cases:
            for a in case.annotations:
                known = a.state is not State.UNKNOWN
                row = [a.weight if known else "", a.origin, a.origin_name, a.reason]
                writer.writerow([case.name, a.structure, a.state, *row])


def _file_names(scans: Sequence[Scan]) -> dict[str, str]:
    """Case names; with their source in front where two sources use the same."""
    times = Counter(scan.case for scan in scans)
    return {
        scan.scan_id: scan.case if times[scan.case] == 1 else f"{scan.source}_{scan.case}"
        for scan in scans
    }
