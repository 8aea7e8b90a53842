"""Pictures of one structure: size, sides, scale and what is drawn."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from scalemai_core.page.draw.contour import dashes, loops
from scalemai_core.page.draw.figures import GAP_PX, PANEL_PX, PICTURE_PX, Outline, draw_example
from scalemai_core.page.draw.view import View, views

SHAPE = (40, 60, 50)
SPACING = (5.0, 2.0, 3.0)
CYAN, AMBER = "#00e0ff", "#ffb000"


def block(z: slice, y: slice, x: slice) -> np.ndarray:
    mask_zyx = np.zeros(SHAPE, dtype=np.bool_)
    mask_zyx[z, y, x] = True
    return mask_zyx


WHOLE = block(slice(0, 40), slice(0, 60), slice(0, 50))


def picture(png: bytes) -> np.ndarray:
    with Image.open(BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


def panel(pixels: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = row * (PANEL_PX + GAP_PX), column * (PANEL_PX + GAP_PX)
    return pixels[top : top + PANEL_PX, left : left + PANEL_PX]


def centre_of_white(pixels: np.ndarray) -> tuple[float, float]:
    inner = pixels[40:-70, 40:-40].min(axis=2) > 250
    rows, columns = np.nonzero(inner)
    return float(rows.mean()) + 40, float(columns.mean()) + 40


def test_the_picture_is_a_small_png_of_the_promised_size() -> None:
    rng = np.random.default_rng(0)
    image_zyx = rng.normal(40, 20, SHAPE).astype(np.int16)
    png = draw_example(image_zyx, SPACING, [Outline("all", WHOLE, CYAN)])
    assert picture(png).shape == (PICTURE_PX[1], PICTURE_PX[0], 3)
    assert len(png) < 150_000


@pytest.mark.parametrize(
    ("z", "y", "x", "panel_index", "axis", "sign"),
    [
        (20, 30, 10, 0, 1, 1),  # left of the patient: right half of the axial plane
        (20, 30, 40, 0, 1, -1),  # right of the patient: left half
        (20, 50, 25, 0, 0, -1),  # anterior: upper half
        (20, 30, 10, 1, 1, 1),  # left of the patient: right half of the coronal plane
        (32, 30, 25, 1, 0, -1),  # head: upper half
        (20, 50, 25, 2, 1, -1),  # anterior: left half of the sagittal plane
        (8, 30, 25, 2, 0, 1),  # feet: lower half
    ],
)
def test_the_sides_follow_radiological_convention(
    z: int, y: int, x: int, panel_index: int, axis: int, sign: int
) -> None:
    image_zyx = np.full(SHAPE, -1000, dtype=np.int16)
    blob = block(slice(z - 3, z + 3), slice(y - 6, y + 6), slice(x - 4, x + 4))
    image_zyx[blob] = 1000
    # Both masks cover the scan but for the blob, which is where they differ and the planes go.
    png = draw_example(
        image_zyx, SPACING, [Outline("a", WHOLE, CYAN), Outline("b", WHOLE & ~blob, AMBER)]
    )
    place = centre_of_white(panel(picture(png), 0, panel_index))[axis]
    assert sign * (place - PANEL_PX / 2) > 15


def test_the_planes_go_through_the_largest_disagreement() -> None:
    image_zyx = np.full(SHAPE, -1000, dtype=np.int16)
    large = block(slice(25, 31), slice(40, 52), slice(30, 38))
    small = block(slice(5, 6), slice(5, 8), slice(5, 7))
    image_zyx[large] = 1000
    outlines = [Outline("a", WHOLE, CYAN), Outline("b", WHOLE & ~large & ~small, AMBER)]
    pixels = picture(draw_example(image_zyx, SPACING, outlines))
    assert all((panel(pixels, 0, column)[40:-70, 40:-40] > 250).any() for column in range(3))


def test_lines_are_drawn_below_only_and_differences_are_tinted() -> None:
    image_zyx = np.zeros(SHAPE, dtype=np.int16)
    left, both = (
        block(slice(10, 30), slice(20, 40), slice(10, 30)),
        block(slice(10, 30), slice(20, 40), slice(10, 40)),
    )
    pixels = picture(
        draw_example(
            image_zyx, SPACING, [Outline("a", left, CYAN), Outline("b", both, AMBER, dashed=True)]
        )
    )
    clean, outlined = panel(pixels, 0, 0)[30:-60, 30:-30], panel(pixels, 1, 0)[30:-60, 30:-30]
    assert (np.ptp(clean, axis=2) < 12).all()
    cyan = (np.abs(outlined - (0, 224, 255)) < 30).all(axis=2)
    amber = (np.abs(outlined - (255, 176, 0)) < 30).all(axis=2)
    assert cyan.any()
    assert amber.any()
    tinted = (outlined[..., 0] - outlined[..., 2] > 10) & ~amber
    assert 0.05 < tinted.mean() < 0.4


def test_nothing_outlined_shows_the_whole_scan() -> None:
    image_zyx = np.full(SHAPE, 40, dtype=np.int16)
    empty = np.zeros(SHAPE, dtype=np.bool_)
    for outlines in ([], [Outline("a", empty, CYAN), Outline("b", empty, AMBER)]):
        pixels = picture(draw_example(image_zyx, SPACING, outlines))
        assert panel(pixels, 0, 0)[PANEL_PX // 2, PANEL_PX // 2].min() > 80


def first_view(mask_zyx: np.ndarray) -> View:
    return next(views([mask_zyx], (20, 30, 25), SPACING, SHAPE, PANEL_PX))


def test_the_crop_holds_the_structure_and_its_margin_at_true_aspect() -> None:
    view = first_view(block(slice(18, 22), slice(28, 32), slice(20, 30)))
    assert PANEL_PX / view.px_per_mm == pytest.approx(10 * 3.0 + 60.0)  # 30 mm wide, 8 mm high
    column, row = view.to_px(np.array([[0.0, 0.0], [1.0, 1.0]])).T
    assert column[1] - column[0] == pytest.approx(3.0 * view.px_per_mm)
    assert row[1] - row[0] == pytest.approx(2.0 * view.px_per_mm)


def test_a_line_lies_on_the_edge_of_what_is_placed() -> None:
    mask_zyx = block(slice(18, 22), slice(28, 36), slice(20, 30))
    view = first_view(mask_zyx)
    cut = view.cut(mask_zyx)
    points = np.concatenate([view.to_px(loop) for loop in loops(cut)])
    shown = np.asarray(view.place((255 * cut).astype(np.uint8))) > 127
    rows, columns = np.nonzero(shown)
    assert points.min(axis=0) == pytest.approx([columns.min(), rows.min()], abs=2)
    assert points.max(axis=0) == pytest.approx([columns.max(), rows.max()], abs=2)


def test_dashes_cover_their_share_of_the_line() -> None:
    points = np.array([[0.0, 0.0], [30.0, 0.0], [30.0, 30.0]])
    pieces = list(dashes(points, 6.0, 4.0))
    lengths = [float(np.hypot(*np.diff(piece, axis=0).T).sum()) for piece in pieces]
    assert lengths == pytest.approx([6.0] * 6)
