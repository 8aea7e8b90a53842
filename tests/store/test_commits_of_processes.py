"""Processes that commit at once, on a disk and in a bucket: one wins, and nothing is lost."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import Any

import polars as pl
import pytest
from made_up_scans import annotation

from scalemai_core.errors import CommitConflict
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.catalog import Catalog
from scalemai_core.store.catalog.rebase import commit_revision
from scalemai_core.store.catalog.rows import annotation_rows
from scalemai_core.store.files import Files

WRITERS = 4
APPENDS = 3
SCANS = pl.DataFrame(schema=tables.SCANS)
NUMBERS = pl.Schema({"number": pl.Int64})
together: dict[str, Barrier] = {}


def meet_at(barrier: Barrier) -> None:
    """In a writer: where it waits for the others."""
    together["start"] = barrier


@pytest.fixture
def writers(url: str) -> Iterator[ProcessPoolExecutor]:
    """Processes that meet at ``together``; they inherit the way to the bucket."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        WRITERS, mp_context=spawn, initializer=meet_at, initargs=(spawn.Barrier(WRITERS),)
    ) as pool:
        yield pool


def rows_of(*writers: int, revision: int) -> pl.DataFrame:
    """An annotation of a scan of its own for each writer."""
    return annotation_rows(
        annotation(f"scan {w}", "liver", f"map {w}-{revision}", revision=revision) for w in writers
    )


def compete(url: str, writer: int, base: DatasetVersion | None) -> DatasetVersion | None:
    """In a writer: its own state on ``base``, or None if another was faster."""
    catalog = Catalog(Files(url))
    together["start"].wait()
    try:
        return catalog.commit(
            base=base,
            scans=SCANS,
            annotations=[rows_of(writer, revision=base.number + 1 if base else 1)],
            round_number=0,
            message=str(writer),
        )
    except CommitConflict:
        return None


def revise(url: str, writer: int, base: DatasetVersion) -> int:
    """In a writer: its own scan revised, however often it has to begin again."""
    catalog = Catalog(Files(url))
    together["start"].wait()
    return commit_revision(catalog, base, [rows_of(writer, revision=2)], writer + 1).number


def append(url: str, writer: int) -> None:
    """In a writer: some rows, one commit each."""
    catalog = Catalog(Files(url))
    together["start"].wait()
    for number in range(APPENDS):
        catalog.append("verdicts", [{"number": 10 * writer + number}], NUMBERS)


def all_at_once(
    pool: ProcessPoolExecutor, work: Callable[..., Any], url: str, *more: Any
) -> list[Any]:
    """What every writer returns."""
    running = [pool.submit(work, url, writer, *more) for writer in range(WRITERS)]
    return [one.result(timeout=120) for one in running]


def test_of_processes_that_commit_at_once_one_wins_and_the_others_are_told(
    url: str, writers: ProcessPoolExecutor
) -> None:
    catalog = Catalog(Files(url))
    base = None
    for number in (1, 2):
        (winner,) = [one for one in all_at_once(writers, compete, url, base) if one]
        assert winner.number == number
        assert catalog.latest() == winner
        expected = rows_of(int(winner.message), revision=number)
        assert catalog.annotations(winner).equals(expected)
        base = winner


def test_processes_that_revise_scans_of_their_own_all_get_through(
    url: str, writers: ProcessPoolExecutor
) -> None:
    catalog = Catalog(Files(url))
    base = catalog.commit(
        base=None,
        scans=SCANS,
        annotations=[rows_of(*range(WRITERS), revision=1)],
        round_number=0,
        message="ingestion",
    )
    numbers = all_at_once(writers, revise, url, base)
    assert sorted(numbers) == list(range(2, WRITERS + 2))
    newest = catalog.versions()[-1]
    assert catalog.annotations(newest).equals(rows_of(*range(WRITERS), revision=2))
    assert catalog.changes(base, newest).height == WRITERS
    assert [version.changed for version in catalog.versions()] == [WRITERS] + [1] * WRITERS


def test_no_row_that_processes_append_at_once_is_lost(
    url: str, writers: ProcessPoolExecutor
) -> None:
    all_at_once(writers, append, url)
    found = sorted(Catalog(Files(url)).table("verdicts", NUMBERS)["number"])
    assert found == [10 * w + number for w in range(WRITERS) for number in range(APPENDS)]
