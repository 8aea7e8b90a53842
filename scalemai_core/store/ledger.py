"""What a stage of a round has finished: Parquet parts of per-scan rows, written whole, last."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence

import polars as pl

from scalemai_core.records.shard import Shard
from scalemai_core.store.files import Files


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
        name = hashlib.blake2b("".join(scan_ids).encode(), digest_size=8).hexdigest()
        self._write(f"{name}.parquet", rows)
        self._write(f"{name}.done", pl.DataFrame({"scan_id": list(scan_ids)}))

    def finished(self) -> frozenset[str]:
        """Scans that need no more work."""
        parts = [self._read(name) for name in self._names(".done")]
        return frozenset(scan for part in parts for scan in part["scan_id"])

    def rows(self) -> pl.DataFrame:
        """All rows of all finished shards, sorted by scan; empty before the first."""
        done = {name.removesuffix(".done") for name in self._names(".done")}
        names = [n for n in self._names(".parquet") if n.removesuffix(".parquet") in done]
        parts = [part for part in map(self._read, names) if part.height]
        if not parts:
            return pl.DataFrame()
        return pl.concat(parts, how="diagonal_relaxed").sort("scan_id", maintain_order=True)

    def _names(self, suffix: str) -> list[str]:
        return [name for name in self._files.names(self._folder) if name.endswith(suffix)]

    def _read(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(io.BytesIO(self._files.read_bytes(f"{self._folder}/{name}")))

    def _write(self, name: str, frame: pl.DataFrame) -> None:
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd")
        self._files.write_bytes(f"{self._folder}/{name}", buffer.getvalue())


def step_key(**identity: object) -> str:
    """Short name of a piece of work: equal for equal settings and inputs, whatever their order."""
    text = repr(sorted((name, repr(value)) for name, value in identity.items()))
    return hashlib.blake2b(text.encode(), digest_size=5).hexdigest()
