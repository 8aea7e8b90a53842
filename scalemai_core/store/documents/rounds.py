"""The tables of one round, one Parquet document each, written whole."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Sequence
from itertools import chain
from pathlib import Path
from tempfile import NamedTemporaryFile

import polars as pl
from pyarrow.parquet import ParquetFile, ParquetWriter

from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.blocks import gathered
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
        table.write_parquet(buffer, compression="zstd", row_group_size=tables.GROUP_ROWS)
        self._files.write_bytes(self.path(name), buffer.getvalue())

    def write_blocks(self, name: str, blocks: Iterable[pl.DataFrame]) -> None:
        """The same, block by block, all with the columns of the first; there must be one.

        Blocks may be as small as a shard: rows that are read together are written together.
        """
        each = (
            block.to_arrow(compat_level=pl.CompatLevel.oldest())
            for block in gathered(blocks, tables.GROUP_ROWS)
        )
        first = next(each := iter(each))
        with NamedTemporaryFile() as file:  # half a GB for four million decisions
            with ParquetWriter(file, first.schema, compression="zstd") as writer:
                for block in chain([first], each):
                    writer.write_table(block, row_group_size=tables.GROUP_ROWS)
            file.flush()
            self._files.put(self.path(name), Path(file.name))

    def read(
        self,
        name: str,
        scan_ids: Collection[str] | None = None,
        columns: Sequence[str] | None = None,
    ) -> pl.DataFrame:
        """Read it back: the rows of some scans or all of them, some columns or all of them.

        Of a table that is sorted by scan only the groups of rows that may hold them are read.
        Raises FileNotFoundError where it was never written.
        """
        wanted = None if columns is None else list(columns)
        with self._files.open(self.path(name)) as document:
            if scan_ids is None:
                return pl.read_parquet(document, columns=wanted)
            parquet = ParquetFile(document)
            needed = None if columns is None else ["scan_id", *columns]
            table = pl.DataFrame(
                pl.from_arrow(parquet.read_row_groups(_groups(parquet, scan_ids), needed))
            )
        rows = table.filter(pl.col("scan_id").is_in(list(scan_ids)))
        return rows if columns is None else rows.select(columns)


def _groups(parquet: ParquetFile, scan_ids: Collection[str]) -> list[int]:
    """Groups of rows between whose first and last scan one of these may lie."""
    first, last = min(scan_ids, default=""), max(scan_ids, default="")
    column = parquet.schema_arrow.names.index("scan_id")
    told = [
        parquet.metadata.row_group(group).column(column).statistics
        for group in range(parquet.num_row_groups)
    ]
    return [
        group
        for group, known in enumerate(told)
        if known is None or not known.has_min_max or (known.max >= first and known.min <= last)
    ]
