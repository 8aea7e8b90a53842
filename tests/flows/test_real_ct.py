"""Real CT through the whole engine: in, one tiny round, and out again, nothing lost."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from small_population import offer, small_settings

from flows.em_round import em_round
from flows.ingest import ingest
from flows.release import release
from scalemai_core.intake.case import IntakeCase
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.records.annotation import State
from scalemai_core.records.label_map import Layer
from scalemai_core.records.round import RoundResult
from scalemai_core.records.scan import Scan
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.rows import scans_of
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.tracking.registry import Tracker

pytestmark = [pytest.mark.flow, pytest.mark.slow]

TAXONOMY = load_taxonomy()
SHAPES_ZYX = {
    "example_ct": (112, 101, 122),
    "example_ct_sm": (30, 101, 122),
    "example_ct_dicom": (20, 512, 512),
    "image": (41, 512, 512),
    "ct-64": (79, 64, 64),
}
LABELS = {
    "example_ct": "example_seg_fast_force_split.nii.gz",
    "example_ct_sm": "example_seg.nii.gz",
    "example_ct_dicom": "example_seg_dicom.nii.gz",
}
KNOWN = {"example_ct": (43, 15), "example_ct_sm": (30, 28), "example_ct_dicom": (14, 44)}
"""Structures present and absent, parents included."""


@dataclass(frozen=True)
class RealRound:
    """A workspace with real scans after one round, and the sources by case."""

    store: Workspace
    result: RoundResult
    sources: dict[str, str]

    @property
    def scans(self) -> dict[str, Scan]:
        """Scans of the newest version by case."""
        catalog = self.store.catalog
        return {s.case: s for s in scans_of(catalog.scans(catalog.version(2)))}

    def annotations(self, number: int) -> pl.DataFrame:
        """Annotations of a version, with the case they belong to."""
        catalog = self.store.catalog
        cases = catalog.scans(catalog.version(number)).select("scan_id", "case")
        rows = catalog.annotations(catalog.version(number))
        return rows.join(cases, on="scan_id", maintain_order="left")


@pytest.fixture(scope="module")
def real(prefect: None, real_ct: Path, tmp_path_factory: pytest.TempPathFactory) -> RealRound:
    folder = real_ct / "totalsegmentator"
    images = {
        "example_ct": folder / "example_ct.nii.gz",
        "example_ct_sm": folder / "example_ct_sm.nii.gz",
        "example_ct_dicom": folder / "example_ct_dicom",
    }
    sources = {case: f"{image}={folder / LABELS[case]}" for case, image in images.items()}
    sources["image"] = str(real_ct / "crlm" / "CRLM-CT-1004")
    sources["ct-64"] = str(real_ct / "cip_chest" / "ct-64.nrrd")
    store = Workspace.create(str(tmp_path_factory.mktemp("real") / "ws"))
    settings = small_settings(review={"mode": "skip"}, train={"steps": 3, "warm_steps": 2})
    offered = offer(store.url, *sources.values(), folder / "example_mr_sm.nii.gz")
    version = ingest(offered, settings.compute)
    assert version is not None
    assert version.scans == len(SHAPES_ZYX)
    result = em_round(store.url, settings)
    assert isinstance(result, RoundResult)
    return RealRound(store, result, sources)


def read(source: str) -> IntakeCase:
    (files,) = open_source(source).cases
    return read_case(files)


def test_scans_keep_their_voxels_and_geometry(real: RealRound) -> None:
    assert {case: scan.grid.shape_zyx for case, scan in real.scans.items()} == SHAPES_ZYX
    for case, scan in real.scans.items():
        source = read(real.sources[case])
        np.testing.assert_array_equal(real.store.scans.read(scan.scan_id), source.image_zyx)
        assert scan.grid == source.grid
        assert scan.source_affine == source.source_affine
    assert real.scans["image"].grid.spacing_mm_zyx == pytest.approx((5, 0.797, 0.797), 1e-3)
    assert real.scans["example_ct"].grid.spacing_mm_zyx == pytest.approx((3, 3, 3), 1e-3)


def test_patients_are_hashed(real: RealRound) -> None:
    patients = [scan.patient for scan in real.scans.values()]
    assert len(set(patients)) == len(patients)
    assert real.scans["image"].patient == real.store.patient_hash("CRLM-CT-1004")


def test_mr_is_rejected_with_its_reason(real: RealRound) -> None:
    (row,) = real.store.catalog.table("rejections", tables.REJECTIONS).to_dicts()
    assert row["reason"] == "not_ct"
    assert row["path"].endswith("example_mr_sm.nii.gz")
    assert row["remedy"]


def test_every_scan_has_an_annotation_a_structure_in_the_states_of_its_source(
    real: RealRound,
) -> None:
    rows = real.annotations(1)
    assert rows.height == 88 * len(SHAPES_ZYX)
    for case in SHAPES_ZYX:
        own = rows.filter(pl.col("case") == case)
        states = dict(own.select("structure", "state").iter_rows())
        source = read(real.sources[case])
        expected = dict.fromkeys((s.name for s in TAXONOMY.structures), State.UNKNOWN)
        assert states == expected | source.states
        if case in LABELS:
            present = own.filter(pl.col("state") == "present")
            assert (present.height, own.filter(pl.col("state") == "absent").height) == KNOWN[case]
            assert {"liver", "spleen", "aorta"} <= set(present["structure"])
        else:
            assert set(own["state"]) == {"unknown"}


def test_a_round_whose_masks_are_all_on_hold_keeps_the_model_it_began_with(real: RealRound) -> None:
    result = real.result
    assert (result.base_version, result.dataset_version, result.scans) == (1, 2, 5)
    assert result.failed_scans == 0
    (first,) = Tracker(real.store, TrackingSettings()).models()
    assert (first.dataset_version, result.model_version) == (1, first.version)
    assert not result.promoted
    assert "none may teach" in result.promotion_reason
    assert result.reviewed == 0


def test_a_critic_that_saw_the_labels_changes_none_of_them(real: RealRound) -> None:
    assert not real.result.out_of_fold, "three labelled patients are too few for two folds"
    assert real.result.changed == 0
    before, after = real.annotations(1), real.annotations(2)
    same = ["scan_id", "structure", "state", "label_map", "origin"]
    assert before.select(same).equals(after.select(same))


def test_what_goes_out_is_what_came_in(real: RealRound, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    assert release(real.store.url, 2, folder) == 5
    exported = {files.case: files for files in open_source(str(folder)).cases}
    assert set(exported) == set(SHAPES_ZYX)
    for case, files in exported.items():
        source, back = read(real.sources[case]), read_case(files)
        np.testing.assert_array_equal(back.image_zyx, source.image_zyx)
        np.testing.assert_allclose(back.source_affine, source.source_affine, rtol=1e-6, atol=1e-4)
        assert back.source_axes == source.source_axes
        for name, state in source.states.items():
            if state is State.PRESENT:
                np.testing.assert_array_equal(mask(back, name), mask(source, name), err_msg=name)


def mask(case: IntakeCase, structure: str) -> np.ndarray:
    labels_zyx = case.labels[Layer(TAXONOMY[structure].layer)]
    return np.isin(labels_zyx, TAXONOMY.member_ids(structure))
