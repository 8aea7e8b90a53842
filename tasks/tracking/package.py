"""What a consumer downloads with a model: code, a document, weights, and what they need."""

from __future__ import annotations

import tempfile
from importlib.metadata import version as installed
from pathlib import Path

import mlflow
from mlflow.models.model import ModelInfo

import scalemai_core
from scalemai_core.records.detection import lesions_path
from scalemai_core.records.model import ModelDocument
from scalemai_core.settings.architectures import ARCHITECTURES
from scalemai_core.store.workspace import Workspace

SERVED_MODEL = Path(__file__).resolve().parents[1] / "served_model.py"
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


def log_package(store: Workspace, document: ModelDocument) -> ModelInfo:
    """Add a stored model to the run that is open."""
    needs = (*CONSUMER_NEEDS, *ARCHITECTURES[document.network.name].packages)
    with tempfile.TemporaryDirectory(prefix="scalemai-model-") as scratch:
        folder = Path(scratch) / "model"
        folder.mkdir()
        (folder / "model.json").write_text(document.model_dump_json(indent=1))
        measured = lesions_path(document.key)
        found = [measured] if store.files.exists(measured) else []
        for path in (*document.served, *found):
            (folder / Path(path).name).write_bytes(store.files.read_bytes(path))
        return mlflow.pyfunc.log_model(
            name="model",
            python_model=str(SERVED_MODEL),
            artifacts={"model": str(folder)},
            code_paths=[str(Path(scalemai_core.__file__).parent)],
            pip_requirements=[f"{name}=={installed(name)}" for name in needs],
        )
