"""What a stage of a round has finished: Parquet parts of per-scan rows, written whole, last."""

from __future__ import annotations

import hashlib
import io
import re
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

import polars as pl

from scalemai_core.records.shard import Shard
from scalemai_core.store.catalog.blocks import Blocks
from scalemai_core.store.files import Files

BEGIN = 8
"""Bytes of a scan's name by which parts are told apart without opening them."""
_NAME = re.compile(r"([0-9a-f]+)-([0-9a-f]+)-[0-9a-f]+")


class _Part(NamedTuple):
    """What one shard left, and between which scans: their names begin so, in an order that keeps
    theirs."""

    name: str
    first: str
    last: str


class Ledger:
    """Parts of one stage under one key; rows are per scan, so a rerun may shard differently."""

    def __init__(self, files: Files, round_number: int, stage: str, key: str) -> None:
        self._files = files
        self._folder = f"rounds/{round_number}/{stage}-{key}"

    @classmethod
    def of(cls, files: Files, shard: Shard) -> Ledger:
        """The ledger a shard's task writes to."""
        return cls(files, shard.round, shard.stage, shard.key)

    def write(self, scan_ids: Sequence[str], rows: pl.DataFrame) -> None:
        """Record a shard's rows; every scan in ``scan_ids`` counts as finished from here on."""
        name = _part(scan_ids).name
        self._write(f"{name}.parquet", rows)
        self._write(f"{name}.done", pl.DataFrame({"scan_id": list(scan_ids)}))

    def holds(self, scan_ids: Sequence[str]) -> bool:
        """Whether just these scans were finished, by one shard."""
        return self._files.exists(f"{self._folder}/{_part(scan_ids).name}.done")

    def finished(self) -> frozenset[str]:
        """Scans that need no more work."""
        marks = (self._read(f"{part.name}.done") for part in self._parts())
        return frozenset(scan for mark in marks for scan in mark["scan_id"])

    def blocks(self, columns: Sequence[str] | None = None) -> Blocks:
        """The rows of all finished shards, in the order of the scans; a shard or more at a time.

        ``columns`` are those that are wanted, with ``scan_id`` among them; a stage may lack some.
        Shards without a row are left out.
        """
        return Blocks(lambda: self._blocks(self._parts(), columns))

    def rows(
        self, columns: Sequence[str] | None = None, scan_ids: Collection[str] | None = None
    ) -> pl.DataFrame:
        """The same in one table, of all scans or of some; empty before the first."""
        chosen = frozenset(scan_ids or ())
        parts = self._parts() if scan_ids is None else self._parts_with(chosen)
        blocks = list(self._blocks(parts, columns))
        if not blocks:
            return pl.DataFrame()
        rows = pl.concat(blocks, how="diagonal_relaxed", rechunk=False)
        return rows if scan_ids is None else rows.filter(pl.col("scan_id").is_in(list(chosen)))

    def _blocks(
        self, parts: Sequence[_Part], columns: Sequence[str] | None
    ) -> Iterator[pl.DataFrame]:
        """Parts whose scans overlap come together: after a restart shards may be cut elsewhere.

        A scan that two shards finished, of which one was given up and went on, counts once.
        """
        for together in _apart(parts):
            read = (self._read(f"{part.name}.parquet", columns) for part in together)
            found = [part.with_columns(_part=i) for i, part in enumerate(read) if part.height]
            if found:
                rows = pl.concat(found, how="diagonal_relaxed")
                once = rows.filter(pl.col("_part") == pl.col("_part").min().over("scan_id"))
                yield once.drop("_part").sort("scan_id", maintain_order=True)

    def _parts_with(self, scans: frozenset[str]) -> list[_Part]:
        """Parts that may hold some scans: mostly a shard of another stage asks for its own."""
        part = _part(sorted(scans))
        if self._files.exists(f"{self._folder}/{part.name}.done"):
            return [part]
        begins = sorted(map(_begin, scans))
        return [
            part
            for part in self._parts()
            if bisect_left(begins, part.first) < bisect_right(begins, part.last)
        ]

    def _parts(self) -> list[_Part]:
        """Finished parts, in the order of their first scans; names tell, none is opened."""
        files = self._files.names(self._folder)
        names = [name.removesuffix(".done") for name in files if name.endswith(".done")]
        # A name that does not say between which scans is an older engine's: those are done again.
        told = ((name, _NAME.fullmatch(name)) for name in names)
        parts = (_Part(name, *found.groups()) for name, found in told if found)
        return sorted(parts, key=lambda part: part.first)

    def _read(self, name: str, columns: Sequence[str] | None = None) -> pl.DataFrame:
        document = io.BytesIO(self._files.read_bytes(f"{self._folder}/{name}"))
        if columns is not None:
            there = pl.read_parquet_schema(document)
            columns = [column for column in columns if column in there]
            document.seek(0)
        return pl.read_parquet(document, columns=columns)

    def _write(self, name: str, frame: pl.DataFrame) -> None:
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd")
        self._files.write_bytes(f"{self._folder}/{name}", buffer.getvalue())


def _part(scan_ids: Sequence[str]) -> _Part:
    digest = hashlib.blake2b("".join(scan_ids).encode(), digest_size=8).hexdigest()
    first, last = _begin(min(scan_ids, default="")), _begin(max(scan_ids, default=""))
    return _Part(f"{first}-{last}-{digest}", first, last)


def _begin(scan_id: str) -> str:
    """The first bytes of a name, which may be a path, as a file's name may hold them."""
    return scan_id.encode()[:BEGIN].hex()


def _apart(parts: Sequence[_Part]) -> Iterator[list[_Part]]:
    """Parts, in the order of their first scans, by what lies between the same scans."""
    together: list[_Part] = []
    last = ""
    for part in parts:
        if together and part.first > last:
            yield together
            together = []
        together.append(part)
        last = max(last, part.last)
    if together:
        yield together


def step_key(**identity: object) -> str:
    """Short name of a piece of work: equal for equal settings and inputs, whatever their order."""
    text = repr(sorted((name, repr(value)) for name, value in identity.items()))
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
