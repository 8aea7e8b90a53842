"""Delta Lake tables below ``catalog/``: written so that a commit counts once, read in one state."""

from __future__ import annotations

from typing import Any

import polars as pl
from deltalake import DeltaTable
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from pyarrow import RecordBatchReader

from scalemai_core.errors import CommitConflict, WorkspaceError
from scalemai_core.store.catalog.blocks import Spool
from scalemai_core.store.catalog.commits import Mode, Rows, commit_once
from scalemai_core.store.files import Files
from scalemai_core.store.patience import insist

KEEP_FOR_EVER = {
    # Delta's defaults drop old versions after 30 days; a dataset version must stay readable.
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
}


class DeltaTables:
    """The tables of one workspace, by name."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def write(self, name: str, frame: pl.DataFrame, mode: Mode) -> int:
        """The Delta version that holds exactly this, whoever else writes at the same time."""
        table = self.open(name, None) or self.create(name, frame)
        return self.change(name, table, frame, mode)

    def write_blocks(self, name: str, blocks: Spool, schema: pl.Schema, mode: Mode) -> int:
        """The same of rows that lie ready: what makes them may not read Delta tables while Delta
        waits for them, and a write that is tried again reads them again."""
        columns = pl.DataFrame(schema=schema).to_arrow().schema

        def rows() -> RecordBatchReader:
            batches = (batch for block in blocks for batch in block.to_arrow().to_batches())
            return RecordBatchReader.from_batches(columns, batches)

        table = self.open(name, None) or self.create(name, pl.DataFrame(schema=schema))
        return self._commit(name, table, rows, mode)

    def create(self, name: str, frame: pl.DataFrame) -> DeltaTable:
        """A table without rows, with the columns of ``frame``; the one that is there, if one is."""
        try:
            return insist(
                lambda: DeltaTable.create(
                    self._url(name),
                    frame.to_arrow().schema,
                    mode="ignore",
                    configuration=KEEP_FOR_EVER,
                    storage_options=self._files.table_options(),
                )
            )
        except CommitFailedError as error:
            # Somebody was faster, or the answer to our own put was lost and it was sent again.
            made = self.open(name, None)
            if made is None:
                raise CommitConflict(f"catalog/{name} was made meanwhile; run again") from error
            return made

    def change(self, name: str, table: DeltaTable, frame: pl.DataFrame, mode: Mode) -> int:
        """As ``write``, from a table as it was opened; raises CommitConflict if it moved since."""
        return self._commit(name, table, frame.to_arrow, mode)

    def _commit(self, name: str, table: DeltaTable, rows: Rows, mode: Mode) -> int:
        try:
            return commit_once(self._files, f"catalog/{name}", table, rows, mode)
        except CommitFailedError as error:
            raise CommitConflict(f"catalog/{name} was changed meanwhile; run again") from error

    def read(
        self,
        name: str,
        delta_version: int | None,
        schema: pl.Schema,
        chosen: list[tuple[str, str, Any]] | None = None,
    ) -> pl.DataFrame:
        """Rows of one Delta version or the newest; empty if the table was never written.

        A column that an older engine made the table without is null.
        """
        table = self.open(name, delta_version)
        if table is None:
            return pl.DataFrame(schema=schema)
        there = {field.name for field in table.schema().fields}
        columns = [name for name in schema.names() if name in there]
        try:
            found = insist(lambda: table.to_pyarrow_table(columns=columns, filters=chosen or None))
        except FileNotFoundError as error:
            raise WorkspaceError(
                f"catalog/{name} has lost files of its state {table.version()}: the dataset version"
                " was dropped ('scalemai versions' tells), or 'scalemai verify' says more"
            ) from error
        missing = [pl.lit(None).alias(name) for name in schema.names() if name not in there]
        frame = pl.DataFrame(pl.from_arrow(found)).with_columns(missing)
        return frame.select(schema.names()).cast(schema)

    def open(self, name: str, delta_version: int | None) -> DeltaTable | None:
        """None where it was never written."""
        url, options = self._url(name), self._files.table_options()
        try:
            return insist(lambda: DeltaTable(url, version=delta_version, storage_options=options))
        except TableNotFoundError:
            return None

    def _url(self, name: str) -> str:
        return self._files.table_url(f"catalog/{name}")
