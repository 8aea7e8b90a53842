"""Voxels: stored once under their content, visible only when whole, checked when read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp
from made_up_scans import GRID, SHAPE_ZYX, made_image, painted

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.store.arrays import ome
from scalemai_core.store.arrays.stored_array import DOCUMENT, SHARD
from scalemai_core.store.arrays.volumes import Volumes, content_hash
from scalemai_core.store.files import Files
from scalemai_core.store.workspace import Workspace
from scalemai_core.volume.lesion_odds import LesionOdds

LARGE_ZYX = (61, 130, 257)
LARGE = Grid.of(LARGE_ZYX, GRID.matrix)


def shard_of(store: Workspace, scan_id: str) -> Path:
    assert store.files.folder is not None
    return store.files.folder / "scans" / f"{scan_id}.ome.zarr" / ome.LEVEL / SHARD


def test_a_scan_is_read_voxel_for_voxel(url: str) -> None:
    store = Workspace.create(url)
    image_zyx = made_image()
    scan_id = store.scans.write(image_zyx, GRID, {})
    again = Workspace.open(url).scans.read(scan_id)
    assert again.dtype == np.int16
    np.testing.assert_array_equal(again, image_zyx)


def test_volumes_of_many_chunks_come_back_whole_and_in_parts(store: Workspace) -> None:
    rng = np.random.default_rng(0)
    image_zyx = rng.integers(-1024, 3072, LARGE_ZYX, dtype=np.int16)
    scan_id = store.scans.write(image_zyx, LARGE, {})
    np.testing.assert_array_equal(store.scans.read(scan_id), image_zyx)
    part = store.scans.array(scan_id)[40:55, 120:130, 100:200]
    np.testing.assert_array_equal(part, image_zyx[40:55, 120:130, 100:200])
    stored = {path.name for path in shard_of(store, scan_id).parent.iterdir()}
    assert stored == {SHARD, DOCUMENT}, "one object of voxels a volume"


@settings(max_examples=25, deadline=None)
@given(image_zyx=hnp.arrays(np.int16, hnp.array_shapes(min_dims=3, max_dims=3, max_side=9)))
def test_any_image_comes_back_as_it_went_in(
    tmp_path_factory: pytest.TempPathFactory, image_zyx: np.ndarray
) -> None:
    volumes = Volumes(Files(str(tmp_path_factory.mktemp("any"))))
    volumes.write("v", image_zyx, b"{}")
    np.testing.assert_array_equal(volumes.read("v"), image_zyx)


def test_empty_label_maps_and_scans_of_air_are_volumes_too(store: Workspace) -> None:
    air = np.full(SHAPE_ZYX, -1024, dtype=np.int16)
    scan_id = store.scans.write(air, GRID, {})
    np.testing.assert_array_equal(store.scans.read(scan_id), air)
    nothing = np.zeros(SHAPE_ZYX, dtype=np.uint8)
    name = store.labels.write(nothing, scan_id, Layer.LESIONS, GRID)
    np.testing.assert_array_equal(store.labels.read(name), nothing)


def test_the_same_voxels_are_stored_once(store: Workspace) -> None:
    scan_id = store.scans.write(made_image(), GRID, {"source_axes": "RAS"})
    before = shard_of(store, scan_id).stat().st_mtime_ns
    assert store.scans.write(made_image(), GRID, {"source_axes": "LPS"}) == scan_id
    assert shard_of(store, scan_id).stat().st_mtime_ns == before


def test_a_name_follows_voxels_type_geometry_and_context() -> None:
    image_zyx = made_image()
    one_voxel = image_zyx.copy()
    one_voxel[0, 0, 0] += 1
    moved = GRID.matrix
    moved[0, 3] += 0.001
    names = {
        content_hash(image_zyx, GRID),
        content_hash(one_voxel, GRID),
        content_hash(image_zyx.view(np.uint16), GRID),
        content_hash(image_zyx, Grid.of(SHAPE_ZYX, moved)),
        content_hash(image_zyx, GRID, "other scan"),
    }
    assert len(names) == 5
    assert content_hash(np.asfortranarray(image_zyx), GRID) == content_hash(image_zyx, GRID)


def test_geometry_noise_below_a_tenth_of_a_micrometre_names_the_same_scan() -> None:
    matrix = GRID.matrix
    matrix[:3] += 1e-9
    assert content_hash(made_image(), Grid.of(SHAPE_ZYX, matrix)) == content_hash(
        made_image(), GRID
    )


def test_a_label_map_belongs_to_its_scan_and_layer(store: Workspace) -> None:
    labels_zyx = painted(liver=slice(0, 4))
    names = {
        store.labels.write(labels_zyx, scan_id, layer, GRID)
        for scan_id in ("one", "two")
        for layer in (Layer.ANATOMY, Layer.VESSELS)
    }
    assert len(names) == 4
    for name in names:
        np.testing.assert_array_equal(store.labels.read(name), labels_zyx)


def test_a_volume_without_its_group_document_does_not_exist(store: Workspace) -> None:
    scan_id = store.scans.write(made_image(), GRID, {})
    assert store.scans.exists(scan_id)
    assert store.files.folder is not None
    (store.files.folder / "scans" / f"{scan_id}.ome.zarr" / ome.GROUP_DOCUMENT).unlink()
    assert not store.scans.exists(scan_id)
    assert store.scans.write(made_image(), GRID, {}) == scan_id, "and is written anew"
    assert store.scans.exists(scan_id)


def test_the_group_document_is_written_after_the_voxels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = Files(str(tmp_path))
    order: list[str] = []
    write = files.write_bytes

    def write_bytes(path: str, data: bytes) -> None:
        order.append(path)
        write(path, data)

    monkeypatch.setattr(files, "write_bytes", write_bytes)
    Volumes(files).write("v", made_image(), b"{}")
    array = f"v/{ome.LEVEL}"
    assert order == [f"{array}/{SHARD}", f"{array}/{DOCUMENT}", f"v/{ome.GROUP_DOCUMENT}"]
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == {
        *order
    }, "and there is nothing else"


@pytest.mark.parametrize("written", [0, 1, 2])
def test_a_volume_killed_before_its_document_does_not_exist(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    files = Files(str(tmp_path))
    write, before = files.write_bytes, iter(range(written))

    def killed(path: str, data: bytes) -> None:
        if next(before, None) is None:
            raise KeyboardInterrupt
        write(path, data)

    monkeypatch.setattr(files, "write_bytes", killed)
    volumes = Volumes(files)
    with pytest.raises(KeyboardInterrupt):
        volumes.write("scans/v.ome.zarr", made_image(), b"{}")
    assert not volumes.exists("scans/v.ome.zarr")


def test_a_prediction_replaces_what_a_killed_run_left(url: str) -> None:
    store = Workspace.create(url)
    for width in (2, 4):
        labels = {Layer.ANATOMY: painted(liver=slice(0, width))}
        store.predictions.write("model", "scan", labels, GRID)
    np.testing.assert_array_equal(
        store.predictions.read("model", "scan", Layer.ANATOMY), painted(liver=slice(0, 4))
    )
    assert store.predictions.exists("model", "scan", Layer.ANATOMY)
    assert not store.predictions.exists("model", "scan", Layer.VESSELS)
    assert not store.predictions.exists("other", "scan", Layer.ANATOMY)


def test_what_a_model_gives_lesions_comes_back_on_its_own_grid(url: str) -> None:
    store = Workspace.create(url)
    rng = np.random.default_rng(4)
    shape = (9, 11, 13)
    odds = LesionOdds(
        rng.integers(0, 256, shape, dtype=np.uint8),
        rng.integers(81, 89, shape, dtype=np.uint8),
        Grid.of(shape, np.diag([1.5, 1.5, 3.0, 1.0])),
    )
    assert store.predictions.read_lesions("model", "scan") is None
    store.predictions.write_lesions("model", "scan", odds)
    found = Workspace.open(url).predictions.read_lesions("model", "scan")
    assert found is not None
    assert found.grid == odds.grid
    np.testing.assert_array_equal(found.codes_zyx, odds.codes_zyx)
    np.testing.assert_array_equal(found.types_zyx, odds.types_zyx)
    assert store.predictions.read_lesions("model", "another") is None


def test_a_volume_that_was_never_stored_is_a_file_not_found_error(url: str) -> None:
    with pytest.raises(FileNotFoundError, match="not stored"):
        Workspace.create(url).scans.read("nothing")


def test_a_turned_bit_anywhere_in_a_group_document_is_told_with_its_name(store: Workspace) -> None:
    scan_id = store.scans.write(made_image(), GRID, {})
    place = f"scans/{scan_id}.ome.zarr/{ome.GROUP_DOCUMENT}"
    whole = store.files.read_bytes(place)
    for position in range(len(whole)):
        turned = bytearray(whole)
        turned[position] ^= 0x01
        store.files.write_bytes(place, bytes(turned))
        with pytest.raises(WorkspaceError, match=f"{place} is damaged"):
            store.scans.grid(scan_id)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "overwritten"])
def test_damaged_voxels_are_never_read_as_if_they_were_sound(store: Workspace, damage: str) -> None:
    rng = np.random.default_rng(0)
    image_zyx = rng.integers(-1024, 3072, (30, 40, 50), dtype=np.int16)
    scan_id = store.scans.write(image_zyx, Grid.of(image_zyx.shape, GRID.matrix), {})
    shard = shard_of(store, scan_id)
    whole = shard.read_bytes()
    if damage == "missing":
        shard.unlink()
    else:
        middle = b"x" * 100 if damage == "overwritten" else b""
        kept = {"empty": (0, 0), "cut": (len(whole) // 2, 0), "overwritten": (500, 600)}[damage]
        end = whole[kept[1] :] if kept[1] else b""
        shard.write_bytes(whole[: kept[0]] + middle + end)
    with pytest.raises((FileNotFoundError, WorkspaceError), match=scan_id):
        store.scans.read(scan_id)
