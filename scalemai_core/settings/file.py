"""Settings as people write them: a preset or YAML file, and ``SECTION.KEY=VALUE`` on top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import BaseModel, ValidationError

from scalemai_core.errors import SettingsError
from scalemai_core.settings.engine import EngineSettings

Tree = dict[str, Any]
"""Plain sections and values, as YAML gives them."""

PRESETS = ("laptop", "a100", "h200")
"""Settings that ship, by the machine they are made for."""


def load_settings(
    source: str | Path | None = None,
    overrides: Sequence[str] = (),
    otherwise: EngineSettings | None = None,
) -> EngineSettings:
    """A preset's name or a YAML file, then ``SECTION.KEY=VALUE``.

    A file (or an override) may name the preset that it starts from: ``preset: a100``. Where neither
    names anything, ``otherwise`` counts, or the defaults. Raises SettingsError naming the key.
    """
    tree = _read(source) if source is not None else {}
    for override in overrides:
        _apply(tree, override)
    preset = tree.pop("preset", None)
    below: Tree = {}
    if preset is not None:
        below = _read_preset(preset)
    elif source is None and otherwise is not None:
        below = otherwise.model_dump(mode="json")
    return parse_settings(_merge(below, tree))


def parse_settings(tree: Mapping[str, Any]) -> EngineSettings:
    """Check a tree of plain values; raises SettingsError with every problem on its own line."""
    try:
        return EngineSettings.model_validate(dict(tree))
    except ValidationError as error:
        problems = "; ".join(_problem(item["loc"], item["msg"]) for item in error.errors())
        raise SettingsError(f"settings: {problems}") from error


def _problem(location: tuple[int | str, ...], message: str) -> str:
    key = ".".join(str(part) for part in location)
    if message.startswith("Extra inputs"):
        return f"unknown key '{key}' (known here: {', '.join(_known_keys(location))})"
    return f"'{key}': {message}"


def _known_keys(location: tuple[int | str, ...]) -> list[str]:
    section: type[BaseModel] = EngineSettings
    for part in location[:-1]:
        annotation = section.model_fields[str(part)].annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            section = annotation
    return sorted(section.model_fields)


def _read(source: str | Path) -> Tree:
    """A preset goes by its bare name; a file of that name is reached as ``./a100``."""
    return {"preset": str(source)} if str(source) in PRESETS else _read_yaml(Path(source))


def _read_preset(name: object) -> Tree:
    if name not in PRESETS:
        raise SettingsError(f"preset '{name}' is not one of {', '.join(PRESETS)}")
    return _read_yaml(Path(__file__).parent / "presets" / f"{name}.yaml")


def _merge(below: Tree, above: Tree) -> Tree:
    """Sections key by key, the rest from above."""
    merged = dict(below)
    for key, value in above.items():
        under = merged.get(key)
        both = isinstance(under, dict) and isinstance(value, dict)
        merged[key] = _merge(cast("Tree", under), cast("Tree", value)) if both else value
    return merged


def _read_yaml(path: Path) -> Tree:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"cannot read settings file {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path} is not YAML: {_one_line(error)}") from error
    if not isinstance(tree, dict | None):
        raise SettingsError(f"{path} must hold sections, e.g. 'train: {{steps: 100}}'")
    return cast("Tree", tree or {})


def _apply(tree: Tree, override: str) -> None:
    key, separator, value = override.partition("=")
    if not separator:
        raise SettingsError(f"--set takes SECTION.KEY=VALUE, got '{override}'")
    *sections, name = key.strip().split(".")
    node = tree
    for section in sections:
        below = node.setdefault(section, {})
        if not isinstance(below, dict):
            raise SettingsError(f"--set {override}: '{section}' is not a section")
        node = cast("Tree", below)
    try:
        node[name] = yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise SettingsError(f"--set {override}: {_one_line(error)}") from error


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
