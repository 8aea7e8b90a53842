"""A workspace in a bucket is the same workspace, for this engine and for any other reader."""

from __future__ import annotations

import pickle

import numpy as np
import polars as pl
import pytest
import zarr
from made_up_scans import GRID, made_image, offered, painted
from ome_zarr_models.v05 import Image

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.annotation import State
from scalemai_core.records.label_map import Layer
from scalemai_core.store.arrays.stored_array import DOCUMENT, SHARD
from scalemai_core.store.versions.admission import admit, publish_admission
from scalemai_core.store.workspace import Workspace


def test_scans_in_a_bucket_open_in_an_independent_reader(bucket: str) -> None:
    store = Workspace.create(f"{bucket}/workspace")
    scan_id = store.scans.write(made_image(), GRID, {})
    group = zarr.open_group(f"{store.url}/scans/{scan_id}.ome.zarr", mode="r")
    assert Image.from_zarr(group).ome_attributes.version == "0.5"
    np.testing.assert_array_equal(group["0"][...], made_image())


def test_a_dataset_version_in_a_bucket_reads_back_and_old_ones_stay(bucket: str) -> None:
    store = Workspace.create(f"{bucket}/workspace")
    labels_zyx = painted(liver=slice(0, 4))
    one = offered(store, "a", labels_zyx, {"liver": State.PRESENT}, seed=1)
    first = publish_admission(store, admit(store, [one], gold=False), "first")
    two = offered(store, "b", labels_zyx, {"liver": State.PRESENT}, seed=2)
    second = publish_admission(store, admit(store, [two], gold=False), "second")
    assert first is not None
    assert second is not None
    catalog = Workspace.open(store.url).catalog
    assert catalog.versions() == (first, second)
    assert (catalog.scans(first).height, catalog.scans(second).height) == (1, 2)
    present = catalog.annotations(second).filter(pl.col("state") == "present")
    for name in present["label_map"]:
        np.testing.assert_array_equal(store.labels.read(name), labels_zyx)


def test_partial_reads_in_a_bucket_fetch_what_they_touch(bucket: str) -> None:
    store = Workspace.create(f"{bucket}/workspace")
    name = store.labels.write(painted(spleen=slice(2, 5)), "scan", Layer.ANATOMY, GRID)
    part = store.labels.array(name)[1:3, 2:4, 4:6]
    np.testing.assert_array_equal(part, painted(spleen=slice(2, 5))[1:3, 2:4, 4:6])


@pytest.mark.parametrize("part", [SHARD, DOCUMENT])
def test_damage_in_a_bucket_is_told_with_the_name_of_the_object(bucket: str, part: str) -> None:
    store = Workspace.create(f"{bucket}/workspace")
    scan_id = store.scans.write(made_image(), GRID, {})
    place = f"scans/{scan_id}.ome.zarr/0/{part}"
    whole = store.files.read_bytes(place)
    turned = bytearray(whole)
    turned[len(whole) // 2] ^= 0x01
    for data in (bytes(turned), whole[:50], b""):
        store.files.write_bytes(place, data)
        with pytest.raises(WorkspaceError, match=f"{place} is damaged"):
            store.scans.read(scan_id)
    store.files.remove(place)
    with pytest.raises(FileNotFoundError, match=scan_id):
        store.scans.read(scan_id)


def test_files_of_a_bucket_travel_to_another_process(bucket: str) -> None:
    store = Workspace.create(f"{bucket}/workspace")
    files = pickle.loads(pickle.dumps(store.files))
    assert files.read_bytes("workspace.json") == store.files.read_bytes("workspace.json")
