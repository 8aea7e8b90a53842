"""Who works on a workspace, so that nobody else does."""

from __future__ import annotations

from datetime import datetime

from scalemai_core.records.base import Record


class Claim(Record):
    """``claims/<what>/<number>.json``: the highest number holds, until it expires or is released.

    Nobody but its holder writes it again, to put ``expires`` off; another takes over by making the
    next number, which only one of many can.
    """

    number: int
    """Grows with every claim: who holds a lower one than there is has lost it."""
    token: str
    """Random; no two claims have the same."""
    what: str
    """``round`` or ``ingest``."""
    holder: str
    """What it is for: ``round 3``."""
    person: str
    host: str
    pid: int
    machine: str | None
    """Names the running kernel and its space of process numbers; None where it has no name."""
    started: datetime
    expires: datetime
    """By the holder's clock."""
    released: bool = False
    """The holder has ended, or somebody has taken it from them."""
