"""A round's numbers: audits, what people saw, and labels against the truth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

import polars as pl
import pytest
from made_up_appraisals import CONVICTED, appraised

from scalemai_core.judge.decisions.decide import decide
from scalemai_core.judge.decisions.tally import (
    automatic,
    by_rule,
    by_structure,
    count_rules,
    score_truth,
)
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.review import Verdict
from scalemai_core.settings.judgement import DecideSettings, ExpertSettings


def verdict(scan_id: str, choice: Candidate) -> Verdict:
    return Verdict(
        item_id=f"1-{scan_id}-liver",
        round=1,
        scan_id=scan_id,
        structure="liver",
        reader="reader",
        choice=choice,
        seconds=1.0,
        created=datetime.now(UTC),
    )


def decisions(*actions: str) -> pl.DataFrame:
    rows = [(f"s{i}", "liver", action) for i, action in enumerate(actions)]
    return pl.DataFrame(rows, schema=["scan_id", "structure", "action"], orient="row")


def scored(*rows: tuple[float, float], **more: Sequence[bool]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=["dice_before", "dice_after"], orient="row")
    facts = {"known_before": True, "known_after": True, "held": False}
    columns = {
        name: pl.Series(more.get(name, [value] * len(rows))) for name, value in facts.items()
    }
    names = [f"s{i}" for i in range(len(rows))]
    return frame.with_columns(scan_id=pl.Series(names), structure=pl.lit("liver"), **columns)


def test_automatic_is_what_no_person_saw() -> None:
    table = decisions("replace", "impute", "set_absent", "keep", "hold", "replace")
    left = automatic(table, [verdict("s0", Candidate.CURRENT)])
    assert left["scan_id"].to_list() == ["s1", "s2", "s5"]
    assert automatic(table, []).height == 4


def test_label_quality_before_and_after() -> None:
    scores = scored((0.5, 0.9), (0.9, 0.7), (0.9, 0.9), (0.6, 0.6), held=[False] * 3 + [True])
    truth = score_truth(scores, [verdict("s0", Candidate.READER)])
    assert truth is not None
    assert (truth.masks, truth.faulty, truth.corrected) == (4, 2, 1)
    assert (truth.made_worse, truth.held) == (1, 1)
    assert truth.mean_dice_before == pytest.approx(0.725)
    assert truth.mean_dice_after == pytest.approx(0.775)
    assert truth.mean_dice_automatic == pytest.approx(0.675), "without the reader's work"
    assert truth.under_80_before == pytest.approx(0.5)
    assert truth.under_80_after == pytest.approx(0.5)


def test_a_person_who_makes_a_mask_worse_is_no_automatic_error() -> None:
    truth = score_truth(scored((0.9, 0.1)), [verdict("s0", Candidate.READER)])
    assert truth is not None
    assert truth.made_worse == 0


def test_masks_that_were_unknown_before_do_not_count_before() -> None:
    truth = score_truth(scored((0.0, 0.9), (0.8, 0.8), known_before=[False, True]), [])
    assert truth is not None
    assert truth.masks == 1


def test_without_scores_there_is_no_truth() -> None:
    assert score_truth(pl.DataFrame(), []) is None


def test_the_table_of_structures_counts_every_action_and_leaves_gold_out() -> None:
    usual = [{"dice": 0.9 + 0.001 * i} for i in range(20)]
    gold = [{"gold": "fit", "origin": "gold"}] * 4
    table = appraised(*usual, *gold, CONVICTED)
    decided = decide(table, DecideSettings(), ExpertSettings(), out_of_fold=True)
    (row,) = by_structure(decided, pl.DataFrame()).to_dicts()
    assert row["masks"] == 21
    assert sum(row[action.value] for action in Action) == 21
    assert row["truth_before"] is None
    assert row["quality"] == pytest.approx((20 * 0.95 + 0.01) / 21)


def test_findings_are_counted_by_rule_with_an_example() -> None:
    frame = appraised(
        {"scan_id": "a", "findings_current": "side,volume", "message": "on the wrong side"},
        {"scan_id": "b", "findings_current": "side", "quality_current": 0.2},
        {"scan_id": "c", "findings_current": "side", "gold": "fit", "origin": "gold"},
    )
    scores = scored((0.4, 0.4)).with_columns(scan_id=pl.lit("b"))
    found = by_rule(frame, scores, keep_quality=0.5).drop("example")
    assert found.columns == ["rule", "findings", "masks", "doubtful", "compared", "wrong"]
    assert found.rows() == [("side", 2, 2, 1, 1, 1), ("volume", 1, 1, 0, 0, 0)]
    assert by_rule(frame, scores, keep_quality=0.5)["example"][0] == "on the wrong side"
    assert count_rules(frame) == {"side": 2, "volume": 1}


def test_a_rule_that_bites_twice_on_a_mask_has_two_findings_on_one_mask() -> None:
    frame = appraised(
        {"scan_id": "b", "findings_current": "hu,hu,side", "message": "later"},
        {"scan_id": "a", "findings_current": "hu,side", "message": "first"},
    )
    found = by_rule(frame, pl.DataFrame(), keep_quality=0.5)
    assert found.select("rule", "findings", "masks").rows() == [("hu", 3, 2), ("side", 2, 2)]
    assert found["example"].to_list() == ["first", "first"]
