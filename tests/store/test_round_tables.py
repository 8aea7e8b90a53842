"""Tables of a round: whole, and the rows of some scans."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl
import pytest
from pyarrow.parquet import ParquetFile

from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.blocks import spooled
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


def test_small_blocks_are_written_together(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "GROUP_ROWS", 10)
    table = RoundTables(Files(url), 1)
    rows = pl.DataFrame({"scan_id": [f"s{n:02d}" for n in range(50)]})
    table.write_blocks("decisions", (rows.slice(start, 3) for start in range(0, 50, 3)))
    with Files(url).open(table.path("decisions")) as document, ParquetFile(document) as parquet:
        groups = [parquet.metadata.row_group(n).num_rows for n in range(parquet.num_row_groups)]
    assert sum(groups) == 50
    assert len(groups) <= 10
    assert table.read("decisions").equals(rows)


def test_spooled_blocks_are_made_once_and_come_back_as_they_were() -> None:
    made: list[int] = []

    def blocks() -> Iterator[pl.DataFrame]:
        for number in range(3):
            made.append(number)
            yield pl.DataFrame(
                {"scan_id": ["a"] * number, "dice": [None] * number, "tags": [["x"]] * number},
                schema={"scan_id": pl.String, "dice": pl.Float64, "tags": pl.List(pl.String)},
            )

    spool = spooled(blocks())
    for _ in range(2):
        assert all(one.equals(other) for one, other in zip(spool, blocks(), strict=True))
        assert [one.schema for one in spool] == [one.schema for one in blocks()]
    assert made.count(0) == 1 + 2 * 2, "once for the spool; the others are this test's own"


def test_rows_that_none_of_their_numbers_have_get_the_types_of_the_others() -> None:
    schema = pl.Schema({"scan_id": pl.String, "dice": pl.Float64})
    nothing = pl.DataFrame({"scan_id": ["a"], "dice": [None], "more": [1]})
    assert tables.typed(nothing, schema).schema == schema
    bad_only = pl.DataFrame({"scan_id": ["a"]}).clear()
    assert tables.typed(bad_only, schema).equals(pl.DataFrame(schema=schema))
