"""Documents that may be damaged: what cannot be read is empty, and its path is written down."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator

import polars as pl
from pyarrow.parquet import ParquetFile
from pydantic import ValidationError

from scalemai_core.records.model import ModelDocument, model_path
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.keeping.delta import UNREADABLE
from scalemai_core.store.workspace import Workspace


class Doubtful:
    """Reads a workspace, come what may."""

    def __init__(self, store: Workspace) -> None:
        self._store = store
        self.unreadable: list[str] = []
        """What should have been there and could not be read."""

    def versions(self) -> tuple[DatasetVersion, ...]:
        """Dataset versions whose state was not given up, oldest first."""
        gone = {one.number for one in self._store.dropped.read()}
        return tuple(v for v in self.committed() if v.number not in gone)

    def committed(self) -> tuple[DatasetVersion, ...]:
        """All dataset versions that there ever were, oldest first."""
        try:
            return tuple(self._store.catalog.versions())
        except UNREADABLE:
            self.unreadable.append("catalog/versions")
            return ()

    def table(self, path: str) -> pl.DataFrame:
        """A Parquet document."""
        try:
            return pl.read_parquet(io.BytesIO(self._store.files.read_bytes(path)))
        except (FileNotFoundError, pl.exceptions.PolarsError):
            self.unreadable.append(path)
            return pl.DataFrame()

    def texts(self, path: str) -> Iterator[pl.DataFrame]:
        """A Parquet document's columns of texts, a group of rows at a time: it may be large."""
        try:
            with self._store.files.open(path) as document, ParquetFile(document) as parquet:
                names = [name for name, kind in _types(parquet).items() if kind == pl.String]
                for group in range(parquet.num_row_groups):
                    yield pl.DataFrame(pl.from_arrow(parquet.read_row_group(group, names)))
        except UNREADABLE:
            self.unreadable.append(path)

    def json(self, path: str) -> dict[str, object]:
        """A JSON document."""
        try:
            return dict(json.loads(self._store.files.read_bytes(path)))
        except (FileNotFoundError, ValueError, TypeError):
            self.unreadable.append(path)
            return {}

    def model(self, key: str) -> ModelDocument | None:
        """A model; None also where a training has not come to its end."""
        path = model_path(key)
        try:
            return ModelDocument.model_validate_json(self._store.files.read_bytes(path))
        except FileNotFoundError:
            return None
        except ValidationError:
            self.unreadable.append(path)
            return None

    def critic(self, number: int) -> str | None:
        """Key of the model that predicts in a round; None before it has one."""
        path = f"rounds/{number}/plan.json"
        try:
            return RoundPlan.model_validate(self.json(path)).model_key
        except ValidationError:
            self.unreadable.append(path)
            return None


def _types(parquet: ParquetFile) -> pl.Schema:
    return pl.DataFrame(pl.from_arrow(parquet.schema_arrow.empty_table())).schema
