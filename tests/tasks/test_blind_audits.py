"""An audit looks like the questions around it."""

from __future__ import annotations

import polars as pl

from scalemai_core.settings.review import ReviewSettings
from tasks.audit import SAID, alike

SETTINGS = ReviewSettings()


def test_audits_take_priority_reason_and_seconds_from_questions_all_over_the_queue() -> None:
    posed = pl.DataFrame(
        {
            "scan_id": [f"scan {n}" for n in range(10)],
            "priority": [1.0 - n / 10 for n in range(10)],
            "reason": [f"reason {n}" for n in range(10)],
            "seconds": [5.0] * 10,
        }
    )
    found = alike(posed, 3, SETTINGS)
    assert found["reason"].to_list() == ["reason 0", "reason 3", "reason 6"]
    assert set(found["priority"]) < set(posed["priority"])
    assert found.columns == ["priority", "reason", "seconds"]


def test_without_questions_audits_look_alike() -> None:
    nothing = pl.DataFrame(schema={"priority": pl.Float64, "reason": pl.String, "seconds": pl.Int8})
    assert alike(nothing, 2, SETTINGS)["reason"].to_list() == [SAID, SAID]
    assert alike(nothing, 0, SETTINGS).is_empty()
