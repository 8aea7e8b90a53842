"""A DICOM segmentation as masks on the grid of the scan that it refers to.

Read frame by frame through highdicom: BINARY, FRACTIONAL (half and more is inside) and LABELMAP,
compressed or not, whatever the order of the frames and wherever they begin.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import highdicom as hd
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from scalemai_core.dicom.codes import structure_of
from scalemai_core.errors import RejectedInput
from scalemai_core.records.grid import Grid

_TOLERANCE_VOXEL = 0.05
"""Of a voxel's edge: positions in DICOM are rounded decimals."""

_DAMAGE = (
    *(ValueError, AttributeError, LookupError, TypeError, ArithmeticError, RuntimeError),
    *(OSError, EOFError, AssertionError, struct.error, InvalidDicomError),
)
"""What pydicom and highdicom raise at a damaged file."""

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Segment:
    """What the file says that one of its segments is."""

    number: int
    label: str
    structure: str | None
    """By its code and side, where they name exactly one."""
    other_words: tuple[str, ...]
    """More that it is called, the most exact first."""


class Segmentation:
    """One segmentation object; voxels are read when a mask is asked for."""

    def __init__(self, dataset: hd.seg.Segmentation) -> None:
        self._dataset = dataset
        self._frames = _frames_by_segment(dataset)
        self._codes: NDArray[np.uint16] | None = None
        self.segments = tuple(
            _segment(item) for item in dataset.SegmentSequence if int(item.SegmentNumber) > 0
        )
        self.frame_of_reference = str(dataset.get("FrameOfReferenceUID") or "")
        self.series = referenced_series(dataset)

    @classmethod
    def read(cls, path: Path) -> Segmentation:
        """Open a file; raises RejectedInput naming it."""
        try:
            return cls(hd.seg.segread(path))
        except _DAMAGE as error:
            raise RejectedInput(
                "segmentation_unreadable",
                f"{path} cannot be read as a DICOM segmentation",
                "Export the segmentation again.",
            ) from error

    def mask_zyx(self, number: int, grid: Grid) -> Mask:
        """The voxels of one segment; raises RejectedInput where it does not lie on the grid."""
        if self._dataset.segmentation_type is hd.seg.SegmentationTypeValues.LABELMAP:
            if self._codes is None or self._codes.shape != grid.shape_zyx:
                self._codes = self._painted(self._frames[0], grid, np.dtype(np.uint16))
            return self._codes == number
        return self._painted(self._frames[number], grid, np.dtype(np.bool_))

    def _painted(self, frames: list[int], grid: Grid, dtype: np.dtype[Any]) -> NDArray[Any]:
        values_zyx = np.zeros(grid.shape_zyx, dtype=dtype)
        to_index = np.linalg.inv(grid.matrix).astype(np.float64)
        for frame in frames:
            pixels = self._pixels(frame)
            rows, columns = np.nonzero(pixels)
            if rows.size:
                index_xyz = _placed(self._dataset, frame, to_index, grid)(rows, columns)
                values_zyx[index_xyz[2], index_xyz[1], index_xyz[0]] = pixels[rows, columns]
        return values_zyx

    def _pixels(self, frame: int) -> NDArray[Any]:
        try:
            if self._dataset.BitsAllocated == 1 and not self._compressed:
                return _unpacked(self._dataset, frame)
            pixels = self._dataset.get_stored_frame(frame + 1)
        except _DAMAGE as error:
            raise RejectedInput(
                "truncated_file",
                "the segmentation's pixels end too early or cannot be decoded",
                "Export the segmentation again.",
            ) from error
        if self._dataset.segmentation_type is hd.seg.SegmentationTypeValues.FRACTIONAL:
            return pixels * 2.0 >= float(self._dataset.MaximumFractionalValue)
        return pixels

    @property
    def _compressed(self) -> bool:
        return self._dataset.file_meta.TransferSyntaxUID.is_encapsulated


