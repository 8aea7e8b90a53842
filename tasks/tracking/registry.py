"""Trained models in MLflow: one run each, and the model registry."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import mlflow
from mlflow.data.meta_dataset import MetaDataset
from mlflow.exceptions import MlflowException
from mlflow.models.model import ModelInfo

from scalemai_core.errors import UsageError
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.version import DatasetVersion, ModelVersion
from scalemai_core.settings.engine import EngineSettings, TrackingSettings
from scalemai_core.store.workspace import Workspace
from tasks.tracking.package import log_package
from tasks.tracking.server import TrackingServer
from tasks.tracking.source import WorkspaceSource
from tasks.tracking.tags import CODE_TAG, DATASET_TAG, FOLD_TAG, KEY_TAG, PARENT_TAG, ROUND_TAG

CHAMPION = "champion"
BUNDLE = "bundle"
"""The bundle's folder among a run's artifacts."""


class Tracker:
    """Runs and registered models of one workspace."""

    def __init__(self, store: Workspace, settings: TrackingSettings) -> None:
        self._store = store
        self._name = settings.model
        self._server = TrackingServer(store, settings)
        self._client = self._server.client

    def models(self) -> tuple[ModelVersion, ...]:
        """All registered versions, oldest first.

        Raises UsageError for a server that does not answer: a round that took this for an empty
        registry would begin again with a first model.
        """
        try:
            aliases = self._client.get_registered_model(self._name).aliases
        except MlflowException as error:
            if error.error_code == "RESOURCE_DOES_NOT_EXIST":
                return ()
            raise self._server.silent(error) from error
        found = self._client.search_model_versions(f"name = '{self._name}'")
        versions = [
            ModelVersion(
                version=int(one.version),
                key=one.tags[KEY_TAG],
                round=int(one.tags[ROUND_TAG]),
                dataset_version=int(one.tags[DATASET_TAG]),
                aliases=tuple(a for a, v in aliases.items() if int(v) == int(one.version)),
            )
            for one in found
            if KEY_TAG in one.tags
        ]
        return tuple(sorted(versions, key=lambda one: one.version))

    def own_models(self) -> tuple[ModelVersion, ...]:
        """The same, for a round, which goes on from them and moves their champion.

        Raises UsageError where the name holds a model that this workspace does not: two projects
        that share a name would continue one another's models, and their consumers get either's.
        """
        models, own = self.models(), set(self._store.files.names("models"))
        for one in models:
            if one.key not in own:
                raise UsageError(
                    f"'{self._name}' in MLflow is another workspace's model: its version "
                    f"{one.version} ({one.key}) is not in {self._store.url}; give this one a name "
                    "of its own: --set tracking.model=NAME"
                )
        return models

    def champion(self) -> ModelVersion | None:
        """The version consumers get."""
        return next((one for one in self.models() if CHAMPION in one.aliases), None)

    def registered(self, key: str) -> ModelVersion | None:
        """The version made of a stored model, if it was registered before."""
        return next((one for one in self.models() if one.key == key), None)

    def promote(self, version: int, tags: Mapping[str, str]) -> None:
        """Move the alias that consumers load; the version's tags say who did it and why."""
        for key, value in tags.items():
            self._client.set_model_version_tag(self._name, str(version), key, value)
        self._client.set_registered_model_alias(self._name, CHAMPION, str(version))

    def register(
        self, document: ModelDocument, dataset: DatasetVersion, settings: EngineSettings
    ) -> ModelVersion:
        """One run: the dataset version it learned from, its settings, and the model itself."""
        known = next((one for one in self.own_models() if one.key == document.key), None)
        if known is not None:
            return known
        tags = {
            KEY_TAG: document.key,
            ROUND_TAG: str(document.round),
            DATASET_TAG: str(dataset.number),
            CODE_TAG: document.code_version,
        }
        title = f"round {document.round}: model {document.key}"
        source = WorkspaceSource(self._store.url, dataset.number, dataset.digest)
        named = MetaDataset(source, name=f"version {dataset.number}", digest=dataset.digest)
        trainings = self._server.runs({KEY_TAG: document.key})
        parent = mlflow.start_run(
            experiment_id=self._server.experiment(), run_name=title, tags=tags
        )
        try:
            for run in trainings:
                if FOLD_TAG in run.data.tags:
                    self._client.set_tag(run.info.run_id, PARENT_TAG, parent.info.run_id)
            mlflow.log_input(named, context="training")
            mlflow.log_params(_flat(settings.model_dump(mode="json")))
            info = log_package(self._store, document)
            version = self._new_version(info, tags)
        finally:
            mlflow.end_run()
        return ModelVersion(
            version=version,
            key=document.key,
            round=document.round,
            dataset_version=dataset.number,
        )

    def log_round(
        self,
        model: ModelVersion,
        number: int,
        metrics: Mapping[str, float],
        documents: Mapping[str, bytes],
    ) -> None:
        """Add a round's numbers, pages and expert to the run of the model that it made, or kept:
        then in a folder of their own."""
        found = self._client.get_model_version(self._name, str(model.version))
        if found.run_id is None:
            raise UsageError(f"model version {model.version} of {self._name} has no run")
        with tempfile.TemporaryDirectory(prefix="scalemai-round-") as scratch:
            for name, data in documents.items():
                (Path(scratch) / name).write_bytes(data)
            with mlflow.start_run(run_id=found.run_id):
                mlflow.log_metrics(dict(metrics), step=number)
                folder = None if model.round == number else f"round-{number}"
                mlflow.log_artifacts(scratch, folder)

    def add_bundle(self, version: int, folder: Path, description: str) -> None:
        """Put a bundle beside a registered version, and say in words what the version is."""
        found = self._client.get_model_version(self._name, str(version))
        if found.run_id is None:
            raise UsageError(f"model version {version} of {self._name} has no run")
        self._client.log_artifacts(found.run_id, str(folder), BUNDLE)
        self._client.update_model_version(self._name, str(version), description)

    def _new_version(self, package: ModelInfo, tags: Mapping[str, str]) -> int:
        """Register quietly: MLflow's own shortcut writes to the terminal."""
        try:
            self._client.create_registered_model(self._name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        made = self._client.create_model_version(
            self._name,
            package.model_uri,
            package.run_id,
            dict(tags),
            model_id=package.model_id,  # a server takes no source without it
        )
        return int(made.version)


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
