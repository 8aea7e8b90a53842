"""Two kidneys, one of them right, and a service to ask about them."""

from __future__ import annotations

import numpy as np
import pytest

from scalemai_core.records.decision import Candidate
from scalemai_core.vision.opinion import Pair

SHAPE_ZYX, SPACING_MM_ZYX = (40, 20, 30), (5.0, 6.0, 4.0)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def image_zyx() -> np.ndarray:
    """A body of water in air, with a spine."""
    image = np.full(SHAPE_ZYX, -1000, dtype=np.int16)
    image[:, 4:16, 4:26] = 40
    image[:, 5:8, 13:17] = 600
    return image


def box(z: slice, y: slice, x: slice) -> np.ndarray:
    mask = np.zeros(SHAPE_ZYX, dtype=bool)
    mask[z, y, x] = True
    return mask


@pytest.fixture
def good_zyx() -> np.ndarray:
    return box(slice(20, 30), slice(6, 10), slice(6, 11))


@pytest.fixture
def bad_zyx() -> np.ndarray:
    return box(slice(2, 12), slice(6, 10), slice(6, 11))


@pytest.fixture
def pair(image_zyx: np.ndarray, good_zyx: np.ndarray, bad_zyx: np.ndarray) -> Pair:
    """A wrong annotation beside a right prediction."""
    return Pair(
        scan_id="scan",
        structure="kidney_left",
        rival=Candidate.PREDICTION,
        image_zyx=image_zyx,
        spacing_mm_zyx=SPACING_MM_ZYX,
        current_zyx=bad_zyx,
        rival_zyx=good_zyx,
    )
