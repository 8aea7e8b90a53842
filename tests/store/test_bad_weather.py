"""A store that throttles, cuts and dawdles gives the same bytes; what cannot pass is no secret."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import polars as pl
import pytest
import s3fs
from botocore.exceptions import ClientError, EndpointConnectionError
from deltalake.exceptions import DeltaError
from faulty_network import Network, Weather, bad_weather
from made_up_scans import GRID, made_image

from scalemai_core.errors import CommitConflict, SettingsError, WorkspaceError
from scalemai_core.records.annotation import Annotation, State
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store import patience
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.catalog import Catalog
from scalemai_core.store.catalog.rows import annotation_rows
from scalemai_core.store.files import Files
from scalemai_core.store.workspace import Workspace

Sky = Callable[[Weather], AbstractContextManager[Network]]


@pytest.fixture
def under(bucket: str, s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Sky:
    """Put the bucket behind a network that fails."""

    @contextmanager
    def weather(kind: Weather) -> Iterator[Network]:
        with bad_weather(s3_endpoint, kind) as network, monkeypatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", network.url)
            s3fs.S3FileSystem.clear_instance_cache()
            yield network
        s3fs.S3FileSystem.clear_instance_cache()

    return weather


def commit(url: str, base: DatasetVersion | None, revision: int) -> DatasetVersion:
    row = Annotation(
        scan_id="scan",
        structure="liver",
        state=State.PRESENT,
        label_map=f"map {revision}",
        revision=revision,
    )
    return Catalog(Files(url)).commit(
        base=base,
        scans=pl.DataFrame(schema=tables.SCANS),
        annotations=[annotation_rows([row])],
        round_number=0,
        message=str(revision),
    )


def test_documents_and_volumes_come_through_whole(bucket: str, under: Sky) -> None:
    image = made_image()
    with under(Weather(busy=0.1, cut=0.15, slow=0.05, slow_s=0.2, seed=3)) as network:
        store = Workspace.create(f"{bucket}/ws")
        for number in range(20):
            store.files.write_bytes(f"d/{number}", bytes([number]) * 100_000)
        scan_id = store.scans.write(image, GRID, {})
        np.testing.assert_array_equal(store.scans.read(scan_id), image)
        np.testing.assert_array_equal(store.scans.array(scan_id)[:, :, :], image)
        documents = store.files.read_all("d", "")
        assert documents == [bytes([int(n)]) * 100_000 for n in store.files.names("d")]
    assert min(network.counts[fate] for fate in ("busy", "cut", "slow")) > 0


def test_commits_whose_answer_is_lost_count_once(bucket: str, under: Sky) -> None:
    base: DatasetVersion | None = None
    lost = ("PUT ", "/_delta_log/")
    with under(Weather(busy=0.0, cut=0.0, slow=0.0, lose=lost)) as network:
        for number in range(1, 4):
            base = commit(f"{bucket}/ws", base, number)
    assert sum("/versions/_delta_log/" in asked for asked in network.cut_requests) >= 3
    catalog = Catalog(Files(f"{bucket}/ws"))
    assert [version.number for version in catalog.versions()] == [1, 2, 3]
    assert catalog.versions()[-1] == base
    assert catalog.table("changes", tables.CHANGES)["label_map_after"].to_list().count("map 2") == 1


def test_another_writers_commit_is_still_a_conflict(bucket: str, under: Sky) -> None:
    first = commit(f"{bucket}/ws", None, 1)
    commit(f"{bucket}/ws", first, 2)
    with under(Weather(seed=2)), pytest.raises(CommitConflict):
        commit(f"{bucket}/ws", first, 3)


def test_a_store_that_never_answers_is_told_as_what_may_pass(
    bucket: str, under: Sky, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(patience.TRIES_VARIABLE, "1")
    store = Workspace.create(f"{bucket}/ws")
    version = commit(store.url, None, 1)
    with under(Weather(busy=1.0)):
        with pytest.raises(OSError, match="Service Unavailable") as of_files:
            Files(store.url).read_bytes("workspace.json")
        assert patience.may_pass(of_files.value)
        with pytest.raises((OSError, DeltaError)) as of_tables:
            Catalog(Files(store.url)).annotations(version)
        assert patience.may_pass(of_tables.value)
        with pytest.raises(WorkspaceError) as of_workspace:
            Workspace.open(store.url)
        assert patience.may_pass(of_workspace.value)


def answered(status: int, code: str) -> ClientError:
    metadata = {"HTTPStatusCode": status}
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": metadata}, "GetObject")  # pyright: ignore[reportArgumentType] - more than the type asks for is no use here


@pytest.mark.parametrize(
    ("error", "passes"),
    [
        (answered(503, "SlowDown"), True),
        (answered(500, "InternalError"), True),
        (answered(429, "TooManyRequests"), True),
        (answered(403, "AccessDenied"), False),
        (answered(404, "NoSuchKey"), False),
        (EndpointConnectionError(endpoint_url="http://store"), True),
        (OSError(errno.EBUSY, "reduce your request rate"), True),
        (ConnectionResetError(), True),
        (TimeoutError(), True),
        (OSError("Generic S3 error: Error performing PUT, after 10 retries"), True),
        (FileNotFoundError("gone"), False),
        (PermissionError("forbidden"), False),
        (OSError(errno.ENOSPC, "disk full"), False),
        (ValueError("Stored and computed checksum do not match"), False),
        (KeyError("structure"), False),
    ],
    ids=repr,
)
def test_only_what_may_pass_is_tried_again(error: Exception, *, passes: bool) -> None:
    assert patience.may_pass(error) is passes


def test_patience_is_a_whole_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(patience.WAIT_VARIABLE, "long")
    with pytest.raises(SettingsError, match="SCALEMAI_STORE_WAIT_SECONDS"):
        patience.bucket_options()
