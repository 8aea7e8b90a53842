"""What answers amount to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from made_up_items import ANNA, BEN, CLARA, JUDITH, answer, item, undo

from scalemai_core.records.decision import Candidate
from scalemai_core.records.listed_item import ItemStatus
from scalemai_core.review.ruling import ruling, rulings

CURRENT, PREDICTION, READER = Candidate.CURRENT, Candidate.PREDICTION, Candidate.READER
ONCE, TWICE = item("liver"), item("spleen", reads=2)


def test_the_first_answer_counts_where_one_is_asked_for() -> None:
    late, early = answer(ONCE, ANNA, minute=2), answer(ONCE, BEN, PREDICTION, minute=1)
    found = ruling(ONCE, [late, early])
    assert found.status is ItemStatus.DECIDED
    assert found.verdict == early.verdict
    assert found.answers == (early.verdict, late.verdict)


def test_an_answer_taken_back_is_as_if_never_given() -> None:
    given_answer = answer(ONCE, ANNA, minute=1)
    assert ruling(ONCE, [given_answer, undo(given_answer, 2)]).status is ItemStatus.OPEN
    again = answer(ONCE, ANNA, PREDICTION, minute=3)
    found = ruling(ONCE, [given_answer, undo(given_answer, 2), again])
    assert found.verdict == again.verdict


def test_two_reads_that_agree_decide_and_one_alone_does_not() -> None:
    first, second = answer(TWICE, ANNA, minute=1), answer(TWICE, BEN, minute=2)
    assert ruling(TWICE, [first]).status is ItemStatus.OPEN
    found = ruling(TWICE, [first, second])
    assert (found.status, found.verdict) == (ItemStatus.DECIDED, first.verdict)


def test_two_answers_of_one_reader_are_one_read() -> None:
    own = [answer(TWICE, ANNA, minute=n) for n in range(2)]
    assert ruling(TWICE, own).status is ItemStatus.OPEN


def test_two_drawings_differ_and_the_adjudicator_decides() -> None:
    drawn = [
        answer(TWICE, reader, READER, minute=n, label_map=f"map-{n}")
        for n, reader in enumerate((ANNA, BEN))
    ]
    assert ruling(TWICE, drawn).status is ItemStatus.DISPUTED
    layman = answer(TWICE, CLARA, CURRENT, minute=3)
    assert ruling(TWICE, [*drawn, layman]).status is ItemStatus.DISPUTED
    last = answer(TWICE, JUDITH, CURRENT, minute=4)
    found = ruling(TWICE, [*drawn, layman, last])
    assert (found.status, found.verdict) == (ItemStatus.DECIDED, last.verdict)


def test_somebody_who_adjudicates_may_also_be_one_of_two_readers() -> None:
    found = ruling(TWICE, [answer(TWICE, JUDITH), answer(TWICE, ANNA, PREDICTION, minute=1)])
    assert found.status is ItemStatus.DISPUTED


def test_who_adjudicates_decides_though_another_servers_clock_was_behind() -> None:
    read = [answer(TWICE, ANNA, minute=2), answer(TWICE, BEN, PREDICTION, minute=3)]
    for minute in (1, 2.5, 4):
        judged = answer(TWICE, JUDITH, READER, minute=minute, label_map="hers")
        found = ruling(TWICE, [*read, judged])
        assert (found.status, found.verdict) == (ItemStatus.DECIDED, judged.verdict)


def test_every_item_gets_a_ruling() -> None:
    found = rulings([ONCE, TWICE], [answer(TWICE, ANNA)])
    assert {name: one.status.value for name, one in found.items()} == {
        ONCE.item_id: "open",
        TWICE.item_id: "open",
    }


@given(order=st.permutations(range(4)))
def test_the_order_in_which_the_log_is_read_does_not_matter(order: list[int]) -> None:
    first = answer(TWICE, ANNA, minute=1)
    acts = [
        first,
        answer(TWICE, BEN, PREDICTION, minute=2),
        undo(first, 3),
        answer(TWICE, JUDITH, PREDICTION, minute=4),
    ]
    assert ruling(TWICE, [acts[n] for n in order]) == ruling(TWICE, acts)
