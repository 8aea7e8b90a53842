"""One judgement in words: every number is told with what is usual and what was needed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from made_up_judgements import USUAL, make_explanation, make_row
from made_up_rounds import EXPERT

from scalemai_core.page.draw.number import millilitres, probability, span
from scalemai_core.page.judgement.doubts import COLUMNS, doubtful_first
from scalemai_core.page.judgement.history import (
    Happening,
    Step,
    answered,
    changed,
    decided,
    standing,
)
from scalemai_core.page.judgement.page import judgement_page
from scalemai_core.page.judgement.usual import Usual, usual_dice, usual_height, usual_volume
from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.review import ItemKind, Verdict


def page(row: dict[str, Any] | None = None, **changes: Any) -> str:
    return judgement_page(make_explanation(row, **changes)).replace("\u00a0", " ")


def test_the_page_says_what_was_decided_of_what_and_why() -> None:
    lines = page().splitlines()
    assert lines[0] == "# Liver of case_0023, round 2"
    assert lines[2] == "**Replaced by the prediction: another mask is surely better, and good.**"


@pytest.mark.parametrize(
    "words",
    [
        "from the source 'population'",
        "holds 1,032 ml, less than usual in this population (1,394 to 1,614 ml)",
        "It lies in 2 pieces, 12.0 % of it outside the largest.",
        "holds 1,512 ml, usual in this population",
        "agree with Dice 0.710, less than usual (0.89 to 0.97)",
        "87.5 % of the current mask lies in the prediction",
        "6.2 mm apart in the mean, 31.0 mm where they differ most",
        "- on the current mask: 12% of liver lies apart from its largest piece",
        "- on the prediction: none",
        "*pieces* can be innocent: accessory spleen",
        "0.64 (\u00b1 0.11) for the current mask and 0.93 (\u00b1 0.02) for the prediction",
        "is good (Dice 0.80 or more) with probability 4 %, the prediction with 99 %",
        "the better one with probability 97 % (75 % is needed)",
        "should gain +0.29 Dice (+0.05 is needed)",
        "**It may act** on the kind 'organ': tried on 11 trusted patients",
        "| volume | 1,032 ml \u2193 | 1,512 ml | 1,394 to 1,614 ml |",
        "| mean density | 88 HU \u2193 | 104 HU | 95.0 to 115 HU |",
        "| height | 130 mm | 160 mm | \u2013 |",
        "- Now (dataset version 3): present",
    ],
)
def test_the_page_tells(words: str) -> None:
    assert words in page()


def test_nothing_missing_is_written_as_none_or_nan() -> None:
    empty = dict.fromkeys(
        ("dice", "surface_mm", "hd95_mm", "mean_hu_current", "height_mm_current", "crumbs_current")
    )
    rows = (
        make_row(state="unknown", origin="none", source="", volume_ml_current=0.0, **empty),
        make_row(state="absent", volume_ml_current=0.0, pieces_current=0, **empty),
        make_row(volume_ml_prediction=0.0, mean_hu_prediction=None, height_mm_prediction=None),
        make_row(message=None, findings_current=None),
    )
    for row in rows:
        for usual in (USUAL, None):
            text = page(row, usual=usual)
            assert "None." not in text.replace("Findings.** None, neither", "")
            assert "None " not in text.replace("Findings.** None, neither", "")
            assert "nan" not in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": "unknown", "dice": 0.0}, "no source has labelled it"),
        ({"state": "absent", "volume_ml_current": 0.0}, "says that the structure is not there"),
        ({"volume_ml_current": 0.0, "dice": 0.0}, "is empty, although the source 'population'"),
        ({"at_border_current": True}, "it touches the edge of the scan"),
        ({"volume_ml_prediction": 0.0}, "never saw this patient is empty."),
        ({"findings_current": "", "message": ""}, "None, neither on the current mask nor"),
        ({"enabled": False, "kind": "vessel"}, "**It may not act** on the kind 'vessel'"),
        ({"enabled": False, "kind": "duct"}, "there was no pair of masks to try it on"),
    ],
)
def test_odd_masks_have_their_own_words(changes: dict[str, Any], words: str) -> None:
    assert words in page(make_row(**changes))


def test_a_proposal_is_told_with_how_it_was_made() -> None:
    row = make_row(rival="repaired", kind="organ")
    text = page(row, repair="its largest piece")
    assert "**Replaced by the repaired mask:" in text
    assert "for the repaired mask (its largest piece)" in text


def test_a_model_that_saw_the_patient_is_not_trusted() -> None:
    assert "not trusted to change anything" in page(out_of_fold=False)


def test_an_expert_without_patients_abstains() -> None:
    text = page(expert=EXPERT.model_copy(update={"source": "none", "families": ()}))
    assert "**The expert** abstains" in text
    assert "may act" not in text


@pytest.mark.parametrize("action", list(Action))
def test_every_decision_has_words(action: Action) -> None:
    row = make_row(action=action.value)
    assert row["reason"] in page(row).splitlines()[2]
    assert row["reason"] in decided(1, row).words


def test_history_runs_by_round_and_by_step() -> None:
    verdict = Verdict(
        item_id="1", round=1, scan_id="0831a3ff", structure="liver", reader="ab",
        choice=Candidate.READER, seconds=270.0, created=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    change = {
        "round": 1, "before": "present", "after": "present", "origin": "human",
        "origin_name": "ab", "reason": "a reader chose 'reader'",
    }  # fmt: skip
    ingested = change | {
        "round": 0, "before": "unknown", "origin": "source", "origin_name": "lab",
        "reason": "ingested",
    }  # fmt: skip
    later = decided(2, make_row(action="keep", reason="a reader has decided", dice=0.95))
    history = (
        later,
        changed(change),
        answered(verdict, ItemKind.CHOOSE),
        decided(1, make_row(action="review", reason="no mask is surely good")),
        changed(ingested),
    )
    told = page(history=history).split("**Round by round**")[1].strip().splitlines()
    assert told == [
        "- Ingestion: first mask, from the source 'lab'",
        "- Round 1: a question to a reader: no mask is surely good (Dice to the prediction 0.710)",
        "- Round 1: reader 'ab', asked, drew a mask of their own (4 min)",
        "- Round 1: changed; the mask is from reader 'ab'",
        "- Round 2: kept: a reader has decided (Dice to the prediction 0.950)",
        "- Now (dataset version 3): present",
    ]


def test_an_audit_is_told_as_one() -> None:
    verdict = Verdict(
        item_id="1", round=3, scan_id="0831a3ff", structure="liver", reader="ab",
        choice=Candidate.DECIDED, seconds=5.0, created=datetime(2026, 1, 1, tzinfo=UTC),
    )  # fmt: skip
    told = answered(verdict, ItemKind.AUDIT)
    assert (told.round, told.step) == (3, Step.ANSWERED)
    assert "asked in an audit, agreed with what the engine had decided" in told.words


def test_what_stands_now_tells_hold_and_quality_of_what_no_person_made() -> None:
    annotation = Annotation(
        scan_id="0831a3ff", structure="liver", state=State.PRESENT, origin=Origin.MODEL,
        origin_name="27d2", quality=0.3, weight=0.0,
    )  # fmt: skip
    told = standing(4, annotation).replace("\u00a0", " ")
    assert told == (
        "Now (dataset version 4): present, from model 27d2, good with probability 30 %, "
        "on hold: no weight in training"
    )
    drawn = annotation.model_copy(update={"origin": Origin.HUMAN, "quality": 1.0, "weight": 1.0})
    assert standing(4, drawn) == "Now (dataset version 4): present, from reader '27d2'"
    assert standing(4, None).endswith("unknown")


def test_happenings_are_lines() -> None:
    assert str(Happening(0, Step.CHANGED, "x")) == "Ingestion: x"
    assert str(Happening(3, Step.DECIDED, "y")) == "Round 3: y"


def test_what_is_usual_never_leaves_what_is_possible() -> None:
    agreement = usual_dice({"usual_dice": 0.99, "spread_dice": 0.05})
    assert agreement is not None
    assert (agreement.low, agreement.high) == (pytest.approx(0.89), 1.0)
    assert usual_volume(None) is None
    assert usual_height(USUAL) is None
    volume = Usual(10.0, 20.0, "ml")
    assert [volume.compared(v) for v in (9.9, 10.0, 20.1, None)] == [
        "less than usual", "usual", "more than usual", "usual",
    ]  # fmt: skip


def test_numbers_keep_three_digits_that_count() -> None:
    told = [millilitres(v).replace("\u00a0", " ") for v in (1432.4, 34.74, 0.424, 0.0, None)]
    assert told == ["1,432 ml", "34.7 ml", "0.42 ml", "0 ml", "\u2013"]
    assert span(-50.0, 1610.2, "HU").replace("\u00a0", " ") == "\u221250.0 to 1,610 HU"
    probabilities = [probability(p).replace("\u00a0", " ") for p in (0.001, 0.941, 0.999, None)]
    assert probabilities == ["<1 %", "94 %", ">99 %", "\u2013"]


def test_the_most_doubtful_mask_comes_first_and_unknown_ones_last() -> None:
    likely = {"state": "unknown", "quality_current": 0.0}
    rows = pl.DataFrame(
        [
            make_row(structure="spleen", quality_current=0.9, findings_current="pieces,gaps"),
            make_row(structure="colon", quality_rival=0.2, **likely),
            make_row(structure="liver", quality_current=0.1),
            make_row(structure="stomach", quality_rival=0.8, **likely),
        ]
    )
    table = doubtful_first(rows)
    assert tuple(table.columns) == COLUMNS
    assert table["structure"].to_list() == ["liver", "spleen", "stomach", "colon"]
    assert table["quality"].to_list() == [0.1, 0.9, None, None]
    assert table["findings"][1] == "pieces, gaps"
