"""Writing a bundle: configs, weights, model card, and the few files of code that MONAI lacks."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path
from types import ModuleType

from safetensors.torch import save_file

from scalemai_core.errors import UsageError
from scalemai_core.learn.bundle import inference, transforms
from scalemai_core.learn.bundle.configs import LICENCE, WEIGHTS, inference_config, metadata
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.network import ensemble, head, segmenter, state
from scalemai_core.learn.network.architectures import build_network
from scalemai_core.learn.predict import between
from scalemai_core.learn.weights import ReadsBytes, load_weights
from scalemai_core.records.model import ModelDocument
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SCRIPTS: tuple[ModuleType, ...] = (
    between,
    ensemble,
    head,
    inference,
    segmenter,
    state,
    transforms,
)
"""What travels: code that knows torch, MONAI and one another, and nothing else of the engine."""

LICENCE_TEXT = """\
The code and configuration in this folder (configs/, scripts/) are part of ScaleMAI and licensed
under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0

The weights (models/) come from data that whoever trained them had; this file grants no rights in
them. Ask there.
"""


def write_bundle(
    folder: Path, files: ReadsBytes, document: ModelDocument, card: str, version: int
) -> None:
    """Write a bundle of a stored model to a new folder.

    ``card`` is its README in Markdown, ``version`` the model's number in the registry. Raises
    UsageError if the folder holds something, TrainingError if weights are missing.
    """
    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty: name a new folder")
    channels = Channels.from_names(document.channels, load_taxonomy())
    networks: list[segmenter.Segmenter] = []
    for path in document.served:
        network = build_network(document.network, channels, seed=0)
        load_weights(files, path).into(network, document.channels)
        networks.append(network)
    whole = ensemble.Ensemble(networks)
    config = inference_config(document, channels, len(networks))
    texts = {
        "configs/inference.json": json.dumps(config, indent=2),
        "configs/metadata.json": json.dumps(metadata(document, channels, version), indent=2),
        "docs/README.md": card,
        LICENCE: LICENCE_TEXT,
        "scripts/__init__.py": '"""Code of this bundle, from ScaleMAI."""\n',
        **{f"scripts/{_name(module)}.py": _as_script(module) for module in SCRIPTS},
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    (folder / WEIGHTS).parent.mkdir()
    save_file(state.unique_state(whole), folder / WEIGHTS)


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


def _as_script(module: ModuleType) -> str:
    """A module's source, its imports turned to the bundle's own folder."""
    return re.sub(r"\bscalemai_core\.learn\.\w+\.", "scripts.", inspect.getsource(module))
