"""Tables of a round: whole, and the rows of some scans."""

from __future__ import annotations

import polars as pl
import pytest

from scalemai_core.store.catalog import tables
from scalemai_core.store.documents.rounds import RoundTables
from scalemai_core.store.files import Files


def test_the_rows_of_some_scans_are_those_that_the_whole_table_has(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "GROUP_ROWS", 4)
    table = RoundTables(Files(url), 1)
    rows = pl.DataFrame(
        [{"scan_id": f"s{n:02d}", "structure": name} for n in range(20) for name in "abc"]
    )
    table.write("decisions", rows)
    chosen = ["s03", "s04", "s17", "never"]
    assert table.read("decisions", chosen).equals(rows.filter(pl.col("scan_id").is_in(chosen)))
    assert table.read("decisions").equals(rows)
    assert table.read("decisions", ()).height == 0
    assert table.read("decisions", ()).schema == rows.schema


def test_a_table_without_rows_and_one_that_is_not_sorted_are_read_by_scan_too(url: str) -> None:
    table = RoundTables(Files(url), 1)
    mixed = pl.DataFrame({"scan_id": ["b", "a", "b"], "number": [1, 2, 3]})
    table.write("mixed", mixed)
    table.write("empty", mixed.clear())
    assert table.read("mixed", ["b"])["number"].to_list() == [1, 3]
    assert table.read("empty", ["b"]).equals(mixed.clear())


def test_rows_that_none_of_their_numbers_have_get_the_types_of_the_others() -> None:
    schema = pl.Schema({"scan_id": pl.String, "dice": pl.Float64})
    nothing = pl.DataFrame({"scan_id": ["a"], "dice": [None], "more": [1]})
    assert tables.typed(nothing, schema).schema == schema
    bad_only = pl.DataFrame({"scan_id": ["a"]}).clear()
    assert tables.typed(bad_only, schema).equals(pl.DataFrame(schema=schema))
