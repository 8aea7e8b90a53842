"""The tracking server, and the experiment in which all of a workspace's runs lie."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import mlflow
from mlflow.entities import Run, ViewType
from mlflow.exceptions import MlflowException

from scalemai_core.errors import UsageError
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.store.workspace import Workspace

logging.getLogger("mlflow").setLevel(logging.WARNING)

FINISHED = "FINISHED"
"""MLflow's word for a run that has all it will ever have."""


class TrackingServer:
    """One workspace's place on a tracking server."""

    def __init__(self, store: Workspace, settings: TrackingSettings) -> None:
        self._store = store
        self._name = settings.model
        self._uri = tracking_uri(store, settings)
        mlflow.set_tracking_uri(self._uri)
        mlflow.set_registry_uri(self._uri)
        self.client = mlflow.MlflowClient(self._uri, self._uri)

    def experiment(self) -> str:
        """Id of the experiment, named as the model; made where there is none.

        Raises UsageError for a server that does not answer.
        """
        try:
            return self._known_experiment() or self._new_experiment()
        except MlflowException as error:
            raise self.silent(error) from error

    def silent(self, error: MlflowException) -> UsageError:
        """What to tell people of a server that does not answer."""
        return UsageError(
            f"the tracking server {self._uri} does not answer ({error.message}): "
            "start it, or change tracking.uri"
        )

    def runs(self, tags: Mapping[str, str]) -> list[Run]:
        """The runs that carry all these tags."""
        wanted = " and ".join(f"tags.`{name}` = '{value}'" for name, value in tags.items())
        return list(self.client.search_runs([self.experiment()], wanted))

    def open_run(self, tags: Mapping[str, str], title: str) -> Run:
        """The run that carries these tags, going on unless finished; made if there is none."""
        for run in self.runs(tags):
            if run.info.status != FINISHED:
                self.client.update_run(run.info.run_id, status="RUNNING")
            return run
        return self.client.create_run(self.experiment(), tags=dict(tags), run_name=title)

    def _known_experiment(self) -> str | None:
        found = self.client.search_experiments(
            view_type=ViewType.ACTIVE_ONLY, filter_string=f"name = '{self._name}'"
        )
        return found[0].experiment_id if found else None

    def _new_experiment(self) -> str:
        local = self._uri.startswith("sqlite:")
        artifacts = str(self._store.local_state / "mlflow" / "artifacts") if local else None
        try:
            return self.client.create_experiment(self._name, artifact_location=artifacts)
        except MlflowException:  # another fold was faster
            known = self._known_experiment()
            if known is None:
                raise
            return known


def tracking_uri(store: Workspace, settings: TrackingSettings) -> str:
    """The tracking server of the settings, else SQLite with the workspace's local state."""
    if settings.uri:
        return settings.uri
    folder = store.local_state / "mlflow"
    folder.mkdir(parents=True, exist_ok=True)
    return f"sqlite:///{folder / 'mlflow.db'}"
