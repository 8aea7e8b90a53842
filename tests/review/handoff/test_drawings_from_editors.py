"""Whatever orientation an editor saves in, the mask comes back voxel by voxel, or is refused."""

from __future__ import annotations

import gzip
import io
import itertools
import tracemalloc
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalemai_core.errors import TooLargeError, UsageError
from scalemai_core.intake.nifti import read_nifti
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import Box, ItemView
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.review.drawing import Drawing
from scalemai_core.review.handoff.drawing import read_drawing
from scalemai_core.review.handoff.nifti import decode, encode
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.orientation import to_canonical

LIVER = load_taxonomy()["liver"].id
SHAPE_ZYX = (9, 8, 7)
BOX: Box = (2, 1, 0, 8, 6, 4)
TURN = np.array(
    [[0.936, -0.290, 0.199, 0], [0.312, 0.945, -0.095, 0], [-0.160, 0.151, 0.975, 0], [0, 0, 0, 1]]
)
ORIENTATIONS = list(
    itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3))
)


def oblique() -> np.ndarray:
    turn = TURN.copy()
    turn[:3, :3] = np.linalg.qr(turn[:3, :3])[0]
    turn[:3, :3] *= np.sign(np.diag(turn[:3, :3]))
    affine = turn @ np.diag([0.7, 0.8, 2.5, 1.0])
    affine[:3, 3] = [-120.5, 33.25, -987.125]
    return affine


SCAN = Grid.of(SHAPE_ZYX, oblique())


def crop_grid(grid: Grid, box: Box) -> Grid:
    affine = grid.matrix
    affine[:3, 3] += affine[:3, :3] @ np.array(box[2::-1], dtype=float)
    return Grid.of(tuple(box[axis + 3] - box[axis] for axis in range(3)), affine)


CROP = crop_grid(SCAN, BOX)
ITEM = ReviewItem(
    item_id="1-scan-liver",
    round=1,
    kind=ItemKind.EDIT,
    scan_id="scan",
    structure="liver",
    priority=1.0,
    reason="",
    base_label_map=None,
    prediction=None,
)
VIEW = ItemView(item_id=ITEM.item_id, centre_zyx=(4, 3, 2), box=BOX, volumes_ml=(None, None, None))


