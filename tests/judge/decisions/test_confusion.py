"""Decisions against what was said before, and against truth and people."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest
from made_up_appraisals import appraised

from scalemai_core.judge.decisions.confusion import by_judgement, by_people, by_truth
from scalemai_core.records.decision import Candidate
from scalemai_core.records.review import Verdict


def decided(*rows: dict[str, object]) -> pl.DataFrame:
    """Appraised annotations with what was decided on them; scans are ``scan 000`` and so on."""
    actions = [row.pop("action", "keep") for row in rows]
    return appraised(*rows).with_columns(action=pl.Series(actions))


def scored(*rows: tuple[float | None, float | None]) -> pl.DataFrame:
    """Dice to the truth before and after; None where the mask was unknown."""
    return pl.DataFrame(
        {
            "scan_id": [f"scan {i:03d}" for i in range(len(rows))],
            "structure": "liver",
            "known_before": [before is not None for before, _ in rows],
            "known_after": [after is not None for _, after in rows],
            "dice_before": [before or 0.0 for before, _ in rows],
            "dice_after": [after or 0.0 for _, after in rows],
        },
        schema_overrides={"structure": pl.String},
    )


def verdict(number: int, choice: Candidate) -> Verdict:
    return Verdict(
        item_id=f"1-{number}",
        round=1,
        scan_id=f"scan {number:03d}",
        structure="liver",
        reader="reader",
        choice=choice,
        seconds=1.0,
        created=datetime.now(UTC),
    )


def test_what_was_said_is_counted_against_what_was_done_and_what_was_true() -> None:
    table = decided(
        {},
        {},
        {"quality_current": 0.1, "findings_current": "side", "action": "replace"},
        {"quality_current": 0.3, "action": "hold"},
        {"state": "unknown", "action": "impute"},
        {"gold": "fit"},
    )
    scores = scored((0.9, 0.9), (0.5, 0.5), (0.2, 0.9), (0.95, 0.95), (None, 0.9))
    rows = by_judgement(table, scores, keep_quality=0.5).to_dicts()
    told = [(r["said"], r["found"], r["masks"], r["compared"], r["wrong"]) for r in rows]
    assert told == [
        ("good", False, 2, 2, 1),
        ("doubtful", False, 1, 1, 0),
        ("doubtful", True, 1, 1, 1),
        ("unknown", False, 1, 0, 0),
    ]
    assert [r["quality"] for r in rows] == pytest.approx([0.95, 0.3, 0.1, None])
    assert [r["keep"] for r in rows] == [2, 0, 0, 0]
    assert [r["replace"] + r["hold"] + r["impute"] for r in rows] == [0, 1, 1, 1]


def test_without_a_truth_nothing_is_compared() -> None:
    (row,) = by_judgement(decided({}), pl.DataFrame(), keep_quality=0.5).to_dicts()
    assert (row["masks"], row["compared"], row["wrong"]) == (1, 0, 0)
    assert by_truth(decided({}), pl.DataFrame()).is_empty()


def test_actions_are_held_against_the_truth() -> None:
    table = decided(
        {"action": "keep"},
        {"action": "keep"},
        {"action": "keep"},
        {"action": "replace"},
        {"action": "replace"},
        {"action": "impute", "state": "unknown"},
        {"action": "keep", "state": "unknown"},
    )
    scores = scored(
        (0.9, 0.9), (0.5, 0.5), (0.9, 0.88), (0.3, 0.9), (0.9, 0.7), (None, 0.6), (None, None)
    )
    rows = {row.pop("action"): row for row in by_truth(table, scores).to_dicts()}
    keep, replace, impute = rows["keep"], rows["replace"], rows["impute"]
    assert (keep["masks"], keep["wrong_after"], keep["worse"]) == (3, 1, 0), "kept but wrong: one"
    assert (replace["better"], replace["worse"]) == (1, 1)
    assert (replace["wrong_before"], replace["wrong_after"]) == (1, 1)
    assert replace["dice_after"] == pytest.approx(0.8)
    assert impute == {
        "masks": 1, "wrong_before": None, "wrong_after": 1, "better": None, "worse": None,
        "dice_before": None, "dice_after": pytest.approx(0.6),
    }  # fmt: skip


def test_people_are_held_against_the_expert_by_the_reason_they_were_asked_for() -> None:
    reason = "no mask is surely good"
    table = decided(
        {"action": "review", "better": 0.9},
        {"action": "review", "better": 0.9},
        {"action": "review", "better": 0.2},
        {"action": "replace"},
        {"action": "replace"},
        {"action": "keep"},
        {"action": "review"},
    )
    items = pl.DataFrame(
        {
            "scan_id": [f"scan {i:03d}" for i in range(7)],
            "structure": ["liver"] * 7,
            "kind": ["choose"] * 3 + ["audit"] * 3 + ["choose"],
            "reason": [reason] * 3 + ["audit"] * 3 + [reason],
        }
    )
    said = (
        verdict(0, Candidate.PREDICTION),
        verdict(1, Candidate.CURRENT),
        verdict(2, Candidate.READER),
        verdict(3, Candidate.DECIDED),
        verdict(4, Candidate.CURRENT),
        verdict(5, Candidate.DECIDED),
    )
    rows = by_people(table, items, said).rows()
    assert rows[0] == ("choose", reason, 3, 1, 1, 1, 2, 1), "the last was never answered"
    assert rows[1:] == [
        ("audit", "replace", 2, 1, 1, 0, 2, 1),
        ("audit", "touched", 1, 0, 1, 0, 1, 1),
    ]


def test_where_nobody_answered_there_is_nothing_to_compare() -> None:
    items = pl.DataFrame(
        schema={
            "scan_id": pl.String,
            "structure": pl.String,
            "kind": pl.String,
            "reason": pl.String,
        }
    )
    assert by_people(decided({}), items, ()).is_empty()
