"""NIfTI-1 as bytes: arrays written exactly on their grid, masks read without trusting the file.

A header is believed for nothing but what was checked, and no more is unpacked than the voxels of a
grid that is known before.
"""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from collections.abc import Sequence
from typing import BinaryIO, cast

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from scalemai_core.errors import TooLargeError, UsageError
from scalemai_core.records.grid import Grid
from scalemai_core.review.handoff.placement import Placement, Shape, place

_HEADER_BYTES = 348
_NO_EXTENSION = b"\0\0\0\0"
_FIRST_VOXEL = _HEADER_BYTES + len(_NO_EXTENSION)
_MAX_EXTENSIONS = 2**20
"""Bytes between header and voxels; editors leave some notes there."""
_MAX_ITEM = 8
_NUM_AXES, _MAX_AXES = 3, 7
_MAX_CODE = 255
_CHUNK = 2**22
"""Voxels unpacked at a time."""
_GZIP = b"\x1f\x8b"
_DAMAGED = "the mask's file ends too early or is damaged: save it and send it again"


def encode(array_zyx: NDArray[np.int16] | NDArray[np.uint8], grid: Grid) -> bytes:
    """A ``.nii.gz`` of the array, unscaled; equal arrays give equal bytes.

    sform and qform are both set, since editors differ in which they believe; their float32 is the
    only loss.
    """
    header = Nifti1Header()
    header.set_data_dtype(array_zyx.dtype)
    header.set_data_shape(array_zyx.shape[::-1])
    header.set_xyzt_units("mm")
    header.set_qform(grid.matrix, code="scanner")
    header.set_sform(grid.matrix, code="scanner")
    header["vox_offset"] = _FIRST_VOXEL
    header["scl_slope"], header["scl_inter"] = 1.0, 0.0
    little = array_zyx.astype(array_zyx.dtype.newbyteorder("<"), copy=False)
    # The file counts x fastest, as an array with axes z, y, x does in memory.
    voxels = np.ascontiguousarray(little).tobytes()
    return gzip.compress(header.binaryblock + _NO_EXTENSION + voxels, compresslevel=1, mtime=0)


def decode(data: bytes, grids: Sequence[Grid]) -> tuple[NDArray[np.uint8], int]:
    """Integer codes 0 to 255 with axes z, y, x, and which of ``grids`` they lie on.

    Raises TooLargeError or UsageError with one sentence that says what is wrong.
    """
    _check_size(data, max(grid.num_voxels for grid in grids))
    file = _opened(data)
    header = _header(file)
    shape_xyz = _shape(header)
    index, placement = place(shape_xyz, _affine(header), grids)
    _skip_extensions(file, header)
    return _codes(file, header, shape_xyz, placement), index


def _check_size(data: bytes, num_voxels: int) -> None:
    if len(data) > num_voxels * _MAX_ITEM + _MAX_EXTENSIONS:
        raise TooLargeError("the file is larger than any mask of this scan: send one mask alone")


def _opened(data: bytes) -> BinaryIO:
    file = io.BytesIO(data)
    return cast("BinaryIO", gzip.GzipFile(fileobj=file)) if data[:2] == _GZIP else file


def _read(file: BinaryIO, num_bytes: int) -> bytes:
    """Exactly so many bytes, and no more unpacked; raises UsageError."""
    try:
        found = file.read(num_bytes)
    except (EOFError, OSError, zlib.error, struct.error) as error:
        raise UsageError(_DAMAGED) from error
    if len(found) != num_bytes:
        raise UsageError(_DAMAGED)
    return found


def _header(file: BinaryIO) -> Nifti1Header:
    block = _read(file, _HEADER_BYTES)
    sizes = {int.from_bytes(block[:4], "little"), int.from_bytes(block[:4], "big")}
    if _HEADER_BYTES not in sizes or block[344:348] != b"n+1\0":
        raise UsageError("the file is no NIfTI-1 volume: save the mask as .nii.gz")
    try:
        header = Nifti1Header(block, check=False)
        header.get_data_dtype()
    except (HeaderDataError, ValueError, KeyError) as error:
        raise UsageError("the file's NIfTI header is damaged: save the mask again") from error
    return header


def _shape(header: Nifti1Header) -> Shape:
    sizes = [int(size) for size in header["dim"]]
    count = sizes[0]
    if not _NUM_AXES <= count <= _MAX_AXES or any(n < 1 for n in sizes[1 : count + 1]):
        raise UsageError("the mask must be one volume with three axes")
    if any(n != 1 for n in sizes[_NUM_AXES + 1 : count + 1]):
        raise UsageError("the file holds several volumes: save one mask, without a time axis")
    return (sizes[1], sizes[2], sizes[3])


def _affine(header: Nifti1Header) -> NDArray[np.float64]:
    if int(header["sform_code"]) > 0:
        return np.array(header.get_sform(), dtype=np.float64)
    if int(header["qform_code"]) <= 0:
        raise UsageError("the mask's header does not say where it lies: save it with its geometry")
    try:
        return np.array(header.get_qform(), dtype=np.float64)
    except (HeaderDataError, ValueError) as error:
        raise UsageError("the mask's orientation cannot be read: save it again") from error


def _skip_extensions(file: BinaryIO, header: Nifti1Header) -> None:
    offset = float(header["vox_offset"])
    if not _HEADER_BYTES <= offset <= _MAX_EXTENSIONS or not offset.is_integer():
        raise UsageError("the file's NIfTI header is damaged: save the mask again")
    _read(file, max(int(offset), _FIRST_VOXEL) - _HEADER_BYTES)


def _codes(
    file: BinaryIO, header: Nifti1Header, shape_xyz: Shape, placement: Placement
) -> NDArray[np.uint8]:
    """The voxels, unpacked piece by piece, so that wide numbers never stand in memory whole."""
    dtype = _dtype(header)
    codes = np.empty(int(np.prod(shape_xyz)), dtype=np.uint8)
    for start in range(0, codes.size, _CHUNK):
        count = min(_CHUNK, codes.size - start)
        values = np.frombuffer(_read(file, count * dtype.itemsize), dtype=dtype)
        codes[start : start + count] = _integral(values)
    _check_end(file)
    return placement.apply(codes.reshape(shape_xyz, order="F"))


def _dtype(header: Nifti1Header) -> np.dtype[np.generic]:
    dtype = header.get_data_dtype()
    if dtype.kind not in "iuf" or dtype.itemsize > _MAX_ITEM:
        raise UsageError(f"the mask's voxels are {dtype}, not whole numbers: save it as uint8")
    slope, inter = float(header["scl_slope"]), float(header["scl_inter"])
    scaled = np.isfinite(slope) and slope != 0.0 and (slope, inter) != (1.0, 0.0)
    if scaled:
        raise UsageError("the mask's voxels are scaled: save it as plain whole numbers")
    return dtype


def _integral(values: NDArray[np.generic]) -> NDArray[np.uint8]:
    with np.errstate(invalid="ignore"):
        codes = values.astype(np.uint8)
    if not np.array_equal(codes, values):
        raise UsageError(f"the mask holds values that are no labels from 0 to {_MAX_CODE}")
    return codes


def _check_end(file: BinaryIO) -> None:
    """Reading on also compares the sum that the compression keeps."""
    try:
        more = file.read(1)
    except (EOFError, OSError, zlib.error, struct.error) as error:
        raise UsageError(_DAMAGED) from error
    if more:
        raise UsageError("the file holds more than its header says: save the mask again")
