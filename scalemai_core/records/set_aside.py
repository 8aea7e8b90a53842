"""Scans that a stage of a round could not work, and why."""

from __future__ import annotations

from scalemai_core.records.base import Record


class SetAside(Record):
    """``rounds/<n>/set-aside/<stage>-<key>-<part>.json``: one document a shard with failures."""

    stage: str
    reasons: dict[str, str]
    """Scan -> why."""
    whole_shard: bool = False
    """The shard's task kept failing, or its workers kept dying; else scans failed one by one."""
