"""The index of label maps: found once, named by the label map, read without it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

CYST = load_taxonomy()["kidney_cyst"].id


@pytest.fixture
def grid() -> Grid:
    return Grid.of((12, 14, 16), np.diag([1.0, 1.0, 1.0, 1.0]))


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    return Workspace.create(str(tmp_path / "w"))


@pytest.fixture
def name(store: Workspace, grid: Grid) -> str:
    labels_zyx = np.zeros(grid.shape_zyx, dtype=np.uint8)
    labels_zyx[1:4, 1:4, 1:4] = labels_zyx[8:11, 9:12, 10:15] = CYST
    return store.labels.write(labels_zyx, "scan", Layer.LESIONS, grid)


def test_an_index_holds_voxels_of_every_structure_and_lesion(
    store: Workspace, name: str, grid: Grid
) -> None:
    assert store.label_index.write(name, Layer.LESIONS, grid)
    found = store.label_index.read(name)
    labels_zyx = store.labels.read(name)
    assert list(found.structures) == [CYST]
    assert sorted(len(lesion.places_zyx) for lesion in found.lesions) == [27, 45]
    for lesion in found.lesions:
        assert lesion.structure_id == CYST
        assert (labels_zyx[tuple(lesion.places_zyx.T)] == CYST).all()
        assert 3.0 < lesion.diameter_mm < 5.0


def test_an_index_is_made_once(store: Workspace, name: str, grid: Grid) -> None:
    assert store.label_index.write(name, Layer.LESIONS, grid)
    before = store.label_index.read(name)
    assert not store.label_index.write(name, Layer.LESIONS, grid)
    store.files.write_bytes(f"labels/{name}.places.parquet", b"")
    assert not store.label_index.write(name, Layer.LESIONS, grid), "what is there is not touched"
    assert before.structures.keys() == {CYST}


def test_the_same_label_map_gives_the_same_index_anywhere(
    store: Workspace, name: str, grid: Grid, tmp_path: Path
) -> None:
    store.label_index.write(name, Layer.LESIONS, grid)
    other = Workspace.create(str(tmp_path / "other"))
    again = other.labels.write(store.labels.read(name), "scan", Layer.LESIONS, grid)
    assert again == name
    other.label_index.write(again, Layer.LESIONS, grid)
    path = f"labels/{name}.places.parquet"
    assert store.files.read_bytes(path) == other.files.read_bytes(path)


def test_an_index_that_is_missing_is_an_error_that_says_what_to_do(
    store: Workspace, name: str
) -> None:
    with pytest.raises(WorkspaceError, match="has no index"):
        store.label_index.read(name)


def test_an_empty_label_map_has_an_empty_index(store: Workspace, grid: Grid) -> None:
    empty = store.labels.write(
        np.zeros(grid.shape_zyx, dtype=np.uint8), "scan", Layer.ANATOMY, grid
    )
    store.label_index.write(empty, Layer.ANATOMY, grid)
    found = store.label_index.read(empty)
    assert found.structures == {}
    assert found.lesions == ()
