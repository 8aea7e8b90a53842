"""The tables of one round, one Parquet document each, written whole."""

from __future__ import annotations

import io

import polars as pl

from scalemai_core.store.files import Files


class RoundTables:
    """``rounds/<n>/<name>.parquet``: decisions, questions, what the expert practised on."""

    def __init__(self, files: Files, number: int) -> None:
        self._files = files
        self._number = number

    def path(self, name: str) -> str:
        """Place of a table below the workspace."""
        return f"rounds/{self._number}/{name}.parquet"

    def has(self, name: str) -> bool:
        """Whether the table was written."""
        return self._files.exists(self.path(name))

    def write(self, name: str, table: pl.DataFrame) -> None:
        """Store a table, whole or not at all."""
        buffer = io.BytesIO()
        table.write_parquet(buffer, compression="zstd")
        self._files.write_bytes(self.path(name), buffer.getvalue())

    def read(self, name: str) -> pl.DataFrame:
        """Read it back; raises FileNotFoundError where it was never written."""
        return pl.read_parquet(io.BytesIO(self._files.read_bytes(self.path(name))))
