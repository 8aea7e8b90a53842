"""An input that could not be taken, with its reason."""

from __future__ import annotations

from scalemai_core.records.base import Record


class Rejection(Record):
    """A row of ``scalemai status``: nothing that was offered is lost without a trace."""

    source: str
    path: str
    reason: str
    """Machine-readable kind, e.g. ``truncated_file``."""
    message: str
    remedy: str
