"""Many writers at once: one commit wins and says what it wrote, and no appended row is lost."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import polars as pl
import pytest
from made_up_scans import annotation

from scalemai_core.errors import CommitConflict
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.catalog import Catalog
from scalemai_core.store.catalog.rows import annotation_rows
from scalemai_core.store.files import Files

WRITERS = 4
NUMBERS = pl.Schema({"number": pl.Int64})


def race(url: str, base: DatasetVersion | None) -> list[DatasetVersion]:
    """Let every writer commit its own state on ``base`` at the same moment; those who won."""
    barrier = Barrier(WRITERS)

    def commit(writer: int) -> DatasetVersion | None:
        catalog = Catalog(Files(url))
        rows = [annotation("scan", "liver", f"map of {writer}", revision=writer + 2)]
        barrier.wait()
        try:
            return catalog.commit(
                base=base,
                scans=pl.DataFrame(schema=tables.SCANS),
                annotations=[annotation_rows(rows)],
                round_number=0,
                message=str(writer),
            )
        except CommitConflict:
            return None

    with ThreadPoolExecutor(WRITERS) as pool:
        return [version for version in pool.map(commit, range(WRITERS)) if version]


def test_of_concurrent_commits_one_wins_and_its_version_holds_what_it_wrote(url: str) -> None:
    catalog = Catalog(Files(url))
    base = None
    for number in (1, 2, 3):
        (winner,) = race(url, base)
        assert catalog.latest() == winner
        assert winner.number == number
        rows = catalog.annotations(winner)
        assert rows["label_map"].to_list() == [f"map of {winner.message}"]
        base = winner


def test_a_commit_that_lost_the_race_succeeds_on_the_new_base(url: str) -> None:
    catalog = Catalog(Files(url))
    rows = annotation_rows([annotation("scan", "liver", "map")])
    state = {"scans": pl.DataFrame(schema=tables.SCANS), "annotations": [rows], "round_number": 0}
    first = catalog.commit(base=None, message="first", **state)
    with pytest.raises(CommitConflict, match="run again"):
        catalog.commit(base=None, message="late", **state)
    second = catalog.commit(base=first, message="late", **state)
    assert [v.message for v in catalog.versions()] == ["first", "late"]
    assert second.digest == first.digest


def test_no_row_is_lost_when_many_append_to_a_table_that_is_not_there_yet(url: str) -> None:
    barrier = Barrier(WRITERS)

    def append(writer: int) -> None:
        catalog = Catalog(Files(url))
        barrier.wait()
        for number in range(3):
            catalog.append("verdicts", [{"number": 10 * writer + number}], NUMBERS)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(append, range(WRITERS)))
    found = sorted(Catalog(Files(url)).table("verdicts", NUMBERS)["number"])
    assert found == [10 * writer + number for writer in range(WRITERS) for number in range(3)]
