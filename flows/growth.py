"""The time machine: one tumour in one scan at several sizes: the answer of ``scalemai synth``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from scalemai_core.errors import UsageError
from scalemai_core.release.cases import check_new
from scalemai_core.settings.tumours import TumourSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.tumour.automaton import grow_stages
from scalemai_core.synthesize.tumour.order import TumourOrder
from tasks.growing import LabelledImage, ground_for, of_files, of_workspace
from tasks.grown import SHEET, TABLE, write_stages

_LARGEST_MM = 150.0


def grow(
    scan: tuple[str, str],
    folder: Path,
    structure: str,
    diameters_mm: Sequence[float],
    seed: int,
    settings: TumourSettings,
) -> dict[str, Any]:
    """Grow a tumour in a scan and write what it looks like at each of the rising diameters.

    ``scan`` is an image file and its labels, or a workspace and a scan in it. Raises UsageError
    where nothing can grow.
    """
    check_new(folder)
    _check(diameters_mm)
    ground = ground_for(_opened(*scan), structure, np.random.default_rng([seed]))
    order = TumourOrder(structure, "automaton", max(diameters_mm), seed)
    stages = list(grow_stages(ground.bed, order, diameters_mm, settings))
    if not stages:
        raise UsageError(f"no place to begin in this {ground.organ}: try another --seed")
    rows = write_stages(ground, structure, stages, folder)
    return {
        "structure": structure,
        "organ": ground.organ,
        "seed": seed,
        "folder": str(folder),
        "sheet": str(folder / SHEET),
        "table": str(folder / TABLE),
        "stages": [asdict(row) for row in rows],
    }


def _check(diameters_mm: Sequence[float]) -> None:
    rising = list(diameters_mm) == sorted(set(diameters_mm))
    if not diameters_mm or not rising or not all(0 < mm <= _LARGEST_MM for mm in diameters_mm):
        raise UsageError(f"diameters rise, from above 0 to {_LARGEST_MM:g} mm: 5,10,20")


def _opened(image: str, labels: str) -> LabelledImage:
    if "://" in image or (Path(image) / "workspace.json").exists():
        return of_workspace(Workspace.open(image), labels)
    return of_files(Path(image), Path(labels))
