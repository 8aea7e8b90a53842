"""A round's frame: what it starts from, which shards are left, and what came of it."""

from __future__ import annotations

import json
import logging
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed
from pathlib import Path

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan, RoundResult
from scalemai_core.records.scan import GoldRole
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.tumour.draw import drawable
from tasks.champion import critic_key
from tasks.dataset import dataset, model_document
from tasks.tracking.registry import Tracker

log = logging.getLogger("scalemai.round")


@task(task_run_name="open the round", cache_policy=NO_CACHE)
def open_round(workspace: str, settings: EngineSettings) -> RoundPlan:
    """Go on with the round that was not finished, else plan the next one.

    Raises UsageError for a tumour that cannot be drawn: told when training begins, it would come
    hours later.
    """
    store = Workspace.open(workspace)
    newest, begun = _newest(store)
    if begun is not None:
        log.info("round %d goes on from dataset version %d", begun.number, begun.base_version)
        return _gone_on(store, begun, settings)
    drawable(settings.tumours)
    base = store.catalog.latest()
    if base is None:
        raise WorkspaceError(
            f"{workspace} is empty: run 'scalemai ingest {workspace} SOURCE' first"
        )
    plan = RoundPlan(
        number=newest + 1,
        base_version=base.number,
        model_key=critic_key(store, settings.tracking),
        settings=settings,
        code_version=code_version(),
        started=datetime.now(UTC),
    )
    store.write_document(plan_path(plan.number), plan)
    log.info("round %d starts from dataset version %d", plan.number, base.number)
    return plan


def unfinished_round(store: Workspace) -> RoundPlan | None:
    """The round that has a plan and no result yet."""
    return _newest(store)[1]


def _newest(store: Workspace) -> tuple[int, RoundPlan | None]:
    """Number of the newest round, 0 before the first, and its plan while it is not finished."""
    number = last_round(store)
    if not number or store.read_json(result_path(number)) is not None:
        return number, None
    return number, RoundPlan.model_validate(store.read_json(plan_path(number)))


def judged_scans(inputs: StageInputs) -> tuple[str, ...]:
    """Scans a critic looks at: all but the gold that selects and tests."""
    scans = dataset(inputs.workspace, inputs.version).values()
    return tuple(s.scan_id for s in scans if s.gold in (None, GoldRole.FIT))


def gold_scans(inputs: StageInputs) -> tuple[str, ...]:
    """Gold scans on which models are compared, and those on which they are only reported."""
    opened = (GoldRole.TEST,) if inputs.plan.settings.evaluate.open_test else ()
    return scans_of_gold(inputs, (GoldRole.SELECT, *opened))


def champion_gold_scans(inputs: StageInputs) -> tuple[str, ...]:
    """Gold scans on which a champion is compared: gold ``test`` is opened for new models alone."""
    return scans_of_gold(inputs, (GoldRole.SELECT,))


def scans_of_gold(inputs: StageInputs, roles: tuple[GoldRole, ...]) -> tuple[str, ...]:
    """Gold scans of these roles."""
    scans = dataset(inputs.workspace, inputs.version).values()
    return tuple(scan.scan_id for scan in scans if scan.gold in roles)


def revisable_scans(inputs: StageInputs) -> tuple[str, ...]:
    """Scans a round may change: never gold."""
    scans = dataset(inputs.workspace, inputs.version).values()
    return tuple(s.scan_id for s in scans if s.gold is None)


def base_version(workspace: str, plan: RoundPlan) -> DatasetVersion:
    """The dataset version the round starts from."""
    return Workspace.open(workspace).catalog.version(plan.base_version)


@task(task_run_name="begin with the first model", cache_policy=NO_CACHE)
def begin_with(workspace: str, plan: RoundPlan, critic: ModelDocument) -> RoundPlan:
    """The plan with the model that the round had to train first: whatever changes from here on,
    settings or machines, the round keeps the critic that it judges with."""
    begun = plan.model_copy(update={"model_key": critic.key})
    Workspace.open(workspace).write_document(plan_path(plan.number), begun)
    return begun


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
    newest, begun = _newest(Workspace.open(workspace))
    return newest + 1 if begun is None else newest


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


def _gone_on(store: Workspace, plan: RoundPlan, given: EngineSettings) -> RoundPlan:
    """A round keeps the settings that its judgements come from; where it runs, what tracks it, how
    people come in and how the next model learns may change, and the plan says so."""
    may_change = {name: getattr(given, name) for name in ("compute", "review", "tracking", "train")}
    gone_on = plan.model_copy(update={"settings": plan.settings.model_copy(update=may_change)})
    if gone_on != plan:
        log.info("round %d goes on with changed settings", plan.number)
        store.write_document(plan_path(plan.number), gone_on)
    return gone_on
