"""The cases of a dataset version under the names that their files carry."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
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
AT_ONCE = 1000
"""Scans whose annotations are read together."""


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


class ReleasedCases(Iterable[ReleasedCase]):
    """All cases of a version, by name; may be gone through again and again.

    The annotations of some at a time are in memory: of 47,315 scans there are four million.
    """

    def __init__(self, store: Workspace, version: DatasetVersion) -> None:
        self._catalog, self._version = store.catalog, version
        scans = scans_of(store.catalog.scans(version))
        self._scans = sorted(scans, key=lambda scan: (scan.case, scan.scan_id))
        self._names = _file_names(self._scans)

    def __len__(self) -> int:
        return len(self._scans)

    def __iter__(self) -> Iterator[ReleasedCase]:
        for start in range(0, len(self._scans), AT_ONCE):
            some = self._scans[start : start + AT_ONCE]
            by_scan: dict[str, list[Annotation]] = {scan.scan_id: [] for scan in some}
            rows = self._catalog.annotations(self._version, tuple(by_scan))
            for annotation in annotations_of(rows):
                by_scan[annotation.scan_id].append(annotation)
            for scan in some:
                name = self._names[scan.scan_id]
                yield ReleasedCase(name, scan, tuple(by_scan[scan.scan_id]))


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
