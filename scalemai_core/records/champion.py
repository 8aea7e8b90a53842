"""Who made a model version the one that consumers get, and why."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from scalemai_core.records.base import Record


class Appointment(Record):
    """``champions/<time>.json``: the alias ``champion`` moved; never changed afterwards."""

    version: int
    key: str
    """Folder of the model under ``models/``."""
    before: int | None
    """The version that had been champion."""
    by: Literal["round", "person"]
    person: str
    """Account that ran the round or the command."""
    round: int
    """The newest round by then, finished or not."""
    reason: str
    moved: datetime
