"""Stored arrays: what Zarr reads, chunk by chunk; damage is told and named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import zarr
from hypothesis import given, settings
from hypothesis import strategies as st

from scalemai_core.errors import WorkspaceError
from scalemai_core.store.arrays.layout import CHUNK_ZYX
from scalemai_core.store.arrays.stored_array import (
    DOCUMENT,
    RUN_BYTES,
    SHARD,
    TAIL_BYTES,
    StoredArray,
    write_array,
)
from scalemai_core.store.files import Files
from scalemai_core.store.seal import sealed

SHAPE = (CHUNK_ZYX[0] + 5, 2 * CHUNK_ZYX[1], CHUNK_ZYX[2] - 3)
Edit = Callable[[bytearray], None]
ARRAYS = ("image", "labels", "background")


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    files = Files(str(tmp_path_factory.mktemp("volumes")))
    rng = np.random.default_rng(0)
    write_array(files, "image", rng.integers(-1000, 1000, SHAPE).astype(np.int16))
    write_array(files, "labels", rng.integers(0, 88, SHAPE).astype(np.uint8))
    write_array(files, "background", np.zeros(SHAPE, dtype=np.uint8))
    return files


@pytest.mark.parametrize("name", ARRAYS)
@settings(max_examples=40, deadline=None)
@given(ends=st.tuples(*(st.tuples(st.integers(0, n), st.integers(0, n)) for n in SHAPE)))
def test_a_box_holds_what_zarr_reads(
    files: Files, name: str, ends: tuple[tuple[int, int], ...]
) -> None:
    z, y, x = (slice(*each) for each in ends)
    expected = np.asarray(zarr.open_array(f"{files.url}/{name}", mode="r")[z, y, x])
    found = StoredArray(files, name)[z, y, x]
    assert found.dtype == expected.dtype
    assert found.shape == expected.shape
    assert np.array_equal(found, expected)


def test_a_box_reads_the_chunks_it_touches_and_no_more(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[tuple[int, int]]] = []
    read = Files.read_ranges

    def noting(self: Files, path: str, ranges: list[tuple[int, int]]) -> Iterator[bytes]:
        asked.append(ranges)
        return read(self, path, ranges)

    monkeypatch.setattr(Files, "read_ranges", noting)
    array = StoredArray(files, "image")
    array[0:4, 0:4, 0:4]
    array[CHUNK_ZYX[0] - 1 : CHUNK_ZYX[0] + 1, 0:4, 0:4]
    array.read()
    assert [len(ranges) for ranges in asked] == [1, 2, 1], "neighbours come together"
    size = files.size(f"image/{SHARD}")
    assert asked[2] == [(0, size - 4 * 16 - 4)]
    assert asked[0][0][1] < size / 2


def test_what_lies_at_the_end_of_the_shard_comes_with_its_table(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert files.size(f"background/{SHARD}") < TAIL_BYTES
    monkeypatch.delattr(Files, "read_ranges")
    assert not StoredArray(files, "background").read().any()


def test_long_runs_are_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(str(tmp_path))
    shape = (CHUNK_ZYX[0], 8 * CHUNK_ZYX[1], 8 * CHUNK_ZYX[2])
    image_zyx = np.random.default_rng(0).integers(-(2**15), 2**15, shape, dtype=np.int16)
    write_array(files, "image", image_zyx)
    assert files.size(f"image/{SHARD}") > 2 * RUN_BYTES
    read = Files.read_ranges

    def limited(self: Files, path: str, ranges: list[tuple[int, int]]) -> Iterator[bytes]:
        assert all(stop - start <= RUN_BYTES for start, stop in ranges)
        return read(self, path, ranges)

    monkeypatch.setattr(Files, "read_ranges", limited)
    np.testing.assert_array_equal(StoredArray(files, "image").read(), image_zyx)


def altered(files: Files, tmp_path: Path, name: str, part: str, edit: Edit) -> Files:
    """A copy of an array with something done to one of its objects."""
    copy = Files(str(tmp_path))
    for each in (DOCUMENT, SHARD):
        data = bytearray(files.read_bytes(f"{name}/{each}"))
        if each == part:
            edit(data)
        copy.write_bytes(f"{name}/{each}", bytes(data))
    return copy


def turned(position: int) -> Edit:
    """One byte is another."""

    def turn(data: bytearray) -> None:
        data[position] ^= 0x01

    return turn


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("position", [0, 20, -80, -10, -1])
def test_a_turned_bit_in_a_shard_is_told_with_its_name(
    files: Files, tmp_path: Path, name: str, position: int
) -> None:
    copy = altered(files, tmp_path, name, SHARD, turned(position))
    with pytest.raises(WorkspaceError, match=f"{name}/{SHARD} is damaged"):
        StoredArray(copy, name).read()


def test_a_turned_bit_anywhere_in_a_document_is_told_with_its_name(
    files: Files, tmp_path: Path
) -> None:
    for position in range(files.size(f"image/{DOCUMENT}")):
        copy = altered(files, tmp_path, "image", DOCUMENT, turned(position))
        with pytest.raises(WorkspaceError, match=f"image/{DOCUMENT} is damaged"):
            StoredArray(copy, "image")


@pytest.mark.parametrize("size", [0, 3, 40, -70, -1])
@pytest.mark.parametrize("part", [DOCUMENT, SHARD])
def test_what_was_cut_short_is_told_with_its_name(
    files: Files, tmp_path: Path, part: str, size: int
) -> None:
    def cut(data: bytearray) -> None:
        del data[size:]

    copy = altered(files, tmp_path, "image", part, cut)
    with pytest.raises(WorkspaceError, match=f"image/{part} is damaged"):
        StoredArray(copy, "image").read()


def test_lost_voxels_are_not_made_up(files: Files, tmp_path: Path) -> None:
    copy = Files(str(tmp_path))
    copy.write_bytes(f"image/{DOCUMENT}", files.read_bytes(f"image/{DOCUMENT}"))
    with pytest.raises(FileNotFoundError, match="image has lost its voxels"):
        StoredArray(copy, "image")
    with pytest.raises(FileNotFoundError, match="nothing is not stored"):
        StoredArray(copy, "nothing")


@pytest.mark.parametrize("data_type", ["int16", "float64"])
def test_an_array_of_another_program_is_refused(
    files: Files, tmp_path: Path, data_type: str
) -> None:
    def rewrite(data: bytearray) -> None:
        document = json.loads(bytes(data))
        document["codecs"] = [{"name": "bytes", "configuration": {"endian": "little"}}]
        document["data_type"] = data_type
        data[:] = sealed(document)

    copy = altered(files, tmp_path, "image", DOCUMENT, rewrite)
    with pytest.raises(WorkspaceError, match="another program"):
        StoredArray(copy, "image")


def test_chunks_in_folders_of_their_axes_are_refused(files: Files, tmp_path: Path) -> None:
    def rewrite(data: bytearray) -> None:
        document = json.loads(bytes(data))
        document["chunk_key_encoding"]["configuration"]["separator"] = "/"
        data[:] = sealed(document)

    copy = altered(files, tmp_path, "image", DOCUMENT, rewrite)
    with pytest.raises(WorkspaceError, match="earlier version"):
        StoredArray(copy, "image")


def test_arrays_that_zarr_wrote_are_refused_since_their_documents_can_alter_unseen(
    tmp_path: Path,
) -> None:
    zarr.create_array(tmp_path / "image", shape=SHAPE, dtype="int16")
    with pytest.raises(WorkspaceError, match="checksum is wrong or missing"):
        StoredArray(Files(str(tmp_path)), "image")


def test_chunks_beyond_the_edge_hold_air_and_background(files: Files) -> None:
    shard = [CHUNK_ZYX[0] * 2, CHUNK_ZYX[1] * 2, CHUNK_ZYX[2] - 3]
    for name, fill in (("image", -1024), ("labels", 0)):
        document = json.loads(files.read_bytes(f"{name}/{DOCUMENT}"))
        assert document["chunk_grid"]["configuration"]["chunk_shape"] == shard
        assert document["fill_value"] == fill
