"""How well a reader of reports agrees with labelled sentences, and what it would delete wrongly.

``python benchmarks/report_reading.py FILE... [--reader module:function]``: a reader other than our
rules takes a text and gives ``statements`` and ``may_delete``. A statement agrees on
structure, organ and presence; count, sizes, place and enumeration are compared where one agrees and
is present. A whole that may be deleted stands for its parts.
"""

from __future__ import annotations

import argparse
import importlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from scalemai_core.measure.statistics import clopper_pearson
from scalemai_core.radiology.reading import read_report
from scalemai_core.records.statement import Presence, Statement
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.taxonomy.yaml_file import read_documents

DETAILS = ("count", "enumerated", "sizes_mm", "place")
Pair = tuple[str, str]
Fact = tuple[str, str, Presence]


class Reading(Protocol):
    """What a reader says of one report."""

    @property
    def statements(self) -> tuple[Statement, ...]: ...

    @property
    def may_delete(self) -> frozenset[Pair]: ...


class Score:
    """Right, wrong and missed of every row of the table; the rows of kinds come last."""

    def __init__(self) -> None:
        self.right: Counter[str] = Counter()
        self.wrong: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()

    def add(self, row: str, *, right: int, wrong: int, missed: int) -> None:
        self.right[row] += right
        self.wrong[row] += wrong
        self.missed[row] += missed

    def print(self) -> None:
        print("| | read | precision | 95 % | labelled | recall | 95 % |")
        print("|---|---|---|---|---|---|---|")
        for row in sorted(self.right, key=lambda row: ("statements of " in row, row)):
            right = self.right[row]
            cells = [row]
            for total in (right + self.wrong[row], right + self.missed[row]):
                cells += [str(total), *_share(right, total)]
            print(f"| {' | '.join(cells)} |")


def main() -> None:
    """A table of deletions, presence by kind, and details; then every wrong deletion verbatim."""
    parser = argparse.ArgumentParser()
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--reader", help="module:function; our own rules without it")
    options = parser.parse_args()
    read: Callable[[str], Reading] = partial(read_report, taxonomy=load_taxonomy())
    if options.reader:
        module, _, function = options.reader.partition(":")
        read = getattr(importlib.import_module(module), function)
    items = [item for path in options.files for item in read_documents(path)[0]]
    score, wrongly = Score(), list[str]()
    for item in items:
        reading = read(item["text"])
        if wrong := score_deletions(score, item, reading):
            wrongly.append(f"{item['kind']}: {item['text']!r}\n  deletes {sorted(wrong)}")
        score_statements(score, item, reading)
    print(f"{len(items)} items")
    score.print()
    untouchable = sum(not item["deletes"] and not item.get("debatable") for item in items)
    print(f"\n{len(wrongly)} items with a wrong deletion, {untouchable} that allow none")
    print("\n".join(wrongly))


def score_deletions(score: Score, item: dict[str, Any], reading: Reading) -> set[Pair]:
    """Count what is deleted, wholes as their parts; returns what must not be."""
    found, allowed = _parts(reading.may_delete), _parts(item["deletes"])
    wrong = found - allowed - _parts(item.get("debatable", []))
    score.add(
        "deletions", right=len(found & allowed), wrong=len(wrong), missed=len(allowed - found)
    )
    return wrong


def score_statements(score: Score, item: dict[str, Any], reading: Reading) -> None:
    """Count facts by presence and by kind, and the details of those agreed on."""
    wanted, tolerated = _by_fact(_labelled(item, "statements")), _by_fact(_labelled(item, "also"))
    found = _by_fact(reading.statements)
    for presence in Presence:
        expected = {fact for fact in wanted if fact[2] is presence}
        read = {fact for fact in found if fact[2] is presence}
        counts = {
            "right": len(read & expected),
            "wrong": len(read - expected - set(tolerated)),
            "missed": len(expected - read),
        }
        score.add(f"{presence.value}", **counts)
        score.add(f"statements of {item['kind']}", **counts)
    for fact in wanted.keys() & found.keys():
        if fact[2] is not Presence.ABSENT:
            for detail in DETAILS:
                _score_detail(score, detail, wanted[fact], found[fact])


def _score_detail(
    score: Score, detail: str, wanted: list[Statement], found: list[Statement]
) -> None:
    labels = {getattr(one, detail) for one in wanted} - {None, False, ()}
    read = {getattr(one, detail) for one in found} - {None, False, ()}
    if detail == "count" and not labels:
        read.discard(1)  # "a lesion" gives no number, and taking it for one is no mistake
    score.add(detail, right=len(read & labels), wrong=len(read - labels), missed=len(labels - read))


def _labelled(item: dict[str, Any], key: str) -> list[Statement]:
    return [Statement(**one, sentence=item["text"], offset=0) for one in item.get(key, [])]


def _by_fact(statements: Iterable[Statement]) -> dict[Fact, list[Statement]]:
    found: dict[Fact, list[Statement]] = defaultdict(list)
    for one in statements:
        found[one.structure, one.organ, one.presence].append(one)
    return found


def _parts(pairs: Iterable[Iterable[str]]) -> set[Pair]:
    taxonomy = load_taxonomy()
    return {
        (part.name, organ) for structure, organ in pairs for part in taxonomy.descendants(structure)
    }


def _share(right: int, total: int) -> tuple[str, str]:
    if total == 0:
        return "", ""
    interval = clopper_pearson(right, total)
    return f"{right / total:.3f}", f"{float(interval.low):.3f} to {float(interval.high):.3f}"


if __name__ == "__main__":
    main()
