"""Reads the YAML documents of one file, and records out of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import ValidationError

from scalemai_core.errors import UsageError
from scalemai_core.records.base import Record

_AnyRecord = TypeVar("_AnyRecord", bound=Record)

# libyaml reads the taxonomy about ten times faster than the pure Python parser, where it is there.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_documents(path: Path) -> list[Any]:
    """All documents of a file, in order; raises UsageError naming the file."""
    try:
        return list(yaml.load_all(path.read_text(encoding="utf-8"), Loader=_LOADER))
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} is not YAML: {error}") from error


def parse_record(kind: type[_AnyRecord], value: Any, where: str) -> _AnyRecord:
    """A record from plain values; raises UsageError with ``where`` and every problem."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        found = (f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors())
        raise UsageError(f"{where}: {'; '.join(found)}") from error
