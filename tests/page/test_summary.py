"""A round in words, and how numbers are written."""

from __future__ import annotations

import pytest
from made_up_rounds import EXPERT, GOLD, NO_EXPERT, NO_GOLD, STAND_IN, TRUTH, make_result

from scalemai_core.page.draw import number
from scalemai_core.page.report.audit import audit_sentence, audit_words
from scalemai_core.page.report.expert import family_rows
from scalemai_core.page.report.loop import loop_sentence
from scalemai_core.page.report.markdown import round_markdown
from scalemai_core.page.report.summary import headline, key_figures
from scalemai_core.page.report.warning import warnings
from scalemai_core.records.expert import ExpertReport
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.judgement import DecideSettings

UNPROVEN = EXPERT.model_copy(update={"families": EXPERT.families[1:]})


def titles(**changes: object) -> list[str]:
    return [warned.title for warned in warnings(make_result(**changes))]


def test_a_good_round_has_no_warnings() -> None:
    assert titles() == []


@pytest.mark.parametrize(
    ("changes", "title"),
    [
        ({"out_of_fold": False}, "Predictions are in-sample"),
        ({"failed_scans": 3}, "3 of 420 scans failed"),
        ({"audit_upper_bound": None, "audited": 0}, "The audit proves little"),
        ({"audit_upper_bound": 0.3, "audited": 10}, "The audit proves little"),
        ({"gold": None}, "There is no gold"),
        ({"expert": UNPROVEN}, "The expert may act in no family of structures"),
        ({"promoted": False}, "Model 3 was not promoted"),
        ({"truth": TRUTH.model_copy(update={"mean_dice_after": 0.8})}, "The labels became worse"),
    ],
)
def test_each_weakness_is_warned_of(changes: dict[str, object], title: str) -> None:
    assert titles(**changes) == [title]


def test_why_scans_failed_is_said_most_frequent_first() -> None:
    reasons = {"predict: KilledWorker: the last worker": 16, "judge: WorkspaceError: damaged": 1}
    (warned,) = warnings(make_result(failed_scans=17, set_aside=reasons))
    assert warned.title == "17 of 420 scans failed"
    assert warned.meaning.endswith(
        "Predict: KilledWorker: the last worker (16); judge: WorkspaceError: damaged (1)."
    )
    (warned,) = warnings(make_result(failed_scans=0, set_aside={"revise: OSError: gone": 2}))
    assert warned.title == "2 of 420 scans failed"


def test_where_nothing_was_changed_automatically_no_audit_is_missed() -> None:
    assert titles(audit_population=0, audited=0, audit_upper_bound=None) == []


@pytest.mark.parametrize(
    ("expert", "first"),
    [
        (STAND_IN, "**No gold: the expert learned from stand-ins.** Masks on which"),
        (NO_EXPERT, "**No gold: the expert had nothing to learn from.** Nothing was changed"),
        (EXPERT, "Round 2 raised mean Dice"),
    ],
)
def test_the_first_line_of_the_markdown_warns_of_an_expert_without_gold(
    expert: ExpertReport, first: str
) -> None:
    assert round_markdown(make_result(expert=expert)).startswith(first)


def test_a_family_may_act_only_where_it_is_proven_and_the_model_is_trusted() -> None:
    lonely = EXPERT.families[1].model_copy(update={"kind": "bone", "patients": 2})
    silent = lonely.model_copy(update={"kind": "nerve", "patients": 0})
    expert = EXPERT.model_copy(update={"families": (*EXPERT.families, lonely, silent)})
    told = {
        row.family.kind: row for row in family_rows(make_result(expert=expert), EngineSettings())
    }
    assert [kind for kind, row in told.items() if row.may_act] == ["organ"]
    assert told["bone"].why == "too few patients: 3 are needed"
    assert told["nerve"].why == "it abstained on every pair"
    assert told["organ"].low_at == pytest.approx(94.2)
    assert told["organ"].required_at == pytest.approx(80.0)
    (in_sample, *_) = family_rows(make_result(out_of_fold=False), EngineSettings())
    assert not in_sample.may_act
    assert in_sample.why.startswith("proven, but the model had seen")


def test_stand_ins_have_to_reach_the_stricter_bound() -> None:
    (organ, vessel) = family_rows(make_result(expert=STAND_IN), EngineSettings())
    assert organ.required_at == pytest.approx(90.0)
    assert "below the 95.0\u00a0% needed" in vessel.why


def test_the_audit_says_what_it_proves() -> None:
    audited = make_result(audited=10, audit_errors=1, audit_population=200, audit_upper_bound=0.39)
    words = audit_words(audited, DecideSettings())
    assert words.found == pytest.approx(0.1)
    assert 10 < words.wanted <= 200
    assert "at most 39.0\u00a0% of all are wrong" in words.meaning
    nobody = make_result(audited=0, audit_errors=0, audit_upper_bound=None)
    assert audit_sentence(nobody) == "Nobody looked at the 1,119 masks changed without a person."
    assert "bounds nothing" in audit_sentence(make_result(audit_upper_bound=1.0))
    assert "nothing to audit" in audit_sentence(make_result(audit_population=0))


