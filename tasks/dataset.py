"""One dataset version as a worker sees it: read once, kept while the worker lives."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import polars as pl

from scalemai_core.records.annotation import Annotation, State
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.model import ModelDocument, model_path
from scalemai_core.records.scan import Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.arrays.stored_array import StoredArray
from scalemai_core.store.catalog.rows import annotations_of, scans_of
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy


@dataclass(frozen=True)
class LabelledScan:
    """A scan and all that is believed of it.

    Annotations become records where somebody asks for those: most stages need a column or two.
    """

    scan: Scan
    rows: pl.DataFrame
    """The catalog's, one a structure."""

    @cached_property
    def annotations(self) -> dict[str, Annotation]:
        """The annotation of each structure."""
        return {annotation.structure: annotation for annotation in annotations_of(self.rows)}

    @cached_property
    def label_maps(self) -> dict[Layer, str]:
        """The current label map of every layer that has one."""
        taxonomy = load_taxonomy()
        named = self.told("structure", "label_map")
        return {taxonomy[name].layer: label_map for name, label_map in named if label_map}

    @cached_property
    def states(self) -> dict[str, State]:
        """What is known of each structure."""
        return {name: State(state) for name, state in self.told("structure", "state")}

    def told(self, *columns: str) -> Iterator[tuple[Any, ...]]:
        """Some of what the catalog says, a structure after the other."""
        return zip(*(self.rows[column].to_list() for column in columns), strict=True)

    def labels(self, store: Workspace) -> dict[Layer, LabelsZYX]:
        """The voxels of those label maps."""
        return {layer: store.labels.read(name) for layer, name in self.label_maps.items()}

    def stored_labels(self, store: Workspace) -> dict[Layer, StoredArray]:
        """The same, read where they are sliced."""
        return {layer: store.labels.array(name) for layer, name in self.label_maps.items()}


def dataset(workspace: str, version: DatasetVersion) -> dict[str, Scan]:
    """The scans of a version by id."""
    return _scans(workspace, version.number, version.digest)


@lru_cache(maxsize=4)
def _scans(workspace: str, number: int, _digest: str) -> dict[str, Scan]:
    """By the digest too: a workspace may be made anew where another was."""
    catalog = Workspace.open(workspace).catalog
    return {scan.scan_id: scan for scan in scans_of(catalog.scans(catalog.version(number)))}


def labelled_scans(
    workspace: str, version: DatasetVersion, scan_ids: tuple[str, ...]
) -> dict[str, LabelledScan]:
    """A shard's scans with their annotations."""
    catalog = Workspace.open(workspace).catalog
    scans = dataset(workspace, version)
    rows = catalog.annotations(version, scan_ids)
    by_scan = rows.partition_by("scan_id", as_dict=True)
    return {
        scan_id: LabelledScan(scans[scan_id], by_scan.get((scan_id,), rows.clear()))
        for scan_id in scan_ids
    }


def model_before(store: Workspace, model: ModelDocument) -> ModelDocument | None:
    """The newest stored model of an older dataset version, if there is one.

    A training that was given up leaves a folder without a document.
    """
    keys = (key for key in store.files.names("models") if store.files.exists(model_path(key)))
    documents = (model_document(store, key) for key in keys)
    older = [d for d in documents if d.dataset_version < model.dataset_version]
    return max(older, key=lambda d: (d.dataset_version, d.key), default=None)


def model_document(store: Workspace, key: str) -> ModelDocument:
    """The document of a stored model."""
    return ModelDocument.model_validate_json(store.files.read_bytes(model_path(key)))
