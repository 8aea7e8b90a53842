"""A round's frame: what it starts from, which shards are left, and what came of it."""

from __future__ import annotations

import json
import logging
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan, RoundResult
from scalemai_core.records.scan import GoldRole
from scalemai_core.records.shard import Shard
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.ledger import step_key
from scalemai_core.store.workspace import Workspace
from tasks.dataset import dataset, model_document
from tasks.shards import failed_scans, finished_rows, plan_shards
from tasks.tracking import Tracker

log = logging.getLogger("scalemai.round")

FORMAT = 2
"""Of the rows that stages write; part of every stage's key."""


@task(task_run_name="open the round", cache_policy=NO_CACHE)
def open_round(workspace: str, settings: EngineSettings) -> RoundPlan:
    """Go on with the round that was not finished, else plan the next one."""
    store = Workspace.open(workspace)
    number = last_round(store)
    if number and store.read_json(result_path(number)) is None:
        plan = RoundPlan.model_validate(store.read_json(plan_path(number)))
        log.info("round %d goes on from dataset version %d", number, plan.base_version)
        return plan.model_copy(update={"settings": _resumed(plan.settings, settings)})
    base = store.catalog.latest()
    if base is None:
        raise WorkspaceError(
            f"{workspace} is empty: run 'scalemai ingest {workspace} SOURCE' first"
        )
    plan = RoundPlan(
        number=number + 1,
        base_version=base.number,
        model_key=latest_model(store, settings),
        settings=settings,
        code_version=code_version(),
        started=datetime.now(UTC),
    )
    store.write_document(plan_path(plan.number), plan)
    log.info("round %d starts from dataset version %d", plan.number, base.number)
    return plan


@task(task_run_name="plan {stage}", cache_policy=NO_CACHE)
def plan_stage(stage: str, inputs: StageInputs, scan_ids: tuple[str, ...]) -> list[Shard]:
    """Shards of a stage that are not finished."""
    return plan_shards(
        Workspace.open(inputs.workspace),
        round_number=inputs.plan.number,
        stage=stage,
        key=stage_key(stage, inputs),
        scan_ids=scan_ids,
        size=_shard_size(stage, inputs.plan.settings),
    )


def stage_key(stage: str, inputs: StageInputs) -> str:
    """Identity of a stage's work: its inputs, and the settings that bear on its result."""
    settings = inputs.plan.settings
    sections = {
        "predict": (settings.predict,),
        "judge": (settings.predict, settings.judge),
        "rehearse": (settings.predict, settings.judge, settings.expert),
        "opinions": (settings.predict, settings.judge, settings.expert, settings.vision),
        "compare": (settings.predict, settings.lesions),
        "reports": (settings.radiology,),
        "reports-of-gold": (settings.radiology,),
        "detect": (settings.predict, settings.lesions),
        "evaluate": (settings.predict,),
    }.get(stage, ())
    return step_key(
        format=FORMAT,
        stage=stage,
        dataset=inputs.version.digest,
        model=inputs.model.key,
        settings=[section.model_dump() for section in sections],
    )


def stage_rows(stage: str, inputs: StageInputs) -> pl.DataFrame:
    """What the ledger holds of a stage."""
    store, key = Workspace.open(inputs.workspace), stage_key(stage, inputs)
    return finished_rows(store, inputs.plan.number, stage, key)


def stage_failures(stage: str, inputs: StageInputs) -> frozenset[str]:
    """The scans a stage set aside."""
    store, key = Workspace.open(inputs.workspace), stage_key(stage, inputs)
    return frozenset(failed_scans(store, inputs.plan.number, stage, key)["scan_id"])


def judged_scans(inputs: StageInputs) -> tuple[str, ...]:
    """Scans a critic looks at: all but the gold that selects and tests."""
    scans = dataset(inputs.workspace, inputs.version).values()
    return tuple(s.scan_id for s in scans if s.gold in (None, GoldRole.FIT))


