"""The base of every record: frozen, keyword-only, unknown keys refused."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """An immutable, validated value that may be stored or travel between tasks."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)
