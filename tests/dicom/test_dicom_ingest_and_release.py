"""Series with segmentations beside them come in; a version goes out as DICOM and comes back."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name
from pydicom.uid import generate_uid

from scalemai_core.dicom.segmentation import Segmentation
from scalemai_core.dicom.series import slice_files
from scalemai_core.dicom.writing import SegmentNote, write_segmentation
from scalemai_core.errors import RejectedInput, UsageError
from scalemai_core.intake.case import IntakeCase
from scalemai_core.intake.nifti import read_nifti
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Candidate
from scalemai_core.records.grid import Grid
from scalemai_core.records.ingested import IngestedCase, StoredCase
from scalemai_core.records.label_map import Layer
from scalemai_core.records.review import Verdict
from scalemai_core.records.scan import Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.release.dicom_seg import export_dicom_seg, export_verdict
from scalemai_core.store.catalog.rows import scans_of
from scalemai_core.store.versions.admission import admit, publish_admission
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.label_names import LabelNames
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.orientation import to_canonical

TAXONOMY = load_taxonomy()
SHAPE_ZYX = (5, 8, 9)
GRID = Grid.of(
    SHAPE_ZYX, np.array([[0.7, 0, 0, -30], [0, 0.7, 0, 12], [0, 0, 2.5, 100], [0, 0, 0, 1.0]])
)
IMAGE_ZYX = np.random.default_rng(0).integers(-1024, 1500, SHAPE_ZYX).astype(np.int16)
NAMES = {
    Layer.ANATOMY: ("liver", "pancreas_head", "pancreas_tail"),
    Layer.VESSELS: ("hepatic_vessel",),
    Layer.LESIONS: ("liver_lesion",),
}


def some_scan(case: str = "one") -> Scan:
    return Scan(
        scan_id=case.rjust(32, "0"), patient="keyed", case=case, source="s", grid=GRID,
        source_axes="RAS", source_affine=GRID.affine, fold=0,
    )  # fmt: skip


def layers(seed: int = 0) -> dict[Layer, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        layer: rng.choice(np.array([0, *(TAXONOMY[n].id for n in names)], np.uint8), SHAPE_ZYX)
        for layer, names in NAMES.items()
    }


def series(folder: Path, scan: Scan) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for index, file in enumerate(slice_files(scan, IMAGE_ZYX)):
        file.save_as(folder / f"{scan.case}_{index}.dcm", enforce_file_format=True)
    return folder


def segmented(path: Path, scan: Scan, labels_zyx: np.ndarray, *names: str) -> pydicom.Dataset:
    path.parent.mkdir(parents=True, exist_ok=True)
    notes = [SegmentNote(name) for name in names]
    segmentation = write_segmentation(labels_zyx, notes, scan, path.stem)
    segmentation.save_as(path)
    return segmentation


def only_case(folder: Path, names: LabelNames | None = None) -> IntakeCase:
    (files,) = open_source(str(folder)).cases
    return read_case(files, names)


def test_a_series_with_segmentations_beside_it_is_one_case(tmp_path: Path) -> None:
    folder = series(tmp_path / "case", some_scan())
    for layer, labels_zyx in layers().items():
        # in folders of their own, as archives deliver them
        segmented(folder / layer.value / "seg.dcm", some_scan(), labels_zyx, *NAMES[layer])
    case = only_case(folder)
    assert np.array_equal(case.image_zyx, IMAGE_ZYX)
    for layer, labels_zyx in layers().items():
        assert np.array_equal(case.labels[layer], labels_zyx)
    assert case.states == {n: State.PRESENT for names in NAMES.values() for n in names}
    assert case.findings == ()


def test_a_segment_without_voxels_says_absent(tmp_path: Path) -> None:
    folder = series(tmp_path / "case", some_scan())
    labels_zyx = np.where(IMAGE_ZYX > 0, TAXONOMY["liver"].id, 0).astype(np.uint8)
    segmented(folder / "seg.dcm", some_scan(), labels_zyx, "liver", "spleen")
    states = only_case(folder).states
    assert states == {"liver": State.PRESENT, "spleen": State.ABSENT}


def test_overlapping_segments_become_findings(tmp_path: Path) -> None:
    folder = series(tmp_path / "case", some_scan())
    liver = np.full(SHAPE_ZYX, TAXONOMY["liver"].id, np.uint8)
    spleen = np.zeros(SHAPE_ZYX, np.uint8)
    spleen[:2] = TAXONOMY["spleen"].id
    segmented(folder / "a.dcm", some_scan(), liver, "liver")
    segmented(folder / "b.dcm", some_scan(), spleen, "spleen")
    case = only_case(folder)
    (overlap,) = case.findings
    assert (overlap.rule, overlap.structure, overlap.value) == ("overlap", "liver", 2 * 8 * 9)
    assert np.array_equal(case.labels[Layer.ANATOMY] == TAXONOMY["spleen"].id, spleen > 0)


def test_a_segmentation_goes_with_its_own_series(tmp_path: Path) -> None:
    folder = tmp_path / "cases"
    for case in ("one", "two"):
        series(folder / case, some_scan(case))
    labels_zyx = layers(1)[Layer.ANATOMY]
    segmented(folder / "one" / "seg.dcm", some_scan("two"), labels_zyx, *NAMES[Layer.ANATOMY])
    found = {files.case: read_case(files) for files in open_source(str(folder)).cases}
    assert found["one"].labels == {}
    assert np.array_equal(found["two"].labels[Layer.ANATOMY], labels_zyx)


def test_a_segmentation_elsewhere_is_given_by_hand(tmp_path: Path) -> None:
    folder = series(tmp_path / "case", some_scan())
    labels_zyx = layers()[Layer.ANATOMY]
    path = tmp_path / "elsewhere.dcm"
    segmented(path, some_scan(), labels_zyx, *NAMES[Layer.ANATOMY])
    (files,) = open_source(f"{folder}={path}").cases
    assert path in files.paths
    assert np.array_equal(read_case(files).labels[Layer.ANATOMY], labels_zyx)


def test_a_segmentation_without_its_series_is_rejected_and_the_series_is_not(
    tmp_path: Path,
) -> None:
    folder = series(tmp_path / "case", some_scan())
    segmented(folder / "seg.dcm", some_scan("gone"), layers()[Layer.ANATOMY], *NAMES[Layer.ANATOMY])
    taken, rejected = [], []
    for files in open_source(str(folder)).cases:
        try:
            taken.append(read_case(files))
        except RejectedInput as error:
            rejected.append(error.reason)
    assert len(taken) == 1
    assert taken[0].labels == {}
    assert rejected == ["segmentation_of_another_series"]


def test_another_frame_of_reference_is_rejected(tmp_path: Path) -> None:
    folder = series(tmp_path / "case", some_scan())
    segmentation = segmented(
        folder / "seg.dcm", some_scan(), layers()[Layer.ANATOMY], *NAMES[Layer.ANATOMY]
    )
    segmentation.FrameOfReferenceUID = generate_uid()
    segmentation.save_as(folder / "seg.dcm")
    with pytest.raises(RejectedInput, match="frame of reference") as error:
        only_case(folder)
    assert error.value.reason == "segmentation_of_another_series"


def test_real_segmentations_are_read_as_their_makers_drew_them(
    real_ct: Path, tmp_path: Path
) -> None:
    data = real_ct / "dcmqi_ct3slice"
    folder = tmp_path / "ct"
    shutil.copytree(data / "ct-3slice", folder)
    for name in ("liver.dcm", "partial_overlaps.dcm"):
        shutil.copy(data / name, folder)
    case = only_case(folder)
    drawn = sitk.ReadImage(str(data / "liver_seg.nrrd"))
    assert (case.labels[Layer.ANATOMY] > 0).sum() == (sitk.GetArrayFromImage(drawn) > 0).sum() > 0
    assert [finding.rule for finding in case.findings] == ["unmapped_label"]
    read = Segmentation.read(folder / "partial_overlaps.dcm")
    layered = [
        sitk.GetArrayFromImage(sitk.ReadImage(str(data / f"partial_overlaps-{n}.nrrd")))
        for n in (1, 2, 3)
    ]
    for segment in read.segments:
        expected_zyx = np.any([layer == segment.number for layer in layered], axis=0)
        # The files are LPS; canonical order runs right and front.
        assert np.array_equal(read.mask_zyx(segment.number, case.grid), expected_zyx[:, ::-1, ::-1])


def test_overlapping_segments_of_a_real_file_are_mapped_by_name(
    real_ct: Path, tmp_path: Path
) -> None:
    data = real_ct / "dcmqi_ct3slice"
    folder = tmp_path / "ct"
    shutil.copytree(data / "ct-3slice", folder)
    shutil.copy(data / "partial_overlaps.dcm", folder)
    names = LabelNames(
        name="colours",
        source="a test",
        labels={"GREEN": "liver", "ORANGE": "spleen", "PURPLE": "stomach", "LIGHT_BLUE": "aorta"},
        ignored=("DARK_BLUE",),
    )
    case = only_case(folder, names)
    assert set(case.states.values()) == {State.PRESENT}
    assert {finding.rule for finding in case.findings} == {"overlap"}


@pytest.fixture
def released(tmp_path: Path) -> tuple[Workspace, DatasetVersion]:
    store = Workspace.create(str(tmp_path / "workspace"))
    scan_id = store.scans.write(IMAGE_ZYX, GRID, {})
    scan = some_scan().model_copy(update={"scan_id": scan_id})
    maps = {
        layer: store.labels.write(labels_zyx, scan_id, layer, GRID)
        for layer, labels_zyx in layers().items()
    }
    present = [name for names in NAMES.values() for name in names] + ["pancreas"]
    states = dict.fromkeys(present, State.PRESENT) | {"spleen": State.ABSENT}
    stored = StoredCase(scan=scan, label_maps=maps, states=states, findings=())
    admission = admit(store, [IngestedCase(case="one", stored=stored)], gold=None)
    version = publish_admission(store, admission, "made up")
    assert version is not None
    return store, version


def test_a_version_goes_out_as_dicom_and_comes_back_the_same(
    released: tuple[Workspace, DatasetVersion], tmp_path: Path
) -> None:
    store, version = released
    folder = tmp_path / "out"
    assert export_dicom_seg(store, version, folder) == 1
    assert sorted(path.name for path in (folder / "one").glob("seg*")) == [
        "seg_anatomy.dcm",
        "seg_lesions.dcm",
        "seg_vessels.dcm",
    ]
    (files,) = open_source(str(folder)).cases
    assert files.case == "one"
    case = read_case(files)
    assert np.array_equal(case.image_zyx, IMAGE_ZYX)
    assert np.allclose(case.grid.matrix, GRID.matrix, atol=1e-6)
    for layer, labels_zyx in layers().items():
        assert np.array_equal(case.labels[layer], labels_zyx)
    assert case.states["spleen"] is State.ABSENT
    assert case.states["pancreas"] is State.PRESENT
    assert "stomach" not in case.states
    assert case.findings == ()
    assert (folder / "annotations.csv").is_file()
    with pytest.raises(UsageError, match="not empty"):
        export_dicom_seg(store, version, folder)


def test_a_verdict_goes_out_on_the_same_series(
    released: tuple[Workspace, DatasetVersion], tmp_path: Path
) -> None:
    store, version = released
    (scan,) = scans_of(store.catalog.scans(version))
    labels_zyx = layers()[Layer.ANATOMY]
    verdict = Verdict(
        item_id="1-x-pancreas", round=1, scan_id=scan.scan_id, structure="pancreas", reader="ada",
        choice=Candidate.READER, seconds=3.0, created=datetime.now(UTC),
        label_map=store.labels.write(labels_zyx, scan.scan_id, Layer.ANATOMY, GRID),
    )  # fmt: skip
    folder = tmp_path / "out"
    export_dicom_seg(store, version, folder)
    (folder / "one" / "seg_anatomy.dcm").unlink()
    export_verdict(store, verdict, scan, folder / "one" / "verdict.dcm")
    written = pydicom.dcmread(folder / "one" / "verdict.dcm")
    kinds = {s.SegmentLabel: s.SegmentAlgorithmType for s in written.SegmentSequence[1:]}
    assert kinds == dict.fromkeys(("pancreas", "pancreas_head", "pancreas_tail"), "MANUAL")
    case = only_case(folder)
    parts = [TAXONOMY["pancreas_head"].id, TAXONOMY["pancreas_tail"].id]
    expected_zyx = np.where(np.isin(labels_zyx, parts), labels_zyx, 0)
    assert np.array_equal(case.labels[Layer.ANATOMY], expected_zyx)
    kept = verdict.model_copy(update={"label_map": None, "choice": Candidate.CURRENT})
    with pytest.raises(UsageError, match="no mask of its own"):
        export_verdict(store, kept, scan, tmp_path / "none.dcm")


def test_a_real_scan_of_many_structures_goes_out_and_comes_back(
    real_ct: Path, tmp_path: Path
) -> None:
    """The voxels of a real label map, under ids of one layer."""
    volume = read_nifti(real_ct / "totalsegmentator" / "example_seg_fast_force_split.nii.gz")
    codes_zyx, grid = to_canonical(volume.raw_xyz.astype(np.uint8), volume.affine)
    scan = some_scan().model_copy(update={"grid": grid})
    anatomy = [one.id for one in TAXONOMY.in_layer(Layer.ANATOMY)]
    lookup = np.zeros(256, np.uint8)
    lookup[1 : len(anatomy) + 1] = anatomy
    labels_zyx = lookup[codes_zyx]
    names = [TAXONOMY.by_id(int(one)).name for one in np.unique(labels_zyx) if one]
    assert len(names) > 25
    segmented(tmp_path / "seg.dcm", scan, labels_zyx, *names)
    read = Segmentation.read(tmp_path / "seg.dcm")
    for segment in read.segments:
        assert np.array_equal(read.mask_zyx(segment.number, grid), labels_zyx == segment.number)
