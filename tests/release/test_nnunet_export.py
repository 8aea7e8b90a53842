"""Export and back: nothing of the overlapping layers, the states or the geometry is lost."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest

from scalemai_core.errors import UsageError
from scalemai_core.intake.case import IntakeCase
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.records.annotation import State
from scalemai_core.records.ingested import IngestedCase, StoredCase
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.scan import Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.release.nnunet import export_nnunet
from scalemai_core.store.versions.admission import admit, publish_admission
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.orientation import axis_codes, to_canonical

TAXONOMY = load_taxonomy()
SHAPE_XYZ = (9, 8, 6)
LPS = np.array([[-0.8, 0, 0, 100.0], [0, -0.9, 0, 80.0], [0, 0, 2.5, -300.0], [0, 0, 0, 1.0]])


def slab(**slices: slice) -> LabelsZYX:
    labels_zyx = np.zeros(SHAPE_XYZ[::-1], dtype=np.uint8)
    for name, where in slices.items():
        labels_zyx[:, :, where] = TAXONOMY[name].id
    return labels_zyx


LAYERS = {
    Layer.ANATOMY: slab(liver=slice(0, 5), pancreas_head=slice(5, 6), pancreas_tail=slice(6, 8)),
    Layer.VESSELS: slab(hepatic_vessel=slice(2, 4)),
    Layer.LESIONS: slab(liver_lesion=slice(3, 5)),
}
PRESENT = (
    *("liver", "pancreas", "pancreas_head", "pancreas_tail"),
    *("hepatic_vessel", "liver_lesion"),
)
STATES = dict.fromkeys(PRESENT, State.PRESENT) | {"spleen": State.ABSENT}


def file_voxels(seed: int) -> np.ndarray:
    """What a LPS file holds."""
    return np.random.default_rng(seed).integers(-1024, 3072, SHAPE_XYZ, dtype=np.int16)


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    return Workspace.create(str(tmp_path / "workspace"))


def commit(store: Workspace, *cases: tuple[str, str]) -> DatasetVersion:
    """Store cases (name, source) that came as LPS files."""
    offered = []
    for seed, (name, source) in enumerate(cases):
        image_zyx, grid = to_canonical(file_voxels(seed), LPS)
        scan_id = store.scans.write(image_zyx, grid, {})
        maps = {layer: store.labels.write(v, scan_id, layer, grid) for layer, v in LAYERS.items()}
        scan = Scan(
            scan_id=scan_id,
            patient=name + source,
            case=name,
            source=source,
            grid=grid,
            source_axes=axis_codes(LPS),
            source_affine=tuple(tuple(row) for row in LPS.tolist()),
            fold=0,
        )
        stored = StoredCase(scan=scan, label_maps=maps, states=STATES, findings=())
        offered.append(IngestedCase(case=name, stored=stored))
    version = publish_admission(store, admit(store, offered, gold=False), "test")
    assert version is not None
    return version


def read_back(folder: Path) -> dict[str, IntakeCase]:
    return {files.case: read_case(files) for files in open_source(str(folder)).cases}


def where(case: IntakeCase, structure: str) -> np.ndarray:
    return np.isin(case.labels[TAXONOMY[structure].layer], TAXONOMY.member_ids(structure))


def description(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "dataset.json").read_text())
    return found


def test_an_export_is_ingested_again_with_the_same_masks(store: Workspace, tmp_path: Path) -> None:
    version = commit(store, ("a", "s"))
    assert export_nnunet(store, version, tmp_path / "out") == 1
    (case,) = read_back(tmp_path / "out").values()
    for name in PRESENT:
        expected = np.isin(LAYERS[TAXONOMY[name].layer], TAXONOMY.member_ids(name))
        np.testing.assert_array_equal(where(case, name), expected, err_msg=name)
        assert case.states[name] is State.PRESENT


def test_the_image_comes_back_voxel_for_voxel_in_its_own_orientation(
    store: Workspace, tmp_path: Path
) -> None:
    export_nnunet(store, commit(store, ("a", "s")), tmp_path / "out")
    image = nib.load(tmp_path / "out" / "imagesTr" / "a_0000.nii.gz")
    labels = nib.load(tmp_path / "out" / "labelsTr" / "a.nii.gz")
    for found in (image, labels):
        np.testing.assert_allclose(found.affine, LPS, atol=1e-5)
        assert nib.aff2axcodes(found.affine) == ("L", "P", "S")
    assert image.get_data_dtype() == np.int16
    np.testing.assert_array_equal(np.asarray(image.dataobj), file_voxels(0))


def test_regions_name_every_structure_and_hold_integers_alone(
    store: Workspace, tmp_path: Path
) -> None:
    export_nnunet(store, commit(store, ("a", "s")), tmp_path / "out")
    found = description(tmp_path / "out")
    labels = found["labels"]
    assert labels["background"] == 0
    regions = {name: codes for name, codes in labels.items() if name != "background"}
    assert all(isinstance(code, int) for codes in regions.values() for code in codes)
    voxels = np.asarray(nib.load(tmp_path / "out" / "labelsTr" / "a.nii.gz").dataobj)
    codes = sorted({code for codes in regions.values() for code in codes})
    assert set(np.unique(voxels)) <= {0, *codes}
    assert codes == list(range(1, len(codes) + 1)), "consecutive, as nnU-Net wants them"
    assert set(regions["pancreas"]) == {*regions["pancreas_head"], *regions["pancreas_tail"]}
    assert set(regions["liver"]) & set(regions["hepatic_vessel"]), "layers overlap"
    assert len(found["regions_class_order"]) == len(regions)
    order = list(regions)
    for name in regions:
        above = [ancestor.name for ancestor in TAXONOMY.ancestors(name)]
        assert all(order.index(parent) < order.index(name) for parent in above), name
    assert (found["numTraining"], found["file_ending"]) == (1, ".nii.gz")


def test_the_table_tells_unknown_from_absent(store: Workspace, tmp_path: Path) -> None:
    export_nnunet(store, commit(store, ("a", "s")), tmp_path / "out")
    with (tmp_path / "out" / "annotations.csv").open(newline="") as file:
        rows = {row["structure"]: row for row in csv.DictReader(file)}
    assert len(rows) == 88
    assert rows["liver"]["state"] == "present"
    assert rows["spleen"]["state"] == "absent"
    assert rows["stomach"]["state"] == "unknown"
    assert rows["stomach"]["weight"] == ""
    assert rows["liver"]["origin"] == "source"


def test_the_table_is_the_same_however_many_scans_are_read_at_once(
    store: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    version = commit(store, *((name, "s") for name in "eadcb"))
    tables = []
    for at_once in (1, 2, 99):
        monkeypatch.setattr("scalemai_core.release.cases.AT_ONCE", at_once)
        assert export_nnunet(store, version, tmp_path / str(at_once)) == len("eadcb")
        tables.append((tmp_path / str(at_once) / "annotations.csv").read_text())
    assert len(set(tables)) == 1
    rows = list(csv.DictReader(tables[0].splitlines()))
    assert [row["case"] for row in rows[:: len(TAXONOMY.structures)]] == list("abcde")


def test_cases_of_one_name_keep_their_sources_apart(store: Workspace, tmp_path: Path) -> None:
    version = commit(store, ("a", "north"), ("a", "south"), ("b", "south"))
    assert export_nnunet(store, version, tmp_path / "out") == 3
    assert set(read_back(tmp_path / "out")) == {"north_a", "south_a", "b"}


def test_a_folder_that_holds_something_is_left_alone(store: Workspace, tmp_path: Path) -> None:
    version = commit(store, ("a", "s"))
    taken = tmp_path / "out"
    taken.mkdir()
    (taken / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not empty"):
        export_nnunet(store, version, taken)
    assert [path.name for path in taken.iterdir()] == ["thesis.txt"]
    with pytest.raises(UsageError):
        export_nnunet(store, version, taken / "thesis.txt")