def a_mask(shape_zyx: tuple[int, ...], seed: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random(shape_zyx) > 0.6


def saved(array_zyx: np.ndarray, affine: np.ndarray, *, packed: bool = True) -> bytes:
    """What nibabel, standing in for an editor, writes."""
    data = nib.Nifti1Image(array_zyx.T, affine).to_bytes()
    return gzip.compress(data, 1) if packed else data


def reoriented(mask_zyx: np.ndarray, grid: Grid, order: tuple, signs: tuple) -> bytes:
    """The same mask in another order of axes, as an editor may save it."""
    image = nib.Nifti1Image(mask_zyx.T.astype(np.uint8), grid.matrix)
    codes = np.array(list(zip(order, signs, strict=True)), dtype=float)
    return gzip.compress(image.as_reoriented(codes).to_bytes(), 1)


def read(data: bytes, named: dict[int, str] | None = None) -> Drawing:
    return read_drawing(data, ITEM, VIEW, SCAN, CROP, named)


@pytest.mark.parametrize(("order", "signs"), ORIENTATIONS)
def test_all_48_orientations_come_back_voxel_by_voxel(order: tuple, signs: tuple) -> None:
    for grid, box in ((CROP, BOX), (SCAN, (0, 0, 0, *SHAPE_ZYX))):
        mask_zyx = a_mask(grid.shape_zyx)
        drawing = read(reoriented(mask_zyx, grid, order, signs))
        assert drawing.box == box
        assert drawing.mask_zyx.dtype == np.bool_
        assert np.array_equal(drawing.mask_zyx, mask_zyx)


@pytest.mark.parametrize("dtype", ["u1", "i1", "<i2", ">i2", "u2", "i4", "u4", "i8", "f4", "f8"])
@pytest.mark.parametrize("packed", [True, False])
def test_every_type_that_holds_whole_numbers_is_read(dtype: str, *, packed: bool) -> None:
    mask_zyx = a_mask(CROP.shape_zyx)
    value = 1 if dtype == "i1" else LIVER
    image = nib.Nifti1Image((mask_zyx.T * value).astype(dtype), CROP.matrix, dtype=dtype)
    data = image.to_bytes()
    assert np.array_equal(read(gzip.compress(data) if packed else data).mask_zyx, mask_zyx)


def test_what_we_write_reads_back_here_and_in_nibabel(tmp_path: Path) -> None:
    image_zyx = np.random.default_rng(1).integers(-1024, 3000, SHAPE_ZYX).astype(np.int16)
    data = encode(image_zyx, SCAN)
    assert data == encode(image_zyx.copy(), SCAN)
    (tmp_path / "a.nii.gz").write_bytes(data)
    volume = read_nifti(tmp_path / "a.nii.gz")
    found_zyx, grid = to_canonical(volume.raw_xyz, volume.affine)
    assert np.array_equal(found_zyx, image_zyx)
    assert np.allclose(grid.matrix, SCAN.matrix, atol=1e-4)
    assert nib.Nifti1Image.from_bytes(gzip.decompress(data)).get_data_dtype() == np.int16


def test_qform_alone_is_enough() -> None:
    mask_zyx = a_mask(CROP.shape_zyx)
    image = nib.Nifti1Image(mask_zyx.T.astype(np.uint8), CROP.matrix)
    image.set_qform(CROP.matrix, code=1)
    image.header["sform_code"] = 0
    assert np.array_equal(read(image.to_bytes()).mask_zyx, mask_zyx)


def test_an_empty_mask_says_that_nothing_is_there() -> None:
    assert not read(saved(np.zeros(CROP.shape_zyx, np.uint8), CROP.matrix)).mask_zyx.any()


def moved(mm: tuple[float, float, float]) -> np.ndarray:
    affine = CROP.matrix
    affine[:3, 3] += mm
    return affine


def scaled(factor: float) -> np.ndarray:
    return CROP.matrix @ np.diag([1, factor, 1, 1])


def turned() -> np.ndarray:
    angle = np.radians(2)
    turn = np.eye(4)
    turn[:2, :2] = [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]]
    return turn @ CROP.matrix


@pytest.mark.parametrize(
    ("affine", "said"),
    [
        (moved((0.05, 0, 0)), "shifted by 0.050 x 0.000 x 0.000 mm"),
        (moved((0.0, 0, -2.5)), "shifted by"),
        (scaled(1.05), r"measure 0.700 x 0.840 x 2.500 mm, not 0.700 x 0.800 x 2.500 mm"),
        (turned(), "turned"),
        (np.full((4, 4), np.nan), "does not place it"),
        (np.diag([0.0, 1, 1, 1]), "point elsewhere"),
    ],
)
def test_another_grid_is_refused_and_what_differs_is_said(affine: np.ndarray, said: str) -> None:
    ones = np.ones(CROP.shape_zyx, np.uint8)
    image = nib.Nifti1Image(ones.T, CROP.matrix)
    image.header["sform_code"] = 1
    for row, name in enumerate(("srow_x", "srow_y", "srow_z")):
        image.header[name] = affine[row]
    image._affine = None
    block = image.header.binaryblock + b"\0\0\0\0" + b"\1" * ones.size
    with pytest.raises(UsageError, match=said):
        read(with_offset(block))


def with_offset(data: bytes, offset: float = 352.0) -> bytes:
    return data[:108] + np.float32(offset).tobytes() + data[112:]


def test_another_size_is_refused() -> None:
    with pytest.raises(UsageError, match="it has 4 x 5 x 7 voxels, not 4 x 5 x 6"):
        read(saved(np.ones((7, 5, 4), np.uint8), CROP.matrix))


def test_labels_of_other_structures_are_refused_by_their_names() -> None:
    codes_zyx = np.zeros(CROP.shape_zyx, np.uint8)
    codes_zyx[0, 0, :2] = [LIVER, 77]
    data = saved(codes_zyx, CROP.matrix)
    with pytest.raises(UsageError, match="labels 77: this item takes 0, and 1 or"):
        read(data)
    with pytest.raises(UsageError, match="labels spleen"):
        read(data, {LIVER: "liver", 77: "spleen"})
    assert read(data, {LIVER: "liver", 77: "Liver"}).mask_zyx.sum() == 2