def gold_scans(inputs: StageInputs) -> tuple[str, ...]:
    """Gold scans on which models are compared."""
    scans = dataset(inputs.workspace, inputs.version).values()
    return tuple(s.scan_id for s in scans if s.gold in (GoldRole.SELECT, GoldRole.TEST))


def revisable_scans(inputs: StageInputs) -> tuple[str, ...]:
    """Scans a round may change: never gold."""
    scans = dataset(inputs.workspace, inputs.version).values()
    return tuple(s.scan_id for s in scans if s.gold is None)


def base_version(workspace: str, plan: RoundPlan) -> DatasetVersion:
    """The dataset version the round starts from."""
    return Workspace.open(workspace).catalog.version(plan.base_version)


def critic_document(workspace: str, plan: RoundPlan) -> ModelDocument | None:
    """The model that predicts; None where the round has to train it first."""
    if plan.model_key is None:
        return None
    return model_document(Workspace.open(workspace), plan.model_key)


def rival(workspace: str, plan: RoundPlan, challenger: ModelDocument) -> ModelDocument | None:
    """The champion that a new model is measured against; None for a workspace's first model.

    Written down before the first comparison: a round that goes on after the challenger was promoted
    compares it with the same rival, not with itself.
    """
    store = Workspace.open(workspace)
    path = f"rounds/{plan.number}/rival-of-{challenger.key}.json"
    known = store.read_json(path)
    if known is None:
        champion = Tracker(store, plan.settings.tracking).champion()
        known = {"champion": champion.key if champion else None}
        store.files.write_bytes(path, json.dumps(known).encode())
    key = known["champion"]
    return model_document(store, str(key)) if key else None


def next_round(workspace: str) -> int:
    """Number of the round that runs next: the unfinished one, or a new one."""
    store = Workspace.open(workspace)
    number = last_round(store)
    return number + 1 if not number or store.read_json(result_path(number)) else number


def latest_model(store: Workspace, settings: EngineSettings) -> str | None:
    """Key of the newest registered model: the critic that knows the newest labels."""
    models = Tracker(store, settings.tracking).models()
    return models[-1].key if models else None


def last_round(store: Workspace) -> int:
    """Number of the newest round; 0 before the first."""
    numbers = [int(name) for name in store.files.names("rounds") if name.isdigit()]
    return max((n for n in numbers if store.files.exists(plan_path(n))), default=0)


def finished_rounds(store: Workspace) -> tuple[RoundResult, ...]:
    """Results of all finished rounds, oldest first."""
    found = (store.read_json(result_path(n)) for n in range(1, last_round(store) + 1))
    return tuple(RoundResult.model_validate(document) for document in found if document)


def plan_path(number: int) -> str:
    """Where a round's plan lies."""
    return f"rounds/{number}/plan.json"


def result_path(number: int) -> str:
    """Where a round's result lies; written last."""
    return f"rounds/{number}/result.json"


def report_path(number: int) -> str:
    """Where a round's page lies."""
    return f"rounds/{number}/round.html"


def _shard_size(stage: str, settings: EngineSettings) -> int:
    """Scans a task handles; a scan that is rehearsed is judged once for every copy of it."""
    size = settings.compute.shard_size
    return max(1, size // (1 + settings.expert.copies)) if stage == "rehearse" else size


def code_version() -> str:
    """The package's version, and the commit where the code is a git checkout."""
    try:
        package = installed("scalemai")
    except PackageNotFoundError:
        package = "unknown"
    git = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
    try:
        found = subprocess.run(git, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return package
    return f"{package}+{found.stdout.strip()}" if found.returncode == 0 else package


def _resumed(planned: EngineSettings, given: EngineSettings) -> EngineSettings:
    """A round keeps its settings; only where it runs and how people come in may change."""
    return planned.model_copy(update={"compute": given.compute, "review": given.review})
