"""DICOM segmentations: written and read voxel by voxel, by us and by others."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk  # noqa: N813 - its usual name
from pydicom.sr.codedict import codes
from pydicom.uid import SegmentationStorage, generate_uid

from scalemai_core.dicom.codes import structure_of
from scalemai_core.dicom.segmentation import Segmentation
from scalemai_core.dicom.series import slice_files, slice_headers
from scalemai_core.dicom.writing import MadeBy, SegmentNote, write_segmentation
from scalemai_core.errors import RejectedInput, UsageError
from scalemai_core.records.grid import Grid
from scalemai_core.records.scan import Scan
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
SHAPE_ZYX = (6, 9, 11)
NAMES = ("liver", "spleen", "kidney_left", "pancreas_head")


def rotation(degrees: float) -> np.ndarray:
    a, b = np.radians(degrees), np.radians(degrees / 3)
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    return turn @ np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])


def grid_of(degrees: float = 20.0, shape_zyx: tuple[int, ...] = SHAPE_ZYX) -> Grid:
    affine = np.eye(4)
    affine[:3, :3] = rotation(degrees) * [0.7, 0.8, 2.5]
    affine[:3, 3] = [-120.123456, 33.7, -412.5]
    return Grid.of(shape_zyx, affine)


def scan_of(grid: Grid) -> Scan:
    return Scan(
        scan_id="5ca1e" * 6, patient="keyed", case="case", source="s", grid=grid,
        source_axes="RAS", source_affine=grid.affine, fold=0,
    )  # fmt: skip


SCAN = scan_of(grid_of())


def some_labels(seed: int = 0, shape_zyx: tuple[int, ...] = SHAPE_ZYX) -> np.ndarray:
    ids = np.array([0, *(TAXONOMY[name].id for name in NAMES[:3])], np.uint8)
    labels_zyx = np.random.default_rng(seed).choice(ids, shape_zyx)
    labels_zyx[1:3] = 0
    return labels_zyx


def stored(labels_zyx: np.ndarray, scan: Scan, path: Path, title: str = "anatomy 1") -> Path:
    notes = [SegmentNote(name) for name in NAMES]
    write_segmentation(labels_zyx, notes, scan, title).save_as(path)
    return path


def binary(
    masks_zyx: list[np.ndarray], sources: list[Any], kind: str = "BINARY", **more: Any
) -> hd.seg.Segmentation:
    """What another program writes: segments numbered from 1, which may overlap."""
    segments = [
        hd.seg.SegmentDescription(n, f"part {n}", codes.SCT.Organ, codes.SCT.Kidney, "MANUAL")
        for n in range(1, len(masks_zyx) + 1)
    ]
    pixels = np.stack([mask_zyx[:, ::-1, ::-1] for mask_zyx in masks_zyx], axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return hd.seg.Segmentation(
            sources, pixels, kind, segments, generate_uid(), 1, generate_uid(), 1,
            "m", "n", "1", "0", **more,
        )  # fmt: skip


@pytest.mark.parametrize("degrees", [0.0, 20.0, 44.9])
def test_ids_and_voxels_come_back_on_straight_and_oblique_grids(
    degrees: float, tmp_path: Path
) -> None:
    grid = grid_of(degrees)
    labels_zyx = some_labels()
    read = Segmentation.read(stored(labels_zyx, scan_of(grid), tmp_path / "a.dcm"))
    assert {one.label: one.number for one in read.segments} == {
        name: TAXONOMY[name].id for name in NAMES
    }
    assert [one.structure for one in read.segments] == [one.label for one in read.segments]
    for one in read.segments:
        assert np.array_equal(read.mask_zyx(one.number, grid), labels_zyx == one.number)


def test_an_empty_map_says_what_was_looked_for(tmp_path: Path) -> None:
    empty_zyx = np.zeros(SHAPE_ZYX, np.uint8)
    read = Segmentation.read(stored(empty_zyx, SCAN, tmp_path / "a.dcm"))
    assert len(read.segments) == len(NAMES)
    assert not any(read.mask_zyx(one.number, SCAN.grid).any() for one in read.segments)


def test_a_voxel_that_no_segment_names_is_refused() -> None:
    with pytest.raises(UsageError, match="missing: spleen"):
        write_segmentation(
            np.full(SHAPE_ZYX, TAXONOMY["spleen"].id, np.uint8), [SegmentNote("liver")], SCAN, "x"
        )


def test_others_read_the_same(tmp_path: Path) -> None:
    """highdicom as a volume, pydicom frame by frame, and GDCM through SimpleITK."""
    labels_zyx = some_labels()
    path = stored(labels_zyx, SCAN, tmp_path / "a.dcm")

    volume = hd.seg.segread(path).get_volume(combine_segments=True)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0])
    found_zyx = np.zeros_like(labels_zyx)
    index = np.indices(volume.array.shape).reshape(3, -1)
    points = (
        np.linalg.inv(SCAN.grid.matrix)
        @ lps
        @ volume.affine
        @ np.vstack([index, np.ones((1, index.shape[1]))])
    )
    x, y, z = np.rint(points[:3]).astype(int)
    assert np.abs(points[:3] - np.rint(points[:3])).max() < 1e-4
    found_zyx[z, y, x] = volume.array.ravel()
    assert np.array_equal(found_zyx, labels_zyx)

    plain = pydicom.dcmread(path)
    by_place = {
        tuple(np.round([float(v) for v in header.ImagePositionPatient], 3)): index
        for index, header in enumerate(slice_headers(SCAN))
    }
    frames = plain.pixel_array
    for frame, groups in zip(frames, plain.PerFrameFunctionalGroupsSequence, strict=True):
        place = groups.PlanePositionSequence[0].ImagePositionPatient
        z = by_place[tuple(np.round([float(v) for v in place], 3))]
        assert np.array_equal(frame, labels_zyx[z, ::-1, ::-1])
    # GDCM does not know the class of label maps yet; under the older class's name it reads them.
    plain.SOPClassUID = plain.file_meta.MediaStorageSOPClassUID = SegmentationStorage
    plain.save_as(tmp_path / "older.dcm")
    image = sitk.ReadImage(str(tmp_path / "older.dcm"), imageIO="GDCMImageIO")
    assert np.array_equal(sitk.GetArrayFromImage(image), frames)


def test_headers_hold_no_person_and_belong_together(tmp_path: Path) -> None:
    labels_zyx = some_labels()
    one = pydicom.dcmread(stored(labels_zyx, SCAN, tmp_path / "a.dcm", "anatomy 1"))
    other = pydicom.dcmread(stored(labels_zyx, SCAN, tmp_path / "b.dcm", "vessels 1"))
    again = pydicom.dcmread(stored(labels_zyx, SCAN, tmp_path / "c.dcm", "anatomy 1"))
    ct = next(slice_files(SCAN, np.zeros(SHAPE_ZYX, np.int16)))
    assert one.SOPInstanceUID == again.SOPInstanceUID != other.SOPInstanceUID
    assert one.StudyInstanceUID == other.StudyInstanceUID == ct.StudyInstanceUID
    assert one.FrameOfReferenceUID == ct.FrameOfReferenceUID
    assert one.ReferencedSeriesSequence[0].SeriesInstanceUID == ct.SeriesInstanceUID
    assert (ct.PatientName, ct.PatientID, ct.PatientIdentityRemoved) == ("", "keyed", "YES")
    tracked = [segment.TrackingUID for segment in one.SegmentSequence if segment.SegmentNumber]
    assert len(set(tracked)) == len(NAMES)
    assert tracked == [s.TrackingUID for s in other.SegmentSequence if s.SegmentNumber]


def test_codes_name_structures_with_their_side() -> None:
    written = write_segmentation(
        np.zeros(SHAPE_ZYX, np.uint8),
        [SegmentNote("kidney_left", MadeBy.MANUAL), SegmentNote("pancreas_head")],
        SCAN,
        "x",
    )
    by_label = {one.SegmentLabel: one for one in written.SegmentSequence if one.SegmentNumber}
    kidney = by_label["kidney_left"].SegmentedPropertyTypeCodeSequence[0]
    assert kidney.CodeMeaning == "kidney"
    assert kidney.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning == "Left"
    assert by_label["kidney_left"].SegmentAlgorithmType == "MANUAL"
    assert structure_of("SCT", kidney.CodeValue, ["24028007"]) == "kidney_right"
    assert structure_of("SCT", kidney.CodeValue, []) is None
    assert structure_of("99SCALEMAI", "structure-2", []) == TAXONOMY.by_id(2).name
    assert structure_of("SCT", "0", []) is None


@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL"])
@pytest.mark.parametrize("reverse", [False, True])
def test_overlapping_segments_of_another_program_are_read(
    kind: str, *, reverse: bool, tmp_path: Path
) -> None:
    rng = np.random.default_rng(4)
    masks = [rng.random(SHAPE_ZYX) > 0.5 for _ in range(3)]
    masks[1][:3] = False
    sources = list(slice_headers(SCAN))
    pixels = [mask.astype(np.float32 if kind == "FRACTIONAL" else np.uint8) for mask in masks]
    if reverse:  # frames from the head down
        sources, pixels = sources[::-1], [mask[::-1] for mask in pixels]
    binary(pixels, sources, kind).save_as(tmp_path / "a.dcm")
    read = Segmentation.read(tmp_path / "a.dcm")
    for number, mask in enumerate(masks, start=1):
        assert np.array_equal(read.mask_zyx(number, SCAN.grid), mask)
    assert read.segments[0].label == "part 1"
    assert "Kidney" in read.segments[0].other_words


def test_frames_in_another_direction_or_a_part_of_the_field_are_placed(tmp_path: Path) -> None:
    """Coronal frames that begin inside the scan."""
    mask = np.zeros(SHAPE_ZYX, np.uint8)
    mask[2:5, 3:7, 4:9] = np.random.default_rng(2).integers(0, 2, (3, 4, 5))
    affine = SCAN.grid.matrix
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    x, z = lps[:3, 0], lps[:3, 2]
    spacing = [float(np.linalg.norm(z)), float(np.linalg.norm(x))]
    orientation = hd.PlaneOrientationSequence("PATIENT", [*(x / spacing[1]), *(z / spacing[0])])
    places = [
        hd.PlanePositionSequence("PATIENT", (lps @ np.array([4.0, y, 2.0, 1.0]))[:3])
        for y in range(3, 7)
    ]
    pixels = mask[2:5, 3:7, 4:9].transpose(1, 0, 2)[:, ::-1, ::-1]
    segmentation = binary(
        [pixels], list(slice_headers(SCAN)),
        plane_orientation=orientation, plane_positions=places,
        pixel_measures=hd.PixelMeasuresSequence(spacing, float(np.linalg.norm(lps[:3, 1]))),
    )  # fmt: skip
    segmentation.save_as(tmp_path / "a.dcm")
    found = Segmentation.read(tmp_path / "a.dcm").mask_zyx(1, SCAN.grid)
    assert np.array_equal(found, mask.astype(bool))


@pytest.mark.parametrize(
    ("shift_mm", "said"), [((0.2, 0, 0), "between the voxels"), ((0, 0, 2.5 * 6), "beyond")]
)
def test_a_segmentation_off_the_grid_is_rejected(
    shift_mm: tuple[float, ...], said: str, tmp_path: Path
) -> None:
    labels_zyx = some_labels()
    read = Segmentation.read(stored(labels_zyx, scan_of(grid_of(0.0)), tmp_path / "a.dcm"))
    affine = grid_of(0.0).matrix
    affine[:3, 3] += shift_mm
    with pytest.raises(RejectedInput, match=said) as error:
        read.mask_zyx(TAXONOMY["liver"].id, Grid.of(SHAPE_ZYX, affine))
    assert error.value.reason == "label_grid_mismatch"


def test_what_is_no_segmentation_is_rejected(tmp_path: Path) -> None:
    ct = next(slice_files(SCAN, np.zeros(SHAPE_ZYX, np.int16)))
    ct.save_as(tmp_path / "ct.dcm", enforce_file_format=True)
    (tmp_path / "noise.dcm").write_bytes(b"\0" * 128 + b"DICM" + b"noise" * 99)
    whole = stored(some_labels(), SCAN, tmp_path / "a.dcm").read_bytes()
    (tmp_path / "cut.dcm").write_bytes(whole[:900])
    for name in ("ct.dcm", "noise.dcm", "cut.dcm", "missing.dcm"):
        with pytest.raises(RejectedInput) as error:
            Segmentation.read(tmp_path / name)
        assert error.value.reason == "segmentation_unreadable"


def test_a_sheared_scan_is_refused() -> None:
    affine = grid_of(0.0).matrix
    affine[0, 2] = 0.4
    with pytest.raises(UsageError, match="sheared"):
        slice_headers(scan_of(Grid.of(SHAPE_ZYX, affine)))


def test_pixels_of_the_derived_series_are_the_scans(tmp_path: Path) -> None:
    image_zyx = np.random.default_rng(0).integers(-1024, 3071, SHAPE_ZYX).astype(np.int16)
    for index, file in enumerate(slice_files(SCAN, image_zyx)):
        path = tmp_path / f"{index}.dcm"
        file.save_as(path, enforce_file_format=True)
        image = sitk.ReadImage(str(path), imageIO="GDCMImageIO")
        assert np.array_equal(sitk.GetArrayFromImage(image)[0], image_zyx[index, ::-1, ::-1])


def test_damaged_files_are_rejected_or_read_and_never_anything_else(tmp_path: Path) -> None:
    whole = stored(some_labels(), SCAN, tmp_path / "a.dcm").read_bytes()
    rng = np.random.default_rng(0)
    reasons = set()
    for round_number in range(60):
        data = bytearray(whole)
        for _ in range(1 + round_number % 5):
            data[rng.integers(140, len(data))] = rng.integers(0, 256)
        (tmp_path / "b.dcm").write_bytes(data)
        try:
            read = Segmentation.read(tmp_path / "b.dcm")
            for one in read.segments:
                read.mask_zyx(one.number, SCAN.grid)
        except RejectedInput as error:
            reasons.add(error.reason)
    assert reasons
    assert reasons <= {"segmentation_unreadable", "label_grid_mismatch", "truncated_file"}
