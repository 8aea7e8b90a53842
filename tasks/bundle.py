"""A registered model as a bundle for MONAI, with its card: in MLflow, or in a folder."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.errors import UsageError
from scalemai_core.judge.decisions.promote import Promotion
from scalemai_core.learn.bundle.write import write_bundle
from scalemai_core.page.card.markdown import model_card, short_card
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import ModelVersion
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.store.workspace import Workspace
from tasks.card import read_card, write_card
from tasks.champion import registered
from tasks.tracking.registry import Tracker

log = logging.getLogger("scalemai.bundle")


@task(task_run_name="write card and bundle", cache_policy=NO_CACHE)
def publish_bundle(
    inputs: StageInputs, model: ModelVersion, promotion: Promotion, scores: pl.DataFrame
) -> None:
    """Put the model's card and a bundle of it beside the registered version."""
    store = Workspace.open(inputs.workspace)
    card = write_card(inputs, promotion, scores)
    with tempfile.TemporaryDirectory(prefix="scalemai-bundle-") as scratch:
        folder = Path(scratch) / "bundle"
        bundle_model(store, model, folder)
        tracker = Tracker(store, inputs.plan.settings.tracking)
        tracker.add_bundle(model.version, folder, short_card(card, model.version))
    log.info("model %d: card and bundle are with its run", model.version)


def bundle_model(store: Workspace, model: ModelVersion, folder: Path) -> None:
    """Write a registered model's bundle to a new folder; raises UsageError if it is none."""
    card = read_card(store, model.key)
    text = model_card(card, model.version)
    write_bundle(folder, store.files, card.model, text, model.version)


def chosen_model(store: Workspace, tracking: TrackingSettings, version: int | None) -> ModelVersion:
    """A registered version by number, else the champion; raises UsageError if there is none."""
    if version is not None:
        return registered(store, tracking, version)
    champion = Tracker(store, tracking).champion()
    if champion is None:
        raise UsageError("no model is champion yet: name one with --version")
    return champion
