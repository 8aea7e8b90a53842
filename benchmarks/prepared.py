"""A prepared workspace: a degraded population, its truth, gold, and a first model of its labels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rounds import plan_round, train

from flows.demo import SETTINGS
from scalemai_core.records.offer import Offer
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.file import parse_settings
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.faults import DegradeSettings
from tasks.ingest import commit_cases, plan_ingestion, store_cases

Write = Callable[[Path, range, DegradeSettings | None], object]
"""Writes patients of these indices into a folder, with faults or as they are."""


def engine_settings(seed: int, steps: int, **sections: dict[str, Any]) -> EngineSettings:
    """Those of the demo, with a first training of so many steps and more in some sections."""
    tree = {name: dict(section) for name, section in SETTINGS.items() if name != "seed"}
    tree["compute"] |= {"workers": 1}
    tree["train"] |= {"steps": steps, "warm_steps": max(1, steps // 4)}
    tree["decide"] = {"round_share": 0.6}
    for name, section in sections.items():
        tree[name] = tree.get(name, {}) | section
    return parse_settings({"seed": seed, **tree})


def prepare(
    base: Path, settings: EngineSettings, write: Write, *, patients: int, gold: int
) -> None:
    """Write ``base/phantoms/{population,truth,gold}``, ingest them into ``base/workspace``, train.

    Gold are other patients than the population's. What is there already is not made again.
    """
    if (base / "prepared").exists():
        return
    workspace, phantoms = f"{base}/workspace", base / "phantoms"
    everyone, trusted = range(patients), range(patients, patients + gold)
    write(phantoms / "population", everyone, DegradeSettings(fault_share=0.3))
    write(phantoms / "truth", everyone, None)
    # Folds and gold roles follow the patients' hashes: without a key of its own a seed repeats
    # nothing.
    Workspace.create(workspace, patient_key=f"seed {settings.seed}")
    _ingest(workspace, phantoms / "population", gold=False)
    if gold:
        write(phantoms / "gold", trusted, None)
        _ingest(workspace, phantoms / "gold", gold=True)
    plan = plan_round(workspace, 1, settings)
    train(workspace, plan, Workspace.open(workspace).catalog.version(plan.base_version), None)
    (base / "prepared").touch()


def _ingest(workspace: str, source: Path, *, gold: bool) -> None:
    offer = Offer(workspace=workspace, sources=(str(source),), gold=gold)
    cases, shards = plan_ingestion.fn(offer)
    for shard in shards:
        store_cases.fn(shard, {name: cases[name] for name in shard.scan_ids}, offer)
    commit_cases.fn(offer, cases)
