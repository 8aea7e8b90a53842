"""Immutable, numbered states of the dataset and of the model."""

from __future__ import annotations

from datetime import datetime

from scalemai_core.records.base import Record


class DatasetVersion(Record):
    """One row of ``catalog/versions``: it names the Delta versions that make up this state."""

    number: int
    round: int
    """The round that made it; 0 for ingestion."""
    scans_delta: int
    annotations_delta: int
    scans: int
    annotations: int
    """Annotations whose state is known."""
    changed: int
    """Annotations that differ from the version before."""
    digest: str
    """Hash of the content: equal digests mean equal scans and annotations."""
    message: str
    created: datetime


class ModelVersion(Record):
    """A registered ensemble of fold models."""

    version: int
    key: str
    """Folder under ``models/``."""
    round: int
    dataset_version: int
    aliases: tuple[str, ...] = ()
