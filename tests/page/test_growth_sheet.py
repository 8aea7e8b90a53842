"""The sheet of a growing tumour: a column a stage, the same planes, outlines in the last row."""

from __future__ import annotations

from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from scalemai_core.page.draw.growth import (
    GAP_PX,
    HEAD_PX,
    PANEL_PX,
    GrownStage,
    draw_growth,
)

SHAPE, SPACING = (30, 60, 60), (4.0, 2.0, 2.0)
STEP = PANEL_PX + GAP_PX


def ball(radius_mm: float, centre_zyx: tuple[int, int, int] = (15, 30, 30)) -> np.ndarray:
    squares = sum(
        ((index - centre) * edge) ** 2
        for index, centre, edge in zip(np.indices(SHAPE), centre_zyx, SPACING, strict=True)
    )
    return squares < radius_mm**2


def stage(radius_mm: float, dead_mm: float = 0.0) -> GrownStage:
    mask_zyx = ball(radius_mm)
    image_zyx = np.where(mask_zyx, 40.0, 100.0).astype(np.float32)
    return GrownStage(image_zyx, mask_zyx, ball(dead_mm), f"{2 * radius_mm:g} mm", "note")


@pytest.fixture(scope="module")
def sheet() -> np.ndarray:
    png = draw_growth([stage(0.0), stage(8.0), stage(16.0, dead_mm=7.0)], SPACING, (0.0, 100.0))
    with Image.open(BytesIO(png)) as image:
        assert image.format == "PNG"
        return np.asarray(image.convert("RGB")).astype(int)


def panel(sheet: np.ndarray, row: int, column: int) -> np.ndarray:
    top, left = HEAD_PX + row * STEP, column * STEP
    return sheet[top : top + PANEL_PX, left : left + PANEL_PX]


def test_there_is_a_column_a_stage_and_a_row_a_plane_and_one_with_outlines(
    sheet: np.ndarray,
) -> None:
    assert sheet.shape == (HEAD_PX + 4 * STEP - GAP_PX, 3 * STEP - GAP_PX, 3)


def test_all_columns_show_the_tumour_at_the_same_place_only_larger(sheet: np.ndarray) -> None:
    for row in range(3):
        inner = [panel(sheet, row, column)[40:-50, 40:-60] for column in range(3)]
        dark = [np.abs(pixels - 102).max(axis=2) < 8 for pixels in inner]
        assert dark[0].sum() == 0
        assert 0 < dark[1].sum() < dark[2].sum()
        centres = [np.argwhere(found).mean(axis=0) for found in dark[1:]]
        assert np.abs(centres[0] - centres[1]).max() < 6


def test_tumour_and_dead_core_are_outlined_in_the_last_row_alone(sheet: np.ndarray) -> None:
    for column, outlines in enumerate((0, 1, 2)):
        for row in range(4):
            pixels = panel(sheet, row, column)
            red, green, blue = pixels[..., 0], pixels[..., 1], pixels[..., 2]
            amber = (red > 200) & (green > 120) & (blue < 120)
            pink = (red > 200) & (green < 140) & (blue > 120)
            assert bool(amber.any()) == (row == 3 and outlines >= 1)
            assert bool(pink.any()) == (row == 3 and outlines >= 2)
