"""One commit to a Delta table, made once however often the store loses its answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Literal

import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from scalemai_core.store.catalog.tables import GROUP_ROWS
from scalemai_core.store.files import Files
from scalemai_core.store.patience import insist

MARK = "scalemai.commit"
"""By what a commit is known again: a put that is sent again after it had succeeded meets itself."""

Mode = Literal["append", "overwrite"]
Rows = Callable[[], pa.Table | pa.RecordBatchReader]
"""Reads what is to be written, each time from the first row on."""


def commit_once(files: Files, path: str, table: DeltaTable, rows: Rows, mode: Mode) -> int:
    """The Delta version that holds ``rows``, made from ``table`` as it was opened.

    Raises CommitFailedError where somebody else was faster; an append is put behind them.
    """
    mark, base = uuid.uuid4().hex, table.version()
    # Without retries Delta compares and swaps: its own check finds no conflict in empty tables.
    most = 0 if mode == "overwrite" else None
    commit = CommitProperties(custom_metadata={MARK: mark}, max_commit_retries=most)

    def write() -> int:
        try:
            write_deltalake(
                table,
                rows(),
                mode=mode,
                schema_mode="merge" if mode == "append" else None,
                commit_properties=commit,
                writer_properties=WriterProperties(max_row_group_size=GROUP_ROWS),
            )
        except (CommitFailedError, OSError, DeltaError):
            made = _version_of(files, path, base, mark)
            if made is None:
                raise
            return made
        return table.version()

    return insist(write)


def _version_of(files: Files, path: str, base: int, mark: str) -> int | None:
    """The Delta version behind ``base`` that carries the mark."""
    for version in range(base + 1, _newest(files, path) + 1):
        log = f"{path}/_delta_log/{version:020}.json"
        if mark.encode() in insist(lambda log=log: files.read_bytes(log)):
            return version
    return None


def _newest(files: Files, path: str) -> int:
    url, options = files.table_url(path), files.table_options()
    return insist(lambda: DeltaTable(url, storage_options=options)).version()
