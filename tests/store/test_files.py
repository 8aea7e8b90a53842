"""Documents: whole or not at all, on a disk and in a bucket."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import boto3
import pytest

from scalemai_core.errors import WorkspaceError
from scalemai_core.store.files import Files


def test_a_document_is_read_as_it_was_written(url: str) -> None:
    files = Files(url)
    files.write_bytes("rounds/1/plan.json", b"{}")
    files.write_bytes("rounds/1/plan.json", b'{"number": 1}')
    assert files.read_bytes("rounds/1/plan.json") == b'{"number": 1}'
    assert files.exists("rounds/1/plan.json")
    assert not files.exists("rounds/2/plan.json")


def test_a_file_is_put_whole(url: str, tmp_path: Path) -> None:
    source = tmp_path / "table"
    source.write_bytes(bytes(range(256)) * 40_000)
    files = Files(url)
    for _ in range(2):  # a second time in place of the first
        files.put("rounds/1/decisions.parquet", source)
        assert files.read_bytes("rounds/1/decisions.parquet") == source.read_bytes()
    assert files.names("rounds/1") == ["decisions.parquet"]


def test_a_missing_document_is_a_file_not_found_error(url: str) -> None:
    with pytest.raises(FileNotFoundError):
        Files(url).read_bytes("nothing.json")


def test_parts_of_a_missing_document_are_a_file_not_found_error(url: str) -> None:
    with pytest.raises(FileNotFoundError):
        list(Files(url).read_ranges("nothing", [(0, 2), (4, 6)]))


def test_names_are_sorted_and_a_missing_folder_is_empty(url: str) -> None:
    files = Files(url)
    for name in ("b.json", "a.json", "deep/c.json"):
        files.write_bytes(f"stage/{name}", b"x")
    assert files.names("stage") == ["a.json", "b.json", "deep"]
    assert files.names("nowhere") == []


def test_files_travel_between_processes_by_their_url(url: str) -> None:
    Files(url).write_bytes("a", b"1")
    assert pickle.loads(pickle.dumps(Files(url))).read_bytes("a") == b"1"


def test_what_another_machine_writes_is_seen_at_once(bucket: str, s3_endpoint: str) -> None:
    files = Files(bucket)
    files.write_bytes("stage/mine", b"1")
    assert files.names("stage") == ["mine"]
    assert not files.exists("stage/theirs")
    root = bucket.removeprefix("s3://hospital/")
    client = boto3.client("s3", endpoint_url=s3_endpoint)
    client.put_object(Bucket="hospital", Key=f"{root}/stage/theirs", Body=b"2")
    assert files.exists("stage/theirs")
    assert files.read_bytes("stage/theirs") == b"2"
    assert files.names("stage") == ["mine", "theirs"]


def test_a_write_that_is_killed_leaves_the_old_document_and_no_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(str(tmp_path))
    files.write_bytes("rounds/plan.json", b"old")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        files.write_bytes("rounds/plan.json", b"new")
    assert files.read_bytes("rounds/plan.json") == b"old"
    assert files.names("rounds") == ["plan.json"], "scratch files have no name"


def test_a_url_of_no_known_kind_is_refused_with_advice() -> None:
    with pytest.raises(WorkspaceError, match=r"give a folder or an s3:// URL"):
        Files("ftq://somewhere")


def test_a_removed_document_takes_with_it_what_killed_writers_left(tmp_path: Path) -> None:
    files = Files(str(tmp_path))
    files.write_bytes("models/a.bin", b"whole")
    files.write_bytes("models/a.bin.more", b"another")
    (tmp_path / "models" / ".a.bin.1234abcd").write_bytes(b"half")
    files.remove("models/a.bin")
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["a.bin.more"]
    files.remove("models/a.bin")
    files.remove("nowhere/at-all")


def test_a_document_is_created_once(url: str) -> None:
    files = Files(url)
    assert files.create("claims/1.json", b"mine")
    assert not files.create("claims/1.json", b"theirs")
    assert files.read_bytes("claims/1.json") == b"mine"
    assert list(files.listing("claims")) == ["claims/1.json"], "no scratch file stays"


def test_a_listing_names_all_below_a_folder_with_sizes(url: str) -> None:
    files = Files(url)
    for path, data in {"a/b/c": b"123", "a/d": b"", "ab/e": b"1"}.items():
        files.write_bytes(path, data)
    found = files.listing("a")
    assert {path: entry.size for path, entry in found.items()} == {"a/b/c": 3, "a/d": 0}
    assert all(entry.modified.tzinfo for entry in found.values())
    assert files.listing("nowhere") == {}
    files.remove_all(["a/b/c", "a/d"])
    assert files.listing("a") == {}
    assert files.read_bytes("ab/e") == b"1"
