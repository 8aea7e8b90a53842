"""How far a stage of a round is, and how fast it goes."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from scalemai_core.records.base import Record


class Pace(Record):
    """``rounds/<n>/pace/<name>.json``: written while the stage runs, and when it ends."""

    stage: str
    """What a person reads: ``predict``, or ``training fold 0``."""
    unit: Literal["scans", "steps"] = "scans"
    total: int
    """Of the whole stage."""
    before: int = 0
    """Done when this run of the stage began."""
    done: int
    """Those done before included."""
    failed: int = 0
    """Scans that this run set aside."""
    shards: int = 0
    """Tasks that this run is cut into."""
    wall_seconds: float
    """Since this run of the stage began."""
    work_seconds: float
    """Of all workers that were busy with it together."""
    told: datetime

    @property
    def worked(self) -> int:
        """What this run has done."""
        return self.done - self.before

    @property
    def per_minute(self) -> float | None:
        """Units a minute of all workers together; None before the first."""
        return 60 * self.worked / self.wall_seconds if self.worked and self.wall_seconds else None

    @property
    def seconds_each(self) -> float | None:
        """Seconds of one worker for one unit; None before the first."""
        return self.work_seconds / self.worked if self.worked else None

    @property
    def seconds_left(self) -> float | None:
        """Wall seconds until the stage is done, at the pace so far; None before the first."""
        return self.wall_seconds * (self.total - self.done) / self.worked if self.worked else None

    @property
    def share(self) -> float:
        """What is done of the whole, 0 to 1."""
        return self.done / self.total if self.total else 1.0


def in_words(seconds: float | None) -> str:
    """A duration as people say it: ``45 s``, ``12 min``, ``3.5 h``, ``6.1 days``."""
    if seconds is None:
        return "-"
    for limit, size, unit in ((90, 1, "s"), (5400, 60, "min"), (36 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{seconds / size:.0f} {unit}" if size < 3600 else f"{seconds / size:.1f} {unit}"  # noqa: PLR2004 - an hour
    return f"{seconds / 86400:.1f} days"
