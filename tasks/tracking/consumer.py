"""A registered model on the consumer's side."""

from __future__ import annotations

from typing import Any

import mlflow
from mlflow.exceptions import MlflowException

from scalemai_core.errors import UsageError


def load_model(uri: str, registry: str) -> Any:
    """A registered model, ready to predict; raises UsageError if there is none at ``uri``."""
    mlflow.set_tracking_uri(registry)
    mlflow.set_registry_uri(registry)
    try:
        return mlflow.pyfunc.load_model(uri)
    except MlflowException as error:
        raise UsageError(f"cannot load {uri} from {registry}: {error.message}") from error
