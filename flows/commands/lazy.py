"""What a command needs before its flow: the flow itself, loaded late, and Prefect's state."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from typing import Any

from scalemai_core.store.workspace import Workspace


def load(module: str, name: str) -> Callable[..., Any] | Any:
    """Imported when called: Prefect, torch and MONAI take seconds that ``--help`` need not wait."""
    return getattr(importlib.import_module(f"flows.{module}"), name)


def prepare_prefect(store: Workspace) -> None:
    """Keep Prefect's state with the workspace unless the user named a server or a home."""
    if "PREFECT_API_URL" not in os.environ and "PREFECT_HOME" not in os.environ:
        home = store.local_state / "prefect"
        home.mkdir(parents=True, exist_ok=True)
        os.environ["PREFECT_HOME"] = str(home)
