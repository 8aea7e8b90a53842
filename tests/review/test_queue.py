"""The review queue: rebuilt from items and verdicts, worked by value."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalemai_core.errors import UsageError
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.review.queue import Queue


def item(name: str, priority: float, number: int = 1) -> ReviewItem:
    return ReviewItem(
        item_id=f"{number}-{name}",
        round=number,
        kind=ItemKind.CHOOSE,
        scan_id="scan",
        structure=name,
        priority=priority,
        reason="because",
        base_label_map="map",
        prediction="model",
    )


ITEMS = (item("liver", 0.2), item("spleen", 0.9), item("aorta", 0.5))


@pytest.fixture
def database(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'queue.db'}"


def test_items_come_back_whole_and_most_valuable_first(database: str) -> None:
    queue = Queue(database)
    queue.materialize(ITEMS, frozenset())
    assert queue.open_items(1) == (ITEMS[1], ITEMS[2], ITEMS[0])
    assert queue.counts() == {"open": 3, "decided": 0}


def test_equal_priorities_keep_a_fixed_order(database: str) -> None:
    queue = Queue(database)
    queue.materialize([item("b", 0.5), item("a", 0.5)], frozenset())
    assert [i.structure for i in queue.open_items(1)] == ["a", "b"]


def test_filling_it_twice_changes_nothing(database: str) -> None:
    for _ in range(2):
        Queue(database).materialize(ITEMS, frozenset())
    assert Queue(database).counts() == {"open": 3, "decided": 0}


def test_settled_items_are_closed_for_good(database: str) -> None:
    queue = Queue(database)
    queue.materialize(ITEMS, frozenset())
    queue.settle([ITEMS[1].item_id])
    queue.materialize(ITEMS, frozenset())
    assert [i.structure for i in queue.open_items(1)] == ["aorta", "liver"]
    assert queue.counts() == {"open": 2, "decided": 1}
    queue.settle([])


def test_a_lost_queue_is_rebuilt_without_asking_answered_questions_again(database: str) -> None:
    queue = Queue(database)
    queue.materialize(ITEMS, frozenset({ITEMS[0].item_id}))
    assert queue.counts() == {"open": 2, "decided": 1}


def test_verdicts_that_came_while_the_queue_stood_close_their_items(database: str) -> None:
    queue = Queue(database)
    queue.materialize(ITEMS, frozenset())
    queue.materialize(ITEMS, frozenset(i.item_id for i in ITEMS))
    assert queue.open_items(1) == ()


def test_rounds_do_not_mix(database: str) -> None:
    queue = Queue(database)
    queue.materialize([*ITEMS, item("liver", 0.1, number=2)], frozenset())
    assert [i.item_id for i in queue.open_items(2)] == ["2-liver"]


@pytest.mark.parametrize("database", ["nonsense", "sqlite:////no/such/folder/queue.db"])
def test_a_database_that_cannot_be_opened_is_named(database: str) -> None:
    with pytest.raises(UsageError, match=r"check review\.database"):
        Queue(database)
