"""A second opinion tips a scale that leans already; it never lifts one."""

from __future__ import annotations

import pytest
from made_up_appraisals import CONVICTED, appraised

from scalemai_core.judge.decisions.decide import decide
from scalemai_core.settings.judgement import DecideSettings, ExpertSettings

LEANING: dict[str, object] = {
    "quality_current": 0.3,
    "quality_rival": 0.8,
    "better": 0.6,
    "gain": 0.1,
    "second": "rival",
}
"""A doubtful mask, a rival that seems better, and a second expert who says so too."""


def outcome(*, out_of_fold: bool = True, **row: object) -> tuple[str, str]:
    table = decide(appraised(row), DecideSettings(), ExpertSettings(), out_of_fold=out_of_fold)
    found = table.row(0, named=True)
    return found["action"], found["reason"]


def test_two_experts_who_lean_the_same_way_decide() -> None:
    action, reason = outcome(**LEANING)
    assert action == "replace"
    assert "both experts" in reason


@pytest.mark.parametrize(
    "fact",
    [
        {"better": 0.4},
        {"better": 0.5},
        {"enabled": False},
        {"gain": 0.01},
        {"quality_rival": 0.4},
        {"second": "current"},
        {"second": "abstains"},
        {"second": None},
    ],
)
def test_a_second_opinion_alone_decides_nothing(fact: dict[str, object]) -> None:
    assert outcome(**(LEANING | fact))[0] == "review"


def test_a_critic_that_saw_the_annotation_is_not_seconded() -> None:
    assert outcome(**LEANING, out_of_fold=False)[0] == "review"


@pytest.mark.parametrize(
    "fact", [{"gold": "fit"}, {"origin": "human"}, {"layer": "lesions"}, {"quality_current": 0.9}]
)
def test_what_is_settled_stays_settled(fact: dict[str, object]) -> None:
    assert outcome(**(LEANING | fact))[0] == "keep"


def test_it_cannot_save_a_convicted_mask() -> None:
    assert outcome(**CONVICTED, second="current")[0] == "replace"


@pytest.mark.parametrize(
    ("second", "words"),
    [
        ("current", "the second expert prefers the present mask"),
        ("abstains", "the second expert abstains"),
    ],
)
def test_people_read_what_the_second_expert_said(second: str, words: str) -> None:
    assert outcome(**(LEANING | {"second": second}))[1].endswith(words)


def test_without_a_second_expert_reasons_stay_as_they_are() -> None:
    unasked = {name: value for name, value in LEANING.items() if name != "second"}
    assert outcome(**unasked) == ("review", "no mask is surely good")
