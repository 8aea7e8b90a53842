"""A body on paper: plausible numbers for some structures, to be spoilt one at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scalemai_core.judge.rules.masks import Masks
from scalemai_core.records.grid import Grid
from scalemai_core.records.scan import Scan, Sex
from scalemai_core.taxonomy.taxonomy import NUM_IDS, load_taxonomy

SPINE = [f"vertebrae_T{n}" for n in range(9, 13)] + [f"vertebrae_L{n}" for n in range(1, 6)]

PLACES_MM: dict[str, tuple[float, float, float]] = {
    "liver": (60.0, 10.0, 40.0),
    "spleen": (-85.0, -40.0, 45.0),
    "stomach": (-50.0, 30.0, 40.0),
    "kidney_left": (-58.0, -40.0, 0.0),
    "kidney_right": (58.0, -40.0, -10.0),
    "aorta": (-5.0, -15.0, 0.0),
    "postcava": (22.0, -12.0, 0.0),
    "pancreas": (-5.0, 10.0, 5.0),
    "heart": (-25.0, 30.0, 130.0),
    "bladder": (0.0, 40.0, -230.0),
    **{name: (0.0, -50.0, 140.0 - 33.0 * level) for level, name in enumerate(SPINE)},
    "sacrum": (0.0, -75.0, -190.0),
}


@pytest.fixture
def body() -> Masks:
    """A man's trunk: every mask whole, in place, and of plausible volume and density."""
    taxonomy = load_taxonomy()
    nan = np.full(NUM_IDS, np.nan)
    columns: dict[str, Any] = {
        name: nan.copy()
        for name in (
            *("mean_hu", "sd_hu", "crumb_share", "gap_mm", "hole_share", "host_share"),
            *("open_share", "texture_hu"),
        )
    }
    columns |= {name: np.zeros(NUM_IDS) for name in ("volume_ml", "own_ml")}
    columns |= {name: np.zeros(NUM_IDS, dtype=bool) for name in ("present", "absent", "at_border")}
    masks = Masks(
        taxonomy=taxonomy,
        sex=None,
        slice_mm=3.0,
        centroid_mm=np.full((NUM_IDS, 3), np.nan),
        pieces=np.zeros(NUM_IDS, dtype=np.int64),
        ends_mm=np.full((NUM_IDS, 2), np.nan),
        flat_end=np.full((NUM_IDS, 2), np.nan),
        open_face=np.full((NUM_IDS, 3, 2), np.nan),
        overlap_ml=np.zeros((NUM_IDS, NUM_IDS)),
        **columns,
    )
    for name, place in PLACES_MM.items():
        long = name in ("aorta", "postcava")
        ends_mm = (-170.0, 150.0) if long else (place[2] - 30.0, place[2] + 30.0)
        masks = with_structure(masks, name, centroid_mm=place, ends_mm=ends_mm)
    return masks


def with_structure(masks: Masks, name: str, **numbers: Any) -> Masks:
    """The same body with one more plausible mask, or with other numbers for one it has."""
    structure = masks.taxonomy[name]
    row = structure.id
    if masks.volume_ml[row] == 0 and numbers.get("volume_ml") != 0:
        volume_ml = float(np.sqrt(np.prod(structure.volume_ml)))
        numbers = {
            "present": True,
            "volume_ml": volume_ml,
            "own_ml": volume_ml,
            "mean_hu": float(np.mean(structure.hu)),
            "sd_hu": 30.0,
            "ends_mm": (numbers["centroid_mm"][2] - 30.0, numbers["centroid_mm"][2] + 30.0),
            "pieces": 1,
            "crumb_share": 0.0,
            "flat_end": 0.05,
            "gap_mm": 0.0,
            "hole_share": 0.0,
            "open_share": 0.2,
            "open_face": 0.2,
            "texture_hu": 40.0,
        } | numbers
    columns = {}
    for column, value in numbers.items():
        columns[column] = getattr(masks, column).copy()
        columns[column][row] = value
    return replace(masks, **columns)


def without_structure(masks: Masks, name: str) -> Masks:
    """The same body with an empty mask of one structure, stated absent."""
    numbers = {
        "volume_ml": 0.0,
        "own_ml": 0.0,
        "present": False,
        "absent": True,
        "centroid_mm": np.nan,
    }
    empty = dict.fromkeys(
        ("mean_hu", "sd_hu", "crumb_share", "flat_end", "gap_mm", "hole_share"), np.nan
    )
    return with_structure(masks, name, **numbers, **empty)


@pytest.fixture
def add() -> Callable[..., Masks]:
    """``add(body, "uterus", volume_ml=80.0)``."""
    return with_structure


@pytest.fixture
def drop() -> Callable[..., Masks]:
    """``drop(body, "liver")``."""
    return without_structure


def scan_on(grid: Grid, sex: Sex | None = None) -> Scan:
    """A scan of which nothing but its grid and the patient's sex matters."""
    return Scan(
        scan_id="scan",
        patient="patient",
        case="case",
        source="source",
        grid=grid,
        source_axes="RAS",
        source_affine=grid.affine,
        fold=0,
        sex=sex,
    )


@pytest.fixture
def scan_of() -> Callable[..., Scan]:
    """``scan_of(grid, Sex.FEMALE)``."""
    return scan_on


@pytest.fixture
def small_scan() -> Scan:
    """20 x 24 x 30 voxels of 5 x 2 x 2 mm."""
    affine = np.diag([2.0, 2.0, 5.0, 1.0])
    affine[:3, 3] = (-30.0, -20.0, 100.0)
    return scan_on(Grid.of((20, 24, 30), affine))
