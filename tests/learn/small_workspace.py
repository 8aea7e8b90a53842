"""A workspace with a few tiny scans for tests that start processes, and the processes' names."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from memory import grid_of, make_plan, paint

from scalemai_core.records.label_map import Layer
from scalemai_core.records.training import TrainingCase, TrainingPlan
from scalemai_core.store.workspace import Workspace


def add_cases(workspace: Workspace, number: int) -> list[TrainingCase]:
    """Painted scans; of every second one the liver is unknown."""
    cases: list[TrainingCase] = []
    for seed in range(number):
        image_zyx, labels = paint(seed)
        scan_id = workspace.scans.write(image_zyx, grid_of(), {})
        maps: dict[Layer, str | None] = {
            layer: workspace.labels.write(labels_zyx, scan_id, layer, grid_of())
            for layer, labels_zyx in labels.items()
        }
        for layer, name in maps.items():
            workspace.label_index.write(str(name), layer, grid_of())
        unknown = ("liver",) if seed % 2 else ()
        cases.append(
            TrainingCase(
                scan_id=scan_id,
                patient=str(seed),
                grid=grid_of(),
                label_maps=maps,
                unknown=unknown,
            )
        )
    return cases


def plan_in(workspace: Workspace, **changes: Any) -> TrainingPlan:
    """A plan on four such scans."""
    return make_plan(add_cases(workspace, 4), workspace=workspace.url, **changes)


def descendants(root: int) -> set[int]:
    """Processes below ``root``."""
    parent_of: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        parent_of[int(status.parent.name)] = int(fields[1])
    below = {root}
    for _ in parent_of:
        below |= {pid for pid, parent in parent_of.items() if parent in below}
    return below - {root}


def ranks() -> dict[int, int]:
    """Process ids of the training processes below this one, by rank."""
    found: dict[int, int] = {}
    for pid in descendants(os.getpid()):
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        except OSError:
            continue
        own = [v.partition(b"=")[2] for v in variables if v.startswith(b"RANK=")]
        if own:
            found[int(own[0])] = pid
    return found
