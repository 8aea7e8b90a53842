"""The dataset version that a model learned from, as MLflow remembers it."""

from __future__ import annotations

from typing import Any, Self

from mlflow.data.dataset_source import DatasetSource
from mlflow.data.dataset_source_registry import register_dataset_source

from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.workspace import Workspace


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
