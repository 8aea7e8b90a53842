"""What the answers to an item amount to: nothing yet, a dispute, or a verdict."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scalemai_core.records.listed_item import ItemStatus
from scalemai_core.records.reader import Role
from scalemai_core.records.review import ReviewItem, Verdict
from scalemai_core.records.review_entry import Act, ReviewEntry


@dataclass(frozen=True, slots=True)
class Ruling:
    """Where an item stands, and the verdict that counts."""

    status: ItemStatus
    """``open``, ``disputed`` or ``decided``."""
    verdict: Verdict | None = None
    """Of a decided item."""
    answers: tuple[Verdict, ...] = ()
    """All that stand, the earliest first; one a reader."""


def standing_answers(entries: Iterable[ReviewEntry]) -> tuple[ReviewEntry, ...]:
    """Answers nobody took back, in the order in which they were given; of a reader the first."""
    acts = sorted(entries, key=lambda one: (one.created, one.entry_id))
    undone = {one.undoes for one in acts if one.act is Act.UNDO}
    by_reader: dict[str, ReviewEntry] = {}
    for one in acts:
        if one.act is Act.ANSWER and one.verdict is not None and one.entry_id not in undone:
            by_reader.setdefault(one.reader, one)
    return tuple(by_reader.values())


def standing_of_reader(entries: Iterable[ReviewEntry]) -> tuple[ReviewEntry, ...]:
    """One reader's answers that were not taken back, item by item."""
    return tuple(one for own in _by_item(entries).values() for one in standing_answers(own))


def ruling(item: ReviewItem, entries: Iterable[ReviewEntry]) -> Ruling:
    """What all entries of one item amount to.

    Of an item that is read once the first answer counts. Two reads must agree in choice and label
    map; where they do not, the next answer of somebody who adjudicates counts.
    """
    standing = standing_answers(entries)
    verdicts = tuple(one.verdict for one in standing if one.verdict is not None)
    if len(standing) < item.reads:
        return Ruling(ItemStatus.OPEN, None, verdicts)
    if len({(one.choice, one.label_map) for one in verdicts[: item.reads]}) == 1:
        return Ruling(ItemStatus.DECIDED, verdicts[0], verdicts)
    # Servers' clocks differ: who adjudicated may seem to have been there before the last reader.
    asked = (*standing[item.reads :], *reversed(standing[: item.reads]))
    for one in asked if len(standing) > item.reads else ():
        if one.role is not Role.READER:
            return Ruling(ItemStatus.DECIDED, one.verdict, verdicts)
    return Ruling(ItemStatus.DISPUTED, None, verdicts)


def rulings(items: Sequence[ReviewItem], entries: Iterable[ReviewEntry]) -> dict[str, Ruling]:
    """The ruling of every item, by its id."""
    by_item = _by_item(entries)
    return {item.item_id: ruling(item, by_item[item.item_id]) for item in items}


def _by_item(entries: Iterable[ReviewEntry]) -> defaultdict[str, list[ReviewEntry]]:
    by_item: defaultdict[str, list[ReviewEntry]] = defaultdict(list)
    for entry in entries:
        by_item[entry.item_id].append(entry)
    return by_item
