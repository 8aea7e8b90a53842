"""The drawing of one structure: planes, slices, outlines where the masks are, and a legend."""

from __future__ import annotations

from base64 import b64decode
from io import BytesIO
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from scalemai_core.page.draw.figures import Outline
from scalemai_core.page.draw.focus import focus, levels
from scalemai_core.page.draw.window import BONE, LUNG, SOFT_TISSUE, Window, window_of
from scalemai_core.page.judgement.plate import GAP_PX, MARGIN_PX, PLANE_PX, Caption, draw_plate
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SHAPE = (40, 60, 50)
SPACING = (5.0, 2.0, 3.0)
SVG = "{http://www.w3.org/2000/svg}"
CAPTION = Caption("Liver of <case> & co, round 2", "Replaced", "Dice 0.7")


def block(z: slice, y: slice, x: slice) -> np.ndarray:
    mask_zyx = np.zeros(SHAPE, dtype=np.bool_)
    mask_zyx[z, y, x] = True
    return mask_zyx


SMALL = block(slice(10, 20), slice(20, 40), slice(10, 20))
LARGE = block(slice(10, 30), slice(20, 40), slice(10, 20))
NOTHING = np.zeros(SHAPE, dtype=np.bool_)


def drawn(*outlines: Outline, window: Window = SOFT_TISSUE) -> ET.Element:
    image_zyx = np.full(SHAPE, 40, dtype=np.int16)
    return ET.fromstring(draw_plate(image_zyx, SPACING, outlines, window, CAPTION))


@pytest.fixture(scope="module")
def plate() -> ET.Element:
    return drawn(
        Outline("current", SMALL, "#22d3ee"),
        Outline("prediction", LARGE, "#facc15", dashed=True),
    )


def words(plate: ET.Element) -> list[str]:
    return [element.text or "" for element in plate.iter(f"{SVG}text")]


def test_it_is_a_file_of_its_own_with_title_window_and_legend(plate: ET.Element) -> None:
    assert plate.tag == f"{SVG}svg"
    assert float(plate.attrib["width"]) == 3 * PLANE_PX + 2 * GAP_PX + 2 * MARGIN_PX
    said = words(plate)
    assert said[:2] == [CAPTION.title, CAPTION.lead]
    assert {"current", "prediction", "soft tissue window, L 40 W 400"} <= set(said)
    (style,) = plate.iter(f"{SVG}style")
    assert "#22d3ee" in (style.text or "")
    assert "#facc15" in (style.text or "")


def test_six_planes_and_five_slices_from_head_to_feet(plate: ET.Element) -> None:
    panels = plate.findall(f"{SVG}svg")
    assert len(panels) == 11
    names = [panel.findtext(f"{SVG}text") or "" for panel in panels]
    assert names[:6] == ["axial", "axial", "coronal", "coronal", "sagittal", "sagittal"]
    numbers = [int(name.split()[1]) for name in names[6:]]
    assert numbers == sorted(numbers, reverse=True)
    assert all(11 <= number <= 30 for number in numbers)


def test_only_every_second_plane_has_outlines(plate: ET.Element) -> None:
    panels = plate.findall(f"{SVG}svg")
    lines = [len(panel.findall(f"{SVG}path[@class='line line0']")) for panel in panels]
    assert lines == [0, 1] * 3 + [1] * 5
    dashed = [panel.findall(f"{SVG}path[@class='line line1 dashed']") for panel in panels]
    assert [len(found) for found in dashed] == lines


def test_what_only_the_prediction_holds_is_tinted(plate: ET.Element) -> None:
    coronal = plate.findall(f"{SVG}svg")[3]
    only_current, only_prediction = (
        coronal.find(f"{SVG}path[@class='tint tint{n}']") for n in (0, 1)
    )
    assert only_current is not None
    assert only_prediction is not None
    assert only_current.attrib["d"] == ""
    assert only_prediction.attrib["d"].startswith("M")


def test_the_voxels_are_carried_as_they_are(plate: ET.Element) -> None:
    for panel in plate.findall(f"{SVG}svg"):
        (image,) = panel.iter(f"{SVG}image")
        data = image.attrib["href"].removeprefix("data:image/png;base64,")
        with Image.open(BytesIO(b64decode(data))) as gray:
            pixels = np.asarray(gray)
        assert pixels.ndim == 2
        assert set(np.unique(pixels)) == {127}
        px_per_column = float(image.attrib["width"]) / pixels.shape[1]
        px_per_row = float(image.attrib["height"]) / pixels.shape[0]
        ratios = {3.0 / 2.0, 3.0 / 5.0, 2.0 / 5.0}
        assert min(abs(px_per_column / px_per_row - ratio) for ratio in ratios) < 0.01


def test_the_patients_left_is_on_the_right_and_the_head_above() -> None:
    left_and_high = block(slice(30, 35), slice(20, 40), slice(5, 10))
    plate = drawn(Outline("a", left_and_high, "red"), Outline("b", NOTHING, "blue"))
    coronal = plate.findall(f"{SVG}svg")[3]
    line = coronal.find(f"{SVG}path[@class='line line0']")
    assert line is not None
    numbers = np.array(line.attrib["d"].strip("MZ").replace(" L", " ").split(), dtype=float)
    column, row = numbers[0::2].mean(), numbers[1::2].mean()
    image = coronal.find(f"{SVG}image")
    assert image is not None
    x, y, width, height = (float(image.attrib[k]) for k in ("x", "y", "width", "height"))
    assert column > x + width / 2
    assert row < y + height


def test_without_any_mask_there_are_planes_and_no_slices() -> None:
    plate = drawn(Outline("current", NOTHING, "red"), Outline("prediction", NOTHING, "blue"))
    assert len(plate.findall(f"{SVG}svg")) == 6


def test_the_focus_of_a_large_difference_is_its_middle() -> None:
    z, y, x = focus([NOTHING, LARGE], SPACING, SHAPE)
    assert abs(z - 19.5) <= 1.5
    assert abs(y - 29.5) <= 2.5
    assert abs(x - 14.5) <= 2.5


def test_levels_stand_for_equal_shares_of_the_masks() -> None:
    assert levels([LARGE], 5) == [28, 24, 20, 16, 12] or levels([LARGE], 5) == [27, 23, 19, 15, 11]
    assert levels([NOTHING], 5) == []
    assert levels([block(slice(7, 8), slice(0, 2), slice(0, 2))], 5) == [7]


def test_windows_suit_what_is_looked_at() -> None:
    taxonomy = load_taxonomy()
    assert window_of(taxonomy["lung_left"]) is LUNG
    assert window_of(taxonomy["sacrum"]) is BONE
    for name in ("liver", "colon", "stomach", "aorta"):
        assert window_of(taxonomy[name]) is SOFT_TISSUE
    assert SOFT_TISSUE.range_hu == (-160.0, 240.0)
    gray = SOFT_TISSUE.gray(np.array([-1000, -160, 40, 240, 3000], dtype=np.int16))
    assert gray.tolist() == [0, 0, 127, 255, 255]
