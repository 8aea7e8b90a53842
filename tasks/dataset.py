"""One dataset version as a worker sees it: read once, kept while the worker lives."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from scalemai_core.records.annotation import Annotation, State
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.model import ModelDocument, model_path
from scalemai_core.records.scan import Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.arrays.stored_array import StoredArray
from scalemai_core.store.catalog.rows import annotations_of, scans_of
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy


@dataclass(frozen=True, slots=True)
class LabelledScan:
    """A scan and all that is believed of it."""

    scan: Scan
    annotations: dict[str, Annotation]

    @property
    def label_maps(self) -> dict[Layer, str]:
        """The current label map of every layer that has one."""
        taxonomy = load_taxonomy()
        return {
            taxonomy[name].layer: annotation.label_map
            for name, annotation in self.annotations.items()
            if annotation.label_map
        }

    @property
    def states(self) -> dict[str, State]:
        """What is known of each structure."""
        return {name: annotation.state for name, annotation in self.annotations.items()}

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
    found: dict[str, LabelledScan] = {
        scan_id: LabelledScan(scans[scan_id], {}) for scan_id in scan_ids
    }
    for annotation in annotations_of(catalog.annotations(version, scan_ids)):
        found[annotation.scan_id].annotations[annotation.structure] = annotation
    return found


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
