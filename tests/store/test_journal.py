"""Journals: what happened stays, in order, and is never written over."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from scalemai_core.records.gold import Opening
from scalemai_core.store.workspace import Workspace


def opening(number: int, person: str = "ana") -> Opening:
    return Opening(
        opened=datetime(2026, 3, number, tzinfo=UTC), person=person, round=number,
        model=f"m{number}", dataset_version=number, patients=5, why="report",
    )  # fmt: skip


def test_entries_come_back_by_name_and_the_first_under_a_name_stays(tmp_path: Path) -> None:
    journal = Workspace.create(str(tmp_path / "ws")).gold_openings
    assert journal.read() == ()
    journal.append("00002-b", opening(2))
    journal.append("00001-a", opening(1))
    journal.append("00001-a", opening(1, person="ben"))
    assert journal.read() == (opening(1), opening(2))
