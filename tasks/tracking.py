"""The only door to MLflow: one run a trained model, and the model registry."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any, Self

import mlflow
from mlflow.data.dataset_source import DatasetSource
from mlflow.data.dataset_source_registry import register_dataset_source
from mlflow.data.meta_dataset import MetaDataset
from mlflow.entities import ViewType
from mlflow.exceptions import MlflowException

import scalemai_core
from scalemai_core.errors import UsageError
from scalemai_core.records.detection import lesions_path
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.version import DatasetVersion, ModelVersion
from scalemai_core.settings.engine import EngineSettings, TrackingSettings
from scalemai_core.store.workspace import Workspace

logging.getLogger("mlflow").setLevel(logging.WARNING)

CHAMPION = "champion"
KEY_TAG = "scalemai.key"
ROUND_TAG = "scalemai.round"
DATASET_TAG = "scalemai.dataset_version"
CODE_TAG = "scalemai.code_version"
SERVED_MODEL = Path(__file__).with_name("served_model.py")
CONSUMER_NEEDS = (
    "connected-components-3d",
    "mlflow",
    "monai",
    "nibabel",
    "numba",
    "numpy",
    "pandas",
    "pydantic",
    "pydicom",
    "pyyaml",
    "safetensors",
    "scipy",
    "simpleitk",
    "torch",
)


class WorkspaceSource(DatasetSource):
    """A dataset version as MLflow remembers it: workspace, number, digest."""

    def __init__(self, workspace: str, number: int, digest: str) -> None:
        self.workspace = workspace
        self.number = number
        self.digest = digest

    @staticmethod
    def _get_source_type() -> str:
        return "scalemai"

    def load(self, **kwargs: Any) -> DatasetVersion:
        """The version as the workspace knows it."""
        return Workspace.open(self.workspace).catalog.version(self.number)

    @staticmethod
    def _can_resolve(raw_source: Any) -> bool:
        return False

    @classmethod
    def _resolve(cls, raw_source: Any) -> Self:
        raise NotImplementedError(f"a dataset version is never guessed from {raw_source!r}")

    def to_dict(self) -> dict[str, Any]:
        """JSON that MLflow stores."""
        return {"workspace": self.workspace, "number": self.number, "digest": self.digest}

    @classmethod
    def from_dict(cls, source_dict: dict[str, Any]) -> Self:
        """Back from MLflow's JSON."""
        return cls(source_dict["workspace"], source_dict["number"], source_dict["digest"])


register_dataset_source(WorkspaceSource)  # pyright: ignore[reportArgumentType] - takes the class


class Tracker:
    """Runs and registered models of one workspace."""

    def __init__(self, store: Workspace, settings: TrackingSettings) -> None:
        self._store = store
        self._name = settings.model
        self._uri = tracking_uri(store, settings)
        mlflow.set_tracking_uri(self._uri)
        mlflow.set_registry_uri(self._uri)
        self._client = mlflow.MlflowClient(self._uri, self._uri)

    def models(self) -> tuple[ModelVersion, ...]:
        """All registered versions, oldest first."""
        try:
            aliases = self._client.get_registered_model(self._name).aliases
        except MlflowException:
            return ()
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

    def champion(self) -> ModelVersion | None:
        """The version consumers get."""
        return next((one for one in self.models() if CHAMPION in one.aliases), None)

    def registered(self, key: str) -> ModelVersion | None:
        """The version made of a stored model, if it was registered before."""
        return next((one for one in self.models() if one.key == key), None)

    def promote(self, version: int) -> None:
        """Move the alias that consumers load."""
        self._client.set_registered_model_alias(self._name, CHAMPION, str(version))

    def register(
        self, document: ModelDocument, dataset: DatasetVersion, settings: EngineSettings
    ) -> ModelVersion:
        """One run: the dataset version it learned from, its settings, and the model itself."""
        known = self.registered(document.key)
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
        mlflow.start_run(experiment_id=self._experiment(), run_name=title, tags=tags)
        try:
            mlflow.log_input(named, context="training")
            mlflow.log_params(_flat(settings.model_dump(mode="json")))
            version = self._log_model(document, tags)
        finally:
            mlflow.end_run()
        return ModelVersion(
            version=version,
            key=document.key,
            round=document.round,
            dataset_version=dataset.number,
        )

    def log_round(
        self, model: ModelVersion, metrics: Mapping[str, float], documents: Mapping[str, bytes]
    ) -> None:
        """Add a round's numbers, pages and expert to the run of the model that it made."""
        found = self._client.get_model_version(self._name, str(model.version))
        if found.run_id is None:
            raise UsageError(f"model version {model.version} of {self._name} has no run")
        with tempfile.TemporaryDirectory(prefix="scalemai-round-") as scratch:
            for name, data in documents.items():
                (Path(scratch) / name).write_bytes(data)
            with mlflow.start_run(run_id=found.run_id):
                mlflow.log_metrics(dict(metrics))
                mlflow.log_artifacts(scratch)

    def _log_model(self, document: ModelDocument, tags: Mapping[str, str]) -> int:
        with tempfile.TemporaryDirectory(prefix="scalemai-model-") as scratch:
            folder = Path(scratch) / "model"
            folder.mkdir()
            (folder / "model.json").write_text(document.model_dump_json(indent=1))
            measured = lesions_path(document.key)
            found = [measured] if self._store.files.exists(measured) else []
            for path in (*document.folds, *found):
                (folder / Path(path).name).write_bytes(self._store.files.read_bytes(path))
            info = mlflow.pyfunc.log_model(
                name="model",
                python_model=str(SERVED_MODEL),
                artifacts={"model": str(folder)},
                code_paths=[str(Path(scalemai_core.__file__).parent)],
                pip_requirements=[f"{name}=={installed(name)}" for name in CONSUMER_NEEDS],
            )
        return self._new_version(info.model_uri, info.run_id, tags)

    def _new_version(self, model_uri: str, run_id: str | None, tags: Mapping[str, str]) -> int:
        """Register quietly: MLflow's own shortcut writes to the terminal."""
        try:
            self._client.create_registered_model(self._name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        made = self._client.create_model_version(self._name, model_uri, run_id, dict(tags))
        return int(made.version)

    def _experiment(self) -> str:
        found = self._client.search_experiments(
            view_type=ViewType.ACTIVE_ONLY, filter_string=f"name = '{self._name}'"
        )
        if found:
            return found[0].experiment_id
        local = self._uri.startswith("sqlite:")
        artifacts = str(self._store.local_state / "mlflow" / "artifacts") if local else None
        return self._client.create_experiment(self._name, artifact_location=artifacts)


def load_model(uri: str, registry: str) -> Any:
    """A registered model, ready to predict; raises UsageError if there is none at ``uri``."""
    mlflow.set_tracking_uri(registry)
    mlflow.set_registry_uri(registry)
    try:
        return mlflow.pyfunc.load_model(uri)
    except MlflowException as error:
        raise UsageError(f"cannot load {uri} from {registry}: {error.message}") from error


def tracking_uri(store: Workspace, settings: TrackingSettings) -> str:
    """The tracking server of the settings, else SQLite with the workspace's local state."""
    if settings.uri:
        return settings.uri
    folder = store.local_state / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'mlflow.db'}"


def _flat(tree: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return flat
