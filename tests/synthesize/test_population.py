"""A written population: files that read back as what was painted."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from nibabel import nifti1, orientations

from scalemai_core.intake.table import read_table
from scalemai_core.records.label_map import Layer
from scalemai_core.synthesize.faults import DegradeSettings, present
from scalemai_core.synthesize.phantoms import PHANTOM_STRUCTURES, PhantomSettings, make_phantom
from scalemai_core.synthesize.population import annotated, write_population, write_virtual
from scalemai_core.synthesize.report import ReportSettings
from scalemai_core.synthesize.virtual import VirtualSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
SETTINGS = PhantomSettings(spacing_mm=(5.0, 8.0, 8.0))


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("truth")
    write_population(folder, seed=1, count=2, settings=SETTINGS, degrade=None)
    return folder


@pytest.fixture(scope="module")
def noisy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("noisy")
    write_population(folder, seed=1, count=2, settings=SETTINGS, degrade=DegradeSettings())
    return folder


def test_images_read_back_with_their_affine(truth: Path) -> None:
    for index, case in enumerate(("case_0001", "case_0002")):
        phantom = make_phantom(1, index, SETTINGS)
        image = nifti1.load(truth / case / "ct.nii.gz")
        np.testing.assert_allclose(np.asarray(image.affine), phantom.grid.matrix)
        assert orientations.aff2axcodes(image.affine) == ("R", "A", "S")
        assert image.header.get_xyzt_units()[0] == "mm"
        assert image.get_data_dtype() == np.int16
        np.testing.assert_array_equal(
            np.asarray(image.dataobj).transpose(2, 1, 0), phantom.image_zyx
        )


def test_masks_read_back_as_the_truth_and_absent_ones_are_empty(truth: Path) -> None:
    phantom = make_phantom(1, 0, SETTINGS)
    folder = truth / "case_0001" / "segmentations"
    assert {path.name for path in folder.iterdir()} == {
        f"{name}.nii.gz" for name in annotated(SETTINGS.labelled)
    }
    empty: set[str] = set()
    for name in annotated(SETTINGS.labelled):
        image = nifti1.load(folder / f"{name}.nii.gz")
        np.testing.assert_allclose(np.asarray(image.affine), phantom.grid.matrix)
        mask_zyx = np.asarray(image.dataobj).transpose(2, 1, 0)
        ids = TAXONOMY.member_ids(name)
        expected = np.isin(phantom.labels[TAXONOMY[name].layer], ids)
        np.testing.assert_array_equal(mask_zyx, expected, err_msg=name)
        if not mask_zyx.any():
            empty.add(name)
    lesions = {structure.name for structure in TAXONOMY.in_layer(Layer.LESIONS)}
    assert empty <= lesions | {"vertebrae_T9"}
    assert empty


def test_the_table_describes_every_patient(truth: Path) -> None:
    table = rows(truth / "cases.csv")
    assert [row["case"] for row in table] == ["case_0001", "case_0002"]
    assert list(table[0]) == ["case", "patient", "sex", "age", "phase", "centre", "report"]
    assert {row["report"] for row in table} == {""}
    assert len({row["patient"] for row in table}) == 2
    assert {row["sex"] for row in table} <= {"F", "M"}
    assert all(20 <= float(row["age"]) <= 90 for row in table)
    assert not (truth / "faults.csv").exists()


def test_reports_are_read_back_from_the_table(tmp_path: Path) -> None:
    settings = SETTINGS.model_copy(update={"report": ReportSettings(), "structures": ("liver",)})
    write_population(tmp_path, seed=1, count=2, settings=settings, degrade=None)
    table = read_table(tmp_path / "cases.csv")
    for index, case in enumerate(("case_0001", "case_0002")):
        report = make_phantom(1, index, settings).info.report
        assert report is not None
        assert "FINDINGS:" in report
        assert table[case].report == report


def test_a_degraded_population_shows_the_same_patients(truth: Path, noisy: Path) -> None:
    assert (truth / "cases.csv").read_bytes() == (noisy / "cases.csv").read_bytes()
    for case in ("case_0001", "case_0002"):
        image = (truth / case / "ct.nii.gz").read_bytes()
        assert image == (noisy / case / "ct.nii.gz").read_bytes()


def test_files_differ_exactly_where_the_list_of_faults_says_so(truth: Path, noisy: Path) -> None:
    faults = {(row["case"], row["structure"]) for row in rows(noisy / "faults.csv")}
    assert faults
    unknown = 0
    for case in ("case_0001", "case_0002"):
        for name in annotated(SETTINGS.labelled):
            clean = np.asarray(
                nifti1.load(truth / case / "segmentations" / f"{name}.nii.gz").dataobj
            )
            path = noisy / case / "segmentations" / f"{name}.nii.gz"
            if not path.exists():
                unknown += 1
                assert (case, name) not in faults
                continue
            wrong = np.asarray(nifti1.load(path).dataobj)
            size = np.count_nonzero(clean) + np.count_nonzero(wrong)
            dice = 2 * np.count_nonzero(clean & wrong) / size if size else 1.0
            assert (dice < 0.95) == ((case, name) in faults), name
    assert 0 < unknown < 0.3 * 2 * len(PHANTOM_STRUCTURES)


def test_a_population_may_be_written_in_pieces(truth: Path, tmp_path: Path) -> None:
    cases = write_population(tmp_path, seed=1, count=1, settings=SETTINGS, degrade=None, start=1)
    assert cases == ["case_0002"]
    for path in sorted((tmp_path / "case_0002").rglob("*.nii.gz")):
        assert path.read_bytes() == (truth / path.relative_to(tmp_path)).read_bytes()


def test_virtual_patients_are_written_like_phantoms(tmp_path: Path) -> None:
    source = make_phantom(1, 0, SETTINGS)
    virtual = VirtualSettings(spacing_mm=8.0)
    clean, faulty = tmp_path / "truth", tmp_path / "population"
    write_virtual(clean, source, range(2, 4), virtual, None, seed=5)
    write_virtual(faulty, source, range(2, 4), virtual, DegradeSettings(), seed=5)
    table = rows(clean / "cases.csv")
    assert [row["case"] for row in table] == ["case_0003", "case_0004"]
    assert [row["patient"] for row in table] == ["virtual_5_00002", "virtual_5_00003"]
    assert rows(faulty / "faults.csv")
    images = [(clean / row["case"] / "ct.nii.gz").read_bytes() for row in table]
    assert images == [(faulty / row["case"] / "ct.nii.gz").read_bytes() for row in table]
    assert images[0] != images[1]
    masks = clean / "case_0003" / "segmentations"
    written = {path.name.removesuffix(".nii.gz") for path in masks.iterdir()}
    assert written == set(annotated(present(source.labels, TAXONOMY)))
