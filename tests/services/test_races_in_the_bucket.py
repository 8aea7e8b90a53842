"""Processes that commit at once to a real bucket: one wins each time, and nothing is lost."""

from __future__ import annotations

import multiprocessing
import os
import uuid
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from typing import Any

import boto3
import polars as pl
import pytest
from botocore.exceptions import ClientError
from running_services import remove_all

from scalemai_core.errors import CommitConflict
from scalemai_core.records.annotation import Annotation, State
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.catalog import Catalog
from scalemai_core.store.catalog.rows import annotation_rows
from scalemai_core.store.files import Files

pytestmark = pytest.mark.services

WRITERS = 4
ROUNDS = 5
APPENDS = 3
PATIENCE_SECONDS = 900
NUMBERS = pl.Schema({"number": pl.Int64})


@pytest.fixture
def url() -> Iterator[str]:
    """An empty place in the bucket."""
    place = f"{os.environ['SCALEMAI_BUCKET']}/race_{uuid.uuid4().hex[:12]}"
    yield place
    remove_all(place)


@pytest.fixture(scope="module")
def writers() -> Iterator[ProcessPoolExecutor]:
    """Processes that meet at ``together``."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        WRITERS, mp_context=spawn, initializer=meet_at, initargs=(spawn.Barrier(WRITERS),)
    ) as pool:
        yield pool


together: dict[str, Barrier] = {}


def meet_at(barrier: Barrier) -> None:
    """In a writer: where it waits for the others."""
    together["start"] = barrier


def commit(url: str, writer: int, base: DatasetVersion | None) -> DatasetVersion | None:
    """In a writer: the version it made, or None if another was faster."""
    row = Annotation(
        scan_id="scan",
        structure="liver",
        state=State.PRESENT,
        label_map=f"map of {writer}",
        revision=writer + 2,
    )
    catalog = Catalog(Files(url))
    together["start"].wait()
    try:
        return catalog.commit(
            base=base,
            scans=pl.DataFrame(schema=tables.SCANS),
            annotations=[annotation_rows([row])],
            round_number=0,
            message=str(writer),
        )
    except CommitConflict:
        return None


def append(url: str, writer: int) -> None:
    """In a writer: some rows, one commit each."""
    catalog = Catalog(Files(url))
    together["start"].wait()
    for number in range(APPENDS):
        catalog.append("verdicts", [{"number": 10 * writer + number}], NUMBERS)


def all_at_once(pool: ProcessPoolExecutor, work: Any, url: str, *more: Any) -> list[Any]:
    """What every writer returns."""
    running = [pool.submit(work, url, writer, *more) for writer in range(WRITERS)]
    return [one.result(timeout=PATIENCE_SECONDS) for one in running]


def test_of_processes_that_commit_at_once_one_wins(url: str, writers: ProcessPoolExecutor) -> None:
    catalog = Catalog(Files(url))
    base: DatasetVersion | None = None
    for number in range(1, ROUNDS + 1):
        (winner,) = [made for made in all_at_once(writers, commit, url, base) if made]
        assert winner.number == number
        assert catalog.latest() == winner
        held = catalog.annotations(winner)["label_map"].to_list()
        assert held == [f"map of {winner.message}"]
        base = winner
    assert [version.number for version in catalog.versions()] == list(range(1, ROUNDS + 1))


def test_of_processes_that_append_at_once_none_loses_a_row(
    url: str, writers: ProcessPoolExecutor
) -> None:
    all_at_once(writers, append, url)
    found = sorted(Catalog(Files(url)).table("verdicts", NUMBERS)["number"])
    assert found == [10 * writer + number for writer in range(WRITERS) for number in range(APPENDS)]


def test_a_wrong_secret_opens_nothing() -> None:
    known = os.environ["AWS_ACCESS_KEY_ID"]
    client = boto3.client("s3", aws_access_key_id=known, aws_secret_access_key="0" * 40)
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client.list_buckets()
