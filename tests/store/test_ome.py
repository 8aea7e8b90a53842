"""Stored volumes are valid OME-Zarr 0.5, by an independent reader's word and by plain Zarr."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from made_up_scans import GRID, SHAPE_ZYX, made_image, painted
from ome_zarr_models.v05 import Image, ImageLabel

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.store.arrays import ome
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy


@pytest.fixture
def root(store: Workspace) -> Path:
    assert store.files.folder is not None
    return store.files.folder


def transformations(attributes: dict[str, Any]) -> dict[str, list[float]]:
    (dataset,) = attributes["ome"]["multiscales"][0]["datasets"]
    assert dataset["path"] == "0"
    found = {t["type"]: t[t["type"]] for t in dataset["coordinateTransformations"]}
    assert list(found) == ["scale", "translation"], "NGFF wants the scale first"
    return found


def test_a_scan_opens_in_an_independent_ome_zarr_reader(store: Workspace, root: Path) -> None:
    scan_id = store.scans.write(made_image(), GRID, {})
    group = zarr.open_group(root / "scans" / f"{scan_id}.ome.zarr", mode="r")
    image = Image.from_zarr(group)
    assert image.ome_attributes.version == "0.5"
    (multiscale,) = image.ome_attributes.multiscales
    assert [(a.name, a.type, a.unit) for a in multiscale.axes] == [
        (axis, "space", "millimeter") for axis in "zyx"
    ]
    found = transformations(dict(group.attrs))
    assert found["scale"] == pytest.approx([5.0, 0.9, 0.8])
    assert found["translation"] == pytest.approx([-700.25, 30.0, -12.5])


def test_plain_zarr_reads_the_voxels_with_their_axes(store: Workspace, root: Path) -> None:
    scan_id = store.scans.write(made_image(), GRID, {})
    array = zarr.open_array(root / "scans" / f"{scan_id}.ome.zarr" / "0", mode="r")
    assert array.metadata.zarr_format == 3
    assert array.metadata.dimension_names == ("z", "y", "x")
    assert array.dtype == np.int16
    np.testing.assert_array_equal(array[...], made_image())


def test_the_exact_affine_and_what_is_ours_stand_beside_ome(store: Workspace, root: Path) -> None:
    oblique = GRID.matrix
    oblique[0, 1], oblique[1, 0] = 0.1, -0.1
    grid = Grid.of(SHAPE_ZYX, oblique)
    scan_id = store.scans.write(made_image(), grid, {"source_axes": "LPS"})
    group = zarr.open_group(root / "scans" / f"{scan_id}.ome.zarr", mode="r")
    own = dict(group.attrs)["scalemai"]
    assert own["source_axes"] == "LPS"
    np.testing.assert_array_equal(own["affine_xyz_to_ras_mm"], grid.matrix)


def test_a_label_map_is_a_label_image_with_names_colours_and_its_scan(
    store: Workspace, root: Path
) -> None:
    scan_id = store.scans.write(made_image(), GRID, {})
    name = store.labels.write(painted(liver=slice(0, 5)), scan_id, Layer.ANATOMY, GRID)
    folder = root / "labels" / f"{name}.ome.zarr"
    group = zarr.open_group(folder, mode="r")
    assert ImageLabel.from_zarr(group).ome_attributes.version == "0.5"
    label = dict(group.attrs)["ome"]["image-label"]
    assert (folder / label["source"]["image"] / ome.GROUP_DOCUMENT).resolve().is_file()
    ids = [structure.id for structure in load_taxonomy().in_layer(Layer.ANATOMY)]
    assert [c["label-value"] for c in label["colors"]] == sorted(ids)
    names = {p["label-value"]: p["structure"] for p in label["properties"]}
    assert names[load_taxonomy()["liver"].id] == "liver"
    scan = zarr.open_group(root / "scans" / f"{scan_id}.ome.zarr", mode="r")
    assert transformations(dict(group.attrs)) == transformations(dict(scan.attrs))


def test_a_prediction_points_at_its_scan_too(store: Workspace, root: Path) -> None:
    scan_id = store.scans.write(made_image(), GRID, {})
    labels = {Layer.ANATOMY: painted(liver=slice(0, 5))}
    store.predictions.write("model", scan_id, labels, GRID)
    folder = root / "predictions" / "model" / scan_id / "anatomy.ome.zarr"
    group = zarr.open_group(folder, mode="r")
    assert ImageLabel.from_zarr(group)
    image = dict(group.attrs)["ome"]["image-label"]["source"]["image"]
    assert (folder / image / ome.GROUP_DOCUMENT).resolve().is_file()
    assert dict(group.attrs)["scalemai"]["model"] == "model"


def test_colours_are_valid_opaque_and_all_different() -> None:
    colours = [ome.color_of(structure.id) for structure in load_taxonomy().structures]
    assert all(0 <= channel <= 255 for colour in colours for channel in colour)
    assert len(set(colours)) == len(colours)
