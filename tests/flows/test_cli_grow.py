"""``scalemai synth grow``: one tumour in a phantom at several sizes, as files."""

from __future__ import annotations

import csv
import os
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from command_line import Scalemai
from PIL import Image
from small_population import offer

from flows.ingest import ingest
from scalemai_core.settings.engine import ComputeSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.phantoms import PhantomSettings
from scalemai_core.synthesize.population import write_population
from scalemai_core.taxonomy.taxonomy import load_taxonomy

pytestmark = pytest.mark.flow

LESION_ID = load_taxonomy()["liver_lesion"].id
GROW = ("--structure", "liver_lesion", "--diameters", "8,14,24", "--seed", "3", "--json")


@pytest.fixture(scope="module")
def population(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("population")
    write_population(
        folder, seed=5, count=1, settings=PhantomSettings(spacing_mm=3.0, lesions=0.0), degrade=None
    )
    return folder


@pytest.fixture
def case(population: Path) -> Path:
    (folder,) = (path for path in population.iterdir() if path.is_dir())
    return folder


def voxels(path: Path) -> np.ndarray:
    return np.asarray(nib.load(path).dataobj)


def files_of(case: Path) -> tuple[Path, Path]:
    return case / "ct.nii.gz", case / "segmentations"


def test_every_stage_is_a_scan_and_a_label_map_on_the_scans_own_grid(
    scalemai: Scalemai, case: Path, tmp_path: Path
) -> None:
    ended = scalemai("synth", "grow", *files_of(case), tmp_path / "out", *GROW)
    assert ended.code == 0, ended.err
    stages = ended.document["stages"]
    assert [stage["wanted_mm"] for stage in stages] == [8.0, 14.0, 24.0]
    source = nib.load(case / "ct.nii.gz")
    liver = voxels(case / "segmentations" / "liver.nii.gz") > 0
    before = np.zeros(liver.shape, np.bool_)
    for stage in stages:
        scan = nib.load(tmp_path / "out" / stage["scan"])
        labels = voxels(tmp_path / "out" / stage["labels"])
        np.testing.assert_allclose(scan.affine, source.affine, atol=1e-4)
        assert scan.shape == source.shape == labels.shape
        assert set(np.unique(labels)) == {0, LESION_ID}
        tumour = labels == LESION_ID
        assert not (tumour & ~liver).any()
        assert not (before & ~tumour).any()
        before = tumour
        assert stage["volume_ml"] == pytest.approx(tumour.sum() * 0.027, rel=1e-3)
        assert stage["diameter_mm"] == pytest.approx(stage["wanted_mm"], rel=0.15)
        changed = np.asarray(scan.dataobj) != np.asarray(source.dataobj)
        assert changed.any()
        assert not (changed & ~liver).any()


def test_a_sheet_and_a_table_lie_beside(scalemai: Scalemai, case: Path, tmp_path: Path) -> None:
    found = scalemai("synth", "grow", *files_of(case), tmp_path / "out", *GROW).document
    with Image.open(found["sheet"]) as sheet:
        assert sheet.width > 3 * sheet.height / 4
        assert len(sheet.convert("RGB").getcolors(1 << 20) or ()) > 50
    with Path(found["table"]).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["volume_ml"]) for row in rows] == [s["volume_ml"] for s in found["stages"]]
    told = scalemai("synth", "grow", *files_of(case), tmp_path / "words", *GROW[:-1])
    assert told.code == 0
    assert "growing in liver" in told.out


def test_the_same_seed_gives_the_same_files(scalemai: Scalemai, case: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        assert scalemai("synth", "grow", *files_of(case), tmp_path / name, *GROW).code == 0
    for name in ("stage_3_ct.nii.gz", "stage_3_labels.nii.gz"):
        one, two = voxels(tmp_path / "one" / name), voxels(tmp_path / "two" / name)
        np.testing.assert_array_equal(one, two)
    sheets = [(tmp_path / name / "growth.png").read_bytes() for name in ("one", "two")]
    assert sheets[0] == sheets[1]


def test_a_workspace_and_a_scan_in_it_will_do(
    scalemai: Scalemai, population: Path, case: Path, tmp_path: Path
) -> None:
    store = Workspace.create(str(tmp_path / "ws"), patient_key="key")
    assert ingest(offer(store.url, population), ComputeSettings(threads=1, workers=1))
    stored = scalemai("synth", "grow", store.url, case.name, tmp_path / "a", *GROW)
    assert stored.code == 0, stored.err
    given = scalemai("synth", "grow", *files_of(case), tmp_path / "b", *GROW)
    assert stored.document["stages"] == given.document["stages"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--structure", "liver"), "liver does not grow"),
        (("--structure", "kidney_cyst"), "kidney_cyst does not grow"),
        (("--structure", "liver_lesion", "--diameters", "5,x"), "give numbers"),
        (("--structure", "liver_lesion", "--diameters", "20,10"), "diameters rise"),
        (("--structure", "liver_lesion", "--diameters", "0,10"), "diameters rise"),
        (("--structure", "liver_lesion", "--diameters", "nan"), "diameters rise"),
        (("--structure", "liver_lesion", "--diameters", "9000"), "150 mm"),
    ],
)
def test_a_mistake_is_one_line(
    scalemai: Scalemai, case: Path, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    ended = scalemai("synth", "grow", *files_of(case), tmp_path / "out", *options)
    assert ended.code == 2
    assert said in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_missing_files_and_missing_organs_are_one_line(
    scalemai: Scalemai, case: Path, tmp_path: Path
) -> None:
    image, labels = files_of(case)
    (tmp_path / "masks").mkdir()
    os.link(labels / "spleen.nii.gz", tmp_path / "masks" / "spleen.nii.gz")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept.txt").write_text("kept")
    for arguments, said in (
        ((tmp_path / "no.nii.gz", labels, tmp_path / "out"), "no.nii.gz"),
        ((image, tmp_path / "no", tmp_path / "out"), "does not exist"),
        ((image, tmp_path / "masks", tmp_path / "out"), "hold no liver"),
        ((image, labels, tmp_path / "full"), "not empty"),
        ((tmp_path / "masks", labels, tmp_path / "out"), "masks"),
    ):
        ended = scalemai("synth", "grow", *arguments, *GROW)
        assert ended.code == 2, ended
        assert said in ended.err
        assert len(ended.err.splitlines()) == 1
