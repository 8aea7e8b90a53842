"""nnU-Net raw dataset folders, version 2 and the older Decathlon style."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from scalemai_core.errors import UsageError
from scalemai_core.intake.case import CaseFiles, ImageKind, LabelMapFile
from scalemai_core.intake.legend import LabelCodes
from scalemai_core.intake.volume_file import is_volume, stem
from scalemai_core.records.scan import CaseInfo

DESCRIPTION = "dataset.json"
_FIRST_CHANNEL = "_0000"


def nnunet_cases(folder: Path, source: str, table: dict[str, CaseInfo]) -> tuple[CaseFiles, ...]:
    """Every training image with its label file, if it has one; raises UsageError."""
    description = _read(folder / DESCRIPTION)
    _check_channels(folder, description)
    codes = _label_codes(folder, description)
    images = sorted(path for path in (folder / "imagesTr").glob("*") if is_volume(path))
    labels = {stem(path): path for path in (folder / "labelsTr").glob("*") if is_volume(path)}
    cases: list[CaseFiles] = []
    for image in images:
        case = stem(image).removesuffix(_FIRST_CHANNEL)
        cases.append(
            CaseFiles(
                case=case,
                source=source,
                kind=ImageKind.FILE,
                image=(image,),
                label_map=LabelMapFile(path=labels[case], codes=codes) if case in labels else None,
                info=table.get(case, CaseInfo()),
            )
        )
    return tuple(cases)


def _read(path: Path) -> dict[str, Any]:
    try:
        description = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(description, dict):
        raise UsageError(f"{path} must hold an object with 'channel_names' and 'labels'")
    return description


def _check_channels(folder: Path, description: dict[str, Any]) -> None:
    channels = description.get("channel_names", description.get("modality"))
    named = list(channels.values()) if isinstance(channels, dict) else []
    if [str(name).upper() for name in named] != ["CT"]:
        raise UsageError(
            f"{folder / DESCRIPTION}: the one channel must be CT, found {channels}; "
            "this engine reads CT alone"
        )


def _label_codes(folder: Path, description: dict[str, Any]) -> LabelCodes:
    """Labels as name to codes; the older style has code to name."""
    labels = description.get("labels")
    if not isinstance(labels, dict):
        raise UsageError(f"{folder / DESCRIPTION}: 'labels' must map names to codes")
    try:
        return tuple(_label(key, value) for key, value in labels.items())
    except (TypeError, ValueError) as error:
        raise UsageError(
            f"{folder / DESCRIPTION}: 'labels' must map names to codes ({error})"
        ) from error


def _label(key: str, value: Any) -> tuple[str, tuple[int, ...]]:
    if isinstance(value, str):
        return value, (int(key),)
    if isinstance(value, list):
        return key, tuple(int(code) for code in value)
    return key, (int(value),)
