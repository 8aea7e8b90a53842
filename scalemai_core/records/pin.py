"""What is to become of a dataset version: kept for ever, or given up."""

from __future__ import annotations

from datetime import datetime

from scalemai_core.records.base import Record


class Pin(Record):
    """``pins/<number>.json``: this dataset version stays, whatever ``scalemai gc`` is told."""

    number: int
    name: str
    """Why, in a word: ``paper``; may be empty."""
    person: str
    pinned: datetime


class DroppedVersion(Record):
    """``dropped/<number>.json``: the state of this version is not kept any more.

    Written before anything of it is removed; its row in ``versions`` and its changes stay.
    """

    number: int
    person: str
    dropped: datetime
