"""The ledger: what counts as finished, and how a rerun goes on."""

from __future__ import annotations

import polars as pl
import pytest

from scalemai_core.records.shard import Shard
from scalemai_core.store.documents.ledger import Ledger, step_key
from scalemai_core.store.files import Files


def rows_of(*scan_ids: str) -> pl.DataFrame:
    return pl.DataFrame([{"scan_id": scan_id, "number": len(scan_id)} for scan_id in scan_ids])


def test_a_stage_that_never_ran_has_nothing(url: str) -> None:
    ledger = Ledger(Files(url), 1, "judge", "key")
    assert ledger.finished() == frozenset()
    assert ledger.rows().height == 0


def test_rows_of_all_shards_come_back_sorted_by_scan(url: str) -> None:
    ledger = Ledger(Files(url), 1, "judge", "key")
    ledger.write(["ccc", "d"], rows_of("ccc", "d"))
    ledger.write(["a", "bb"], rows_of("bb", "a"))
    assert ledger.finished() == {"a", "bb", "ccc", "d"}
    assert ledger.rows().rows() == [("a", 1), ("bb", 2), ("ccc", 3), ("d", 1)]


def test_a_scan_that_two_shards_finished_counts_once(url: str) -> None:
    ledger = Ledger(Files(url), 1, "judge", "key")
    for part in (["a", "b"], ["a", "b", "c"], ["b", "c", "d"]):
        ledger.write(part, rows_of(*part, *part))
    rows = ledger.rows()
    assert rows["scan_id"].to_list() == [*"aabbccdd"]
    assert rows.columns == ["scan_id", "number"]


def test_blocks_come_in_the_order_of_scans_and_never_cut_one(url: str) -> None:
    ledger = Ledger(Files(url), 1, "judge", "key")
    for part in (["e", "f"], ["a", "d"], ["b", "c"]):
        ledger.write(part, rows_of(*part, *part))
    ledger.write(["g"], pl.DataFrame())
    blocks = [block["scan_id"].to_list() for block in ledger.blocks()]
    assert blocks == [["a", "a", "b", "b", "c", "c", "d", "d"], ["e", "e", "f", "f"]]
    assert [block.height for block in ledger.blocks(["scan_id"])] == [8, 4], "and again"


def test_rows_of_some_scans_come_from_a_shard_of_theirs_or_from_any(url: str) -> None:
    ledger = Ledger(Files(url), 1, "judge", "key")
    ledger.write(["a", "b"], rows_of("a", "b"))
    ledger.write(["c", "d"], rows_of("c", "d"))
    assert ledger.rows(scan_ids=["b", "a"])["scan_id"].to_list() == ["a", "b"]
    assert ledger.rows(scan_ids=["d", "b", "x"])["scan_id"].to_list() == ["b", "d"]
    assert ledger.rows(scan_ids=["x"]).height == 0


