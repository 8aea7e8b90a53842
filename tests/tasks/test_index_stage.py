"""The stage before training sets aside what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from unlabelled_scans import commit_scans

from scalemai_core.records.grid import Grid
from scalemai_core.records.round import RoundPlan
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.workspace import Workspace
from tasks.label_index import index_shard, plan_index, unindexed_scans

GRID = Grid.of((20, 20, 20), np.diag([2.0, 2.0, 2.0, 1.0]))
PLAN = RoundPlan(
    number=1,
    base_version=1,
    model_key=None,
    settings=EngineSettings(),
    code_version="1",
    started=datetime.now(UTC),
)


@pytest.fixture
def damaged(tmp_path: Path) -> tuple[Workspace, str]:
    """Two scans of noise, and the name of the one of which a file was damaged."""
    store = Workspace.create(str(tmp_path / "workspace"))
    rng = np.random.default_rng(7)
    images = [rng.integers(-1000, 1000, GRID.shape_zyx).astype(np.int16) for _ in range(2)]
    names = [store.scans.write(image_zyx, GRID, {}) for image_zyx in images]
    commit_scans(store, GRID, dict.fromkeys(names))
    damage(tmp_path / "workspace" / "scans" / f"{names[1]}.ome.zarr")
    return store, names[1]


def damage(volume: Path) -> None:
    """Flip a bit in the middle of its voxels."""
    chunk = max(
        (file for file in volume.rglob("*") if file.is_file()), key=lambda f: f.stat().st_size
    )
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)


@pytest.mark.parametrize("unseen", [True, False])
def test_damaged_voxels_are_looked_for_before_the_first_training_alone(
    damaged: tuple[Workspace, str],
    unseen: bool,  # noqa: FBT001 - a case
) -> None:
    store, name = damaged
    version = store.catalog.version(1)
    (shard,) = plan_index.fn(store.url, PLAN, version)
    index_shard.fn(store.url, version, shard, unseen=unseen)
    assert unindexed_scans.fn(store.url, PLAN, version) == ({name} if unseen else set())