@pytest.mark.parametrize("bad", [0.5, -1.0, 256.0, np.nan, np.inf])
def test_values_that_are_no_labels_are_refused(bad: float) -> None:
    values = np.zeros(CROP.shape_zyx)
    values[1, 1, 1] = bad
    with pytest.raises(UsageError, match="no labels from 0 to 255"):
        read(saved(values, CROP.matrix))


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: b"",
        lambda data: b"not a volume" * 50,
        lambda data: data[:200],
        lambda data: data[:-10],
        lambda data: gzip.compress(data)[:-12],
        lambda data: gzip.compress(data)[:60],
        lambda data: gzip.compress(data)[:-8] + b"12345678",
        lambda data: data + b"more",
        lambda data: with_offset(data, 1e30),
        lambda data: with_offset(data, np.nan),
        lambda data: with_offset(data, -5),
        lambda data: data[:344] + b"ni1\0" + data[348:],
        lambda data: data[:40] + np.array([3, -4, 5, 6], "<i2").tobytes() + data[48:],
        lambda data: data[:40] + np.array([4, 4, 5, 6, 9], "<i2").tobytes() + data[50:],
        lambda data: data[:40] + np.array([9, 4, 5, 6], "<i2").tobytes() + data[48:],
        lambda data: data[:70] + np.array([128], "<i2").tobytes() + data[72:],
        lambda data: data[:70] + np.array([9999], "<i2").tobytes() + data[72:],
        lambda data: data[:112] + np.array([0.5, 3.0], "<f4").tobytes() + data[120:],
        lambda data: data[:252] + bytes(4) + data[256:],
    ],
)
def test_a_damaged_file_is_refused_in_one_sentence(spoil: object) -> None:
    data = saved(a_mask(CROP.shape_zyx).astype(np.uint8), CROP.matrix, packed=False)
    with pytest.raises(UsageError) as error:
        read(spoil(data))  # type: ignore[operator]
    assert "\n" not in str(error.value)


@given(st.binary(max_size=600), st.integers(0, 352))
def test_no_bytes_raise_anything_else(noise: bytes, at: int) -> None:
    data = saved(np.ones(CROP.shape_zyx, np.uint8), CROP.matrix, packed=False)
    for spoiled in (noise, gzip.compress(noise), data[:at] + noise + data[at + len(noise) :]):
        try:
            codes_zyx, index = decode(spoiled, (CROP, SCAN))
        except UsageError:
            continue
        assert codes_zyx.shape == (CROP, SCAN)[index].shape_zyx


def test_a_bomb_is_not_unpacked() -> None:
    header = saved(np.ones(CROP.shape_zyx, np.uint8), CROP.matrix, packed=False)
    file = io.BytesIO()
    with gzip.GzipFile(fileobj=file, mode="wb") as packed:
        packed.write(header)
        for _ in range(200):
            packed.write(bytes(2**20))
    bomb = file.getvalue()
    small = Grid.of((128, 128, 128), CROP.matrix)  # so that its size alone does not give it away
    tracemalloc.start()
    with pytest.raises(UsageError, match="more than its header says"):
        decode(bomb, (CROP, small))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5 * 2**20


def test_a_file_larger_than_any_mask_is_refused_unread() -> None:
    with pytest.raises(TooLargeError):
        read(bytes(2**21))


def test_a_real_scan_goes_out_and_comes_back_the_other_way_round(
    real_ct: Path, tmp_path: Path
) -> None:
    volume = read_nifti(real_ct / "totalsegmentator" / "example_seg_fast_force_split.nii.gz")
    codes_zyx, grid = to_canonical(volume.raw_xyz.astype(np.uint8), volume.affine)
    path = tmp_path / "mask.nii.gz"
    path.write_bytes(encode(codes_zyx, grid))
    for wanted in ("LPS", "RAI", "SLA", "PIR"):
        image = nib.load(path)
        turn = nib.orientations.ornt_transform(
            nib.orientations.axcodes2ornt(nib.aff2axcodes(image.affine)),
            nib.orientations.axcodes2ornt(wanted),
        )
        data = gzip.compress(image.as_reoriented(turn).to_bytes(), 1)
        found_zyx, _ = decode(data, (grid,))
        assert np.array_equal(found_zyx, codes_zyx)
