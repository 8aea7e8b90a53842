"""What somebody wants ingested."""

from __future__ import annotations

from scalemai_core.records.base import Record


class Offer(Record):
    """Sources offered to a workspace."""

    workspace: str
    """URL."""
    sources: tuple[str, ...]
    """Folders and files."""
    labels_from: str | None = None
    """Map of label names; None matches the taxonomy's names and aliases."""
    gold: bool = False
    """Whether the labels are trusted: the patients are spread over the gold roles."""
    shard_size: int = 16
    """Cases a task handles."""