def test_the_loop_says_why_it_stops_or_what_still_moves() -> None:
    assert loop_sentence(make_result(stop="all is said")) == "The loop stops: all is said."
    assert loop_sentence(make_result()).endswith("the model gained 0.012 Dice on gold select.")
    fell = GOLD.model_copy(update={"champion_mean_dice": 0.9123})
    assert "the model lost 0.010 Dice" in loop_sentence(make_result(gold=fell))
    assert "no gain on gold to see" in loop_sentence(make_result(**NO_GOLD))


def test_the_headline_says_what_fell_and_what_stayed() -> None:
    fell = TRUTH.model_copy(update={"mean_dice_after": 0.85})
    same = TRUTH.model_copy(update={"mean_dice_after": TRUTH.mean_dice_before + 0.0001})
    assert "lowered mean Dice to truth from 0.871 to 0.850" in headline(make_result(truth=fell))
    assert "left mean Dice to truth at 0.871" in headline(make_result(truth=same))


def test_without_truth_the_headline_compares_agreement_with_the_round_before() -> None:
    result = make_result(truth=None, reviewed_share=0.0, **NO_GOLD)
    assert headline(result, [make_result(number=1, mean_agreement=0.8612)]) == (
        "Round 2 changed 1,162 annotations; annotation and prediction agree at mean Dice 0.904 "
        "(0.861 the round before); nobody opened a mask; model 3 was not promoted \u2013 "
        "not assessable: 0 gold patients, 3 are needed."
    )


def test_six_figures_stand_first_whatever_is_missing() -> None:
    no_champion = GOLD.model_copy(update={"champion_mean_dice": None})
    for changes in ({}, {"truth": None, **NO_GOLD}, {"gold": no_champion}, {"masks": 0, "held": 0}):
        figures = key_figures(make_result(**changes))
        assert len(figures) == 6
        assert not any("None" in figure.value + figure.meaning for figure in figures)


def test_markdown_has_one_row_a_round_with_the_newest_last() -> None:
    text = round_markdown(make_result(), [make_result(number=1, truth=None, **NO_GOLD)])
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({row.count("|") for row in rows}) == 1
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| 1", "| 2"]
    assert "0.871 \u2192 0.934" in rows[3]
    assert "None" not in text
    assert "nan" not in text
    assert "1,610 keep, 93 replace, 41 impute, 8 set absent, 43 review, 21 hold" in text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (number.count(1204), "1,204"),
        (number.dice(0.93349), "0.933"),
        (number.change(0.0632), "+0.063"),
        (number.change(-0.0632), "\u22120.063"),
        (number.change(-0.0004), "0.000"),
        (number.percent(0.0242), "2.4\u00a0%"),
        (number.percent(0.0), "0.0\u00a0%"),
        (number.percent(0.0001), "<0.1\u00a0%"),
        (number.percent(0.9999), ">99.9\u00a0%"),
        (number.percent(1.0), "100.0\u00a0%"),
        (number.percent(-0.2), "\u221220.0\u00a0%"),
        (number.percents(0.857, 0.995), "85.7\u201399.5\u00a0%"),
        (number.threshold(0.0431), "4.3\u00a0%"),
        (number.threshold(0.781), "78\u00a0%"),
        (number.threshold(0.00012), "0.012\u00a0%"),
        (number.threshold(0.999), ">99\u00a0%"),
        (number.rate(0.6214), "0.62"),
        (number.rate(0.0), "0"),
        (number.rate(0.0004), "<0.01"),
        (number.probability(0.874), "87\u00a0%"),
        (number.probability(0.0), "<1\u00a0%"),
        (number.probability(1.0), ">99\u00a0%"),
        (number.share(12, 250), "12 (4.8\u00a0%)"),
        (number.share(0, 0), "\u2013"),
        (number.nats(-1.2012), "\u22121.201"),
        (number.duration(0), "0\u00a0s"),
        (number.duration(0.42), "0.4\u00a0s"),
        (number.duration(59.7), "1\u00a0min"),
        (number.duration(3599), "1\u00a0h\u00a00\u00a0min"),
        (number.duration(4320), "1\u00a0h\u00a012\u00a0min"),
    ],
)
def test_numbers_are_written_for_people(written: str, expected: str) -> None:
    assert written == expected


def test_missing_numbers_are_dashes() -> None:
    writers = (
        number.count, number.dice, number.change, number.percent, number.probability, number.nats,
        number.duration, number.rate,
    )  # fmt: skip
    assert {write(value) for write in writers for value in (None, float("nan"))} == {"\u2013"}