def _unpacked(dataset: Dataset, frame: int) -> NDArray[np.uint8]:
    """A frame of single bits, which need not begin with a byte; highdicom takes it that it does."""
    shape = (int(dataset.Rows), int(dataset.Columns))
    first = frame * shape[0] * shape[1]
    last = first + shape[0] * shape[1]
    window = np.frombuffer(dataset.PixelData, np.uint8)[first // 8 : -(-last // 8)]
    bits = np.unpackbits(window, bitorder="little")[first % 8 :]
    return bits[: last - first].reshape(shape)


def referenced_series(dataset: Dataset) -> tuple[str, ...]:
    """Identifiers of the series that a segmentation says it was drawn on."""
    items = dataset.get("ReferencedSeriesSequence") or ()
    return tuple(str(item.get("SeriesInstanceUID") or "") for item in items)


def _frames_by_segment(dataset: hd.seg.Segmentation) -> dict[int, list[int]]:
    """Frames of each segment, from 0; of a LABELMAP all of them under 0."""
    found: dict[int, list[int]] = defaultdict(list)
    for frame in range(int(dataset.NumberOfFrames)):
        identification = _group(dataset, frame, "SegmentIdentificationSequence")
        number = identification.get("ReferencedSegmentNumber", 0) if identification else 0
        if dataset.segmentation_type is hd.seg.SegmentationTypeValues.LABELMAP:
            number = 0
        found[int(number)].append(frame)
    return found


def _group(dataset: Dataset, frame: int, keyword: str) -> Dataset | None:
    """A functional group of a frame, its own or the shared one."""
    for groups in (
        dataset.PerFrameFunctionalGroupsSequence[frame],
        dataset.SharedFunctionalGroupsSequence[0],
    ):
        if groups.get(keyword):
            return groups[keyword].value[0]
    return None


def _segment(item: Dataset) -> Segment:
    kind = item.SegmentedPropertyTypeCodeSequence[0]
    modifiers = kind.get("SegmentedPropertyTypeModifierCodeSequence") or ()
    sides = [str(one.get("CodeValue", "")) for one in modifiers]
    meaning = str(kind.get("CodeMeaning", ""))
    with_side = [f"{meaning} {one.get('CodeMeaning', '')}" for one in modifiers]
    description = str(item.get("SegmentDescription") or "")
    return Segment(
        number=int(item.SegmentNumber),
        label=str(item.SegmentLabel),
        structure=structure_of(
            str(kind.get("CodingSchemeDesignator", "")), str(kind.get("CodeValue", "")), sides
        ),
        other_words=tuple(filter(None, (description, *(with_side or [meaning])))),
    )


class _Placed:
    """Pixels of a frame as voxels of a grid."""

    def __init__(self, origin: NDArray[np.intp], steps: NDArray[np.intp]) -> None:
        self._origin, self._steps = origin, steps

    def __call__(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[np.intp]:
        pixels = np.stack([columns, rows])
        return self._origin[:, None] + self._steps @ pixels


def _placed(
    dataset: hd.seg.Segmentation, frame: int, to_index: NDArray[np.float64], grid: Grid
) -> _Placed:
    """Where a frame's pixels lie in the grid; raises RejectedInput where between its voxels."""
    index_of = to_index @ _frame_affine(dataset, frame)
    columns, rows = int(dataset.Columns) - 1, int(dataset.Rows) - 1
    corners = np.array([[0, columns, 0, columns], [0, 0, rows, rows]])
    pixels = np.vstack([corners, np.ones((1, 4))])
    exact = (index_of @ pixels)[:3]
    origin, steps = np.rint(index_of[:3, 2]), np.rint(index_of[:3, :2])
    rounded = origin[:, None] + steps @ corners
    sizes_xyz = np.array(grid.shape_zyx[::-1])[:, None]
    if np.abs(exact - rounded).max() > _TOLERANCE_VOXEL:
        raise _off_grid("its pixels lie between the voxels of the series")
    if (rounded < 0).any() or (rounded >= sizes_xyz).any():
        raise _off_grid("it reaches beyond the series")
    return _Placed(origin.astype(np.intp), steps.astype(np.intp))


def _frame_affine(dataset: hd.seg.Segmentation, frame: int) -> NDArray[np.float64]:
    """4x3: (column, row, 1) of a frame to RAS mm."""
    try:
        return _said_affine(dataset, frame)
    except _DAMAGE as error:
        raise _off_grid("it does not say where its frames lie") from error


def _said_affine(dataset: hd.seg.Segmentation, frame: int) -> NDArray[np.float64]:
    position = _group(dataset, frame, "PlanePositionSequence")
    orientation = _group(dataset, frame, "PlaneOrientationSequence")
    measures = _group(dataset, frame, "PixelMeasuresSequence")
    if position is None or orientation is None or measures is None:
        raise ValueError("no geometry")
    along = np.array(orientation.ImageOrientationPatient, dtype=np.float64)
    between_rows, between_columns = (float(mm) for mm in measures.PixelSpacing)
    affine = np.zeros((4, 3))
    affine[:3, 0], affine[:3, 1] = along[:3] * between_columns, along[3:] * between_rows
    affine[:3, 2] = np.array(position.ImagePositionPatient, dtype=np.float64)
    affine[:2] *= -1.0
    affine[3, 2] = 1.0
    return affine


def _off_grid(what: str) -> RejectedInput:
    return RejectedInput(
        "label_grid_mismatch",
        f"the segmentation is not on the grid of its series: {what}",
        "Resample the segmentation onto the series, or offer the series it was drawn on.",
    )
