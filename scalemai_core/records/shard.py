"""A fixed list of scans handled by one task."""

from __future__ import annotations

from scalemai_core.records.base import Record


class Shard(Record):
    """One task's share of a stage."""

    round: int
    stage: str
    key: str
    """Identity of the stage's work: format version, settings that matter, identity of inputs."""
    index: int
    """0-based."""
    total: int
    scan_ids: tuple[str, ...]

    @property
    def title(self) -> str:
        """What a person reads in the UI: ``predict shard 2 of 8``."""
        return f"{self.stage} shard {self.index + 1} of {self.total}"


class ShardSummary(Record):
    """What a shard's task returns: counts, never arrays."""

    stage: str
    index: int
    num_scans: int
    num_failed: int = 0
    seconds: float = 0.0