def test_only_parts_that_may_hold_a_scan_are_opened(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(Files(url), 1, "judge", "key")
    for first in range(0, 40, 4):
        part = [f"scan-{number:03d}" for number in range(first, first + 4)]
        ledger.write(part, rows_of(*part))
    opened: list[str] = []
    read = Files.read_bytes

    def told(files: Files, path: str) -> bytes:
        opened.append(path)
        return read(files, path)

    monkeypatch.setattr(Files, "read_bytes", told)
    shifted = [f"scan-{number:03d}" for number in range(9, 13)]
    assert ledger.rows(scan_ids=shifted)["scan_id"].to_list() == shifted
    assert len(opened) == 2, "scans 9 to 11 and scan 12"
    assert all(path.endswith(".parquet") for path in opened)


def test_names_of_scans_may_be_paths_and_begin_alike(url: str) -> None:
    ledger = Ledger(Files(url), 0, "ingest", "key")
    parts = [["/long/way/to/ä/1"], ["/long/way/to/ä/3", "/long/way/to/ä/2"], ["/short"]]
    for part in parts:
        ledger.write(part, rows_of(*part))
    everything = sorted(name for part in parts for name in part)
    assert ledger.finished() == set(everything)
    assert [name for block in ledger.blocks() for name in block["scan_id"]] == everything
    assert ledger.rows(scan_ids=["/long/way/to/ä/3"])["scan_id"].to_list() == ["/long/way/to/ä/3"]


def test_a_part_without_its_done_mark_is_not_finished(url: str) -> None:
    files = Files(url)
    ledger = Ledger(files, 1, "judge", "key")
    ledger.write(["a"], rows_of("a"))
    ledger.write(["b"], rows_of("b"))
    (part,) = [
        name
        for name in files.names("rounds/1/judge-key")
        if name.endswith(".parquet") and b"b" in files.read_bytes(f"rounds/1/judge-key/{name}")
    ][:1]
    killed = Files(f"{url}/killed")
    content = files.read_bytes(f"rounds/1/judge-key/{part}")
    killed.write_bytes(f"rounds/1/judge-key/{part}", content)
    resumed = Ledger(killed, 1, "judge", "key")
    assert resumed.finished() == frozenset()
    assert resumed.rows().height == 0


def test_a_rerun_may_cut_its_shards_differently(url: str) -> None:
    ledger = Ledger(Files(url), 1, "judge", "key")
    ledger.write(["a", "b"], rows_of("a", "b"))
    again = Ledger(Files(url), 1, "judge", "key")
    missing = sorted({"a", "b", "c", "d"} - again.finished())
    again.write(missing, rows_of(*missing))
    assert again.rows()["scan_id"].to_list() == ["a", "b", "c", "d"]


def test_a_part_whose_name_says_nothing_of_its_scans_is_redone(url: str) -> None:
    files = Files(url)
    ledger = Ledger(files, 1, "judge", "key")
    ledger.write(["b"], rows_of("b"))
    for name in files.names("rounds/1/judge-key"):
        content = files.read_bytes(f"rounds/1/judge-key/{name}")
        files.write_bytes(f"rounds/1/judge-key/0123456789abcdef.{name.split('.')[1]}", content)
    assert ledger.finished() == {"b"}
    assert ledger.rows()["scan_id"].to_list() == ["b"]


def test_a_shard_without_rows_is_finished_all_the_same(url: str) -> None:
    ledger = Ledger(Files(url), 1, "review", "key")
    ledger.write(["a"], pl.DataFrame())
    assert ledger.finished() == {"a"}
    assert ledger.rows().height == 0


def test_rows_with_and_without_an_error_column_fit_together(url: str) -> None:
    ledger = Ledger(Files(url), 1, "judge", "key")
    ledger.write(["a"], rows_of("a"))
    ledger.write(["b"], pl.DataFrame([{"scan_id": "b", "error": "OSError: gone"}]))
    assert ledger.rows().to_dicts() == [
        {"scan_id": "a", "number": 1, "error": None},
        {"scan_id": "b", "number": None, "error": "OSError: gone"},
    ]


def test_columns_can_be_read_alone_where_some_parts_lack_them(url: str) -> None:
    ledger = Ledger(Files(url), 1, "judge", "key")
    ledger.write(["b"], pl.DataFrame([{"scan_id": "b", "error": "OSError: gone"}]))
    ledger.write(["a"], rows_of("a"))
    assert ledger.rows(["scan_id", "error"]).to_dicts() == [
        {"scan_id": "a", "error": None},
        {"scan_id": "b", "error": "OSError: gone"},
    ]


def test_stages_keys_and_rounds_do_not_mix(url: str) -> None:
    files = Files(url)
    Ledger(files, 1, "judge", "key").write(["a"], rows_of("a"))
    for other in (("judge", "other", 1), ("predict", "key", 1), ("judge", "key", 2)):
        stage, key, number = other
        assert Ledger(files, number, stage, key).finished() == frozenset()


def test_a_shard_finds_its_own_ledger(url: str) -> None:
    files = Files(url)
    shard = Shard(round=3, stage="revise", key="k", index=0, total=1, scan_ids=("a",))
    Ledger.of(files, shard).write(shard.scan_ids, rows_of("a"))
    assert Ledger(files, 3, "revise", "k").finished() == {"a"}


def test_a_key_follows_content_whatever_the_order_of_its_parts() -> None:
    assert step_key(a=1, b={"x": 2}) == step_key(b={"x": 2}, a=1)
    assert step_key(a=1) != step_key(a=2)
    assert step_key(a=1) != step_key(b=1)
