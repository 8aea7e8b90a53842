"""Stored models as a worker uses them: loaded once, kept while the worker lives."""

from __future__ import annotations

from functools import lru_cache

from scalemai_core.learn.device import release_memory
from scalemai_core.learn.predict.predictor import Predictor
from scalemai_core.records.model import ModelDocument
from scalemai_core.settings.engine import ComputeSettings
from scalemai_core.store.workspace import Workspace
from tasks.dataset import model_document
from tasks.placement import keeper


def fold_predictor(
    workspace: str, model: ModelDocument, fold: int, compute: ComputeSettings, *, out_of_fold: bool
) -> Predictor:
    """The model that never saw a fold's patients, or else one that did.

    An in-sample model has but one fold.
    """
    chosen = (fold if out_of_fold else fold + 1) % len(model.folds)
    return _predictor(workspace, model.key, (chosen,), compute.device, compute.threads)


def ensemble(workspace: str, model: ModelDocument, compute: ComputeSettings) -> Predictor:
    """All fold models, averaged, or the refitted one: what consumers get."""
    return _predictor(workspace, model.key, None, compute.device, compute.threads)


@lru_cache(maxsize=4)
def _predictor(
    workspace: str, key: str, folds: tuple[int, ...] | None, device: str, threads: int
) -> Predictor:
    store = Workspace.open(workspace)
    return Predictor.load(store.files, model_document(store, key), folds, device, threads)


@keeper
def forget_models() -> None:
    """Give the memory of all loaded models back; the next shard that needs one loads it again."""
    _predictor.cache_clear()
    release_memory()
