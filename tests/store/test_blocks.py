"""Blocks of rows: cut and put together between scans, never within one."""

from __future__ import annotations

import polars as pl
import pytest

from scalemai_core.store.catalog.blocks import divided, gathered, spooled


def block(*scan_ids: str) -> pl.DataFrame:
    return pl.DataFrame({"scan_id": scan_ids}, schema={"scan_id": pl.String})


@pytest.mark.parametrize(
    ("rows", "parts"),
    [
        (1, ["a", "bbb", "cc", "d"]),
        (2, ["abbb", "cc", "d"]),
        (4, ["abbb", "cc", "d"]),
        (5, ["abbbcc", "d"]),
        (99, ["abbbcc", "d"]),
    ],
)
def test_a_block_is_cut_behind_a_scan(rows: int, parts: list[str]) -> None:
    found = divided([block(*"abbbcc"), block("d")], rows)
    assert ["".join(part["scan_id"]) for part in found] == parts


def test_a_block_without_rows_keeps_its_columns() -> None:
    (part,) = divided([block()], 5)
    assert part.schema == {"scan_id": pl.String}


def test_what_was_cut_comes_together_again() -> None:
    parts = spooled(divided([block(*"abbbcc")], 1))
    for _ in range(2):  # a spool is read as often as one likes
        assert ["".join(one["scan_id"]) for one in gathered(parts, 4)] == ["abbb", "cc"]
