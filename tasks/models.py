"""Stored models as a worker uses them: loaded once, kept while the worker lives."""

from __future__ import annotations

from functools import lru_cache

from scalemai_core.learn.predictor import Predictor
from scalemai_core.records.model import ModelDocument, model_path
from scalemai_core.settings import ComputeSettings
from scalemai_core.store.workspace import Workspace


def load_model(store: Workspace, key: str) -> ModelDocument:
    """The document of a stored model."""
    return ModelDocument.model_validate_json(store.files.read_bytes(model_path(key)))


def fold_predictor(
    workspace: str, model: ModelDocument, fold: int, compute: ComputeSettings
) -> Predictor:
    """The model that never saw a fold's patients; an in-sample model has but one."""
    return _predictor(
        workspace, model.key, (fold % len(model.folds),), compute.device, compute.threads
    )


def ensemble(workspace: str, model: ModelDocument, compute: ComputeSettings) -> Predictor:
    """All fold models, averaged: what consumers get."""
    return _predictor(
        workspace, model.key, tuple(range(len(model.folds))), compute.device, compute.threads
    )


@lru_cache(maxsize=4)
def _predictor(
    workspace: str, key: str, folds: tuple[int, ...], device: str, threads: int
) -> Predictor:
    store = Workspace.open(workspace)
    return Predictor.load(store.files, load_model(store, key), folds, device, threads)
