"""A handful of coarse phantoms and settings for rounds of seconds: what the flow tests run on."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scalemai_core.records.offer import Offer
from scalemai_core.records.round import RoundResult
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.file import parse_settings
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.degrade import DegradeSettings
from scalemai_core.synthesize.phantoms import PhantomSettings
from scalemai_core.synthesize.population import write_population


@dataclass(frozen=True)
class AfterOneRound:
    """A workspace, the result of its newest round, and what it was made of."""

    store: Workspace
    result: RoundResult
    sources: Path


PATIENTS = 7
GOLD_PATIENTS = 6
SETTINGS: dict[str, dict[str, Any]] = {
    "compute": {"shard_size": 2, "threads": 1, "workers": 2, "device": "cpu"},
    "network": {"width": 4, "levels": 2, "stem_stride": 2},
    "input": {"spacing_mm": 8.0, "patch_zyx": [32, 32, 32]},
    "predict": {"overlap": 0.25},
    "train": {"steps": 4, "warm_steps": 2},
    "evaluate": {"min_patients": 2, "bootstraps": 100},
}


def small_settings(**sections: dict[str, Any]) -> EngineSettings:
    """The settings of the tests, with more in some sections."""
    names = SETTINGS.keys() | sections.keys()
    tree = {name: SETTINGS.get(name, {}) | sections.get(name, {}) for name in names}
    return parse_settings(tree)


def write_sources(folder: Path) -> None:
    """``population`` with faults, the ``truth`` of the same patients, and other ``gold`` ones."""
    phantoms = PhantomSettings(spacing_mm=8.0, lesions=0.0)
    degraded = DegradeSettings()
    count, gold = PATIENTS, GOLD_PATIENTS
    write = write_population
    write(folder / "population", seed=1, count=count, settings=phantoms, degrade=degraded)
    write(folder / "truth", seed=1, count=count, settings=phantoms, degrade=None)
    write(folder / "gold", seed=1, count=gold, settings=phantoms, degrade=None, start=count)


def offer(workspace: str, *sources: Path | str, gold: bool = False) -> Offer:
    """Sources for a workspace."""
    return Offer(workspace=workspace, sources=tuple(map(str, sources)), gold=gold, shard_size=4)


def command(*arguments: str) -> subprocess.Popen[str]:
    """The command line in a process group of its own, away from the harness of the tests."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PREFECT_")}
    return subprocess.Popen(
        [sys.executable, "-c", "from flows.cli import main; main()", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment,
    )
