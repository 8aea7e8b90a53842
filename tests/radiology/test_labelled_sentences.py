"""The labelled sentences hold together, and are hard."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from naive_negation import read_report as read_naively

from scalemai_core.radiology.reading import read_report
from scalemai_core.records.label_map import Layer
from scalemai_core.records.statement import Presence, Statement
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.taxonomy.yaml_file import read_documents

FOLDER = Path(__file__).with_name("sentences")
ITEMS: dict[str, list[dict[str, Any]]] = {
    name: read_documents(FOLDER / f"{name}.yaml")[0] for name in ("known", "sealed")
}
ALL = [*ITEMS["known"], *ITEMS["sealed"]]
KINDS = {
    "negation", "double_negation", "hedging", "history", "several_organs", "units", "too_small",
    "typos", "counts", "place", "exception", "recommendation", "comparison", "normal",
    "structured_line", "contradiction", "injection", "other_language", "irrelevant",
}  # fmt: skip
PLACES = {
    "liver": {f"liver_segment_{number}" for number in range(1, 9)},
    "pancreas": {"pancreas_head", "pancreas_body", "pancreas_tail"},
}
KEYS = {"text", "kind", "statements", "deletes", "also", "debatable"}
Pair = tuple[str, str]


def statements(item: dict[str, Any], key: str = "statements") -> list[Statement]:
    return [Statement(**one, sentence=item["text"], offset=0) for one in item.get(key, [])]


def pairs(item: dict[str, Any], key: str) -> set[Pair]:
    """Pairs with the parts of wholes."""
    taxonomy = load_taxonomy()
    return {
        (part.name, organ)
        for structure, organ in item.get(key, [])
        for part in taxonomy.descendants(structure)
    }


def name_of(item: dict[str, Any]) -> str:
    return item["text"][:40]


@pytest.mark.parametrize("item", ALL, ids=name_of)
def test_an_item_speaks_of_lesions_in_their_hosts(item: dict[str, Any]) -> None:
    taxonomy = load_taxonomy()
    assert item["text"].strip()
    assert item["kind"] in KINDS
    assert set(item) <= KEYS
    found = statements(item) + statements(item, "also")
    hosts = [(one.structure, one.organ) for one in found]
    for structure, organ in [*hosts, *item["deletes"], *item.get("debatable", [])]:
        assert taxonomy[structure].layer is Layer.LESIONS
        assert organ in taxonomy[structure].inside
    for one in found:
        assert one.place is None or one.place in PLACES[one.organ]
        assert one.presence is Presence.ABSENT or not one.explicit
        assert one.presence is not Presence.ABSENT or (one.count is None and not one.sizes_mm)
        assert one.count is None or one.count > 0
        assert all(1 <= len(sizes) <= 3 and min(sizes) > 0 for sizes in one.sizes_mm)


@pytest.mark.parametrize("item", ALL, ids=name_of)
def test_only_what_is_explicitly_absent_everywhere_is_deleted(item: dict[str, Any]) -> None:
    taxonomy = load_taxonomy()
    explicit = {
        (one.structure, one.organ) for one in statements(item) if one.explicit and one.place is None
    }
    assert {tuple(pair) for pair in item["deletes"]} <= explicit
    for one in statements(item):
        if one.presence is not Presence.ABSENT:
            kin = (*taxonomy.descendants(one.structure), *taxonomy.ancestors(one.structure))
            said = {(kind.name, one.organ) for kind in kin}
            assert not said & {tuple(pair) for pair in item["deletes"]}
    assert not pairs(item, "deletes") & pairs(item, "debatable")


def test_no_text_stands_twice() -> None:
    plain = Counter(" ".join(item["text"].lower().split()) for item in ALL)
    assert [text for text, times in plain.items() if times > 1] == []


def test_every_kind_is_in_both_files() -> None:
    for items in ITEMS.values():
        assert {item["kind"] for item in items} == KINDS


def test_there_are_enough_items_to_bound_an_error_rate() -> None:
    assert len(ITEMS["known"]) >= 100
    assert len(ITEMS["sealed"]) >= 220
    assert sum(bool(item["deletes"]) for item in ITEMS["sealed"]) >= 60


def test_a_naive_reader_deletes_wrongly_where_nothing_may_be_deleted() -> None:
    nothing = [item for item in ALL if not item["deletes"] and not item.get("debatable")]
    traps = [item for item in nothing if read_naively(item["text"]).may_delete]
    assert len(traps) >= 120


@pytest.mark.parametrize("item", ALL, ids=name_of)
def test_nothing_is_deleted_that_a_radiologist_would_keep(item: dict[str, Any]) -> None:
    taxonomy = load_taxonomy()
    deleted = {
        (part.name, organ)
        for structure, organ in read_report(item["text"], taxonomy).may_delete
        for part in taxonomy.descendants(structure)
    }
    assert deleted <= pairs(item, "deletes") | pairs(item, "debatable")


def test_most_plain_negatives_delete() -> None:
    taxonomy = load_taxonomy()
    found = [item for item in ALL if item["deletes"] and item["kind"] == "negation"]
    used = [item for item in found if read_report(item["text"], taxonomy).may_delete]
    assert len(used) > 0.5 * len(found)
