"""The annotations of a dataset version on their way into the catalog, some scans at a time."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence

import polars as pl

from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.blocks import Spool

KEY = ["scan_id", "structure"]
DIGESTED = [*KEY, "state", "label_map", "origin", "weight"]
_AT_ONCE = 100_000
"""Rows that are turned into text together."""


class Draft(Iterable[pl.DataFrame]):
    """Blocks sorted by scan and structure, once; behind the last, ``known``, ``digest`` and
    ``changes`` speak of them all."""

    def __init__(
        self,
        scans: pl.DataFrame,
        annotations: Iterable[pl.DataFrame],
        before: Callable[[Sequence[str]], pl.DataFrame],
        commit: str,
    ) -> None:
        """``before`` tells of scans what the version before says of them."""
        self.commit = commit
        self._annotations = annotations
        self._before = before
        self.known = 0
        """Annotations that say something."""
        self._digest = hashlib.blake2b(_scans_text(scans), digest_size=16)
        self.changes = Spool()
        """Rows whose revision moved: in a first version all that say something."""

    def __iter__(self) -> Iterator[pl.DataFrame]:
        """Raises ValueError for blocks not in the order of their scans, and for repeated rows."""
        last = ""
        for block in self._annotations:
            rows = tables.typed(block, tables.ANNOTATIONS).sort(KEY)
            if rows.height:
                if rows["scan_id"][0] <= last:
                    raise ValueError("annotations must come in the order of their scans")
                if rows.select(KEY).n_unique() < rows.height:
                    raise ValueError("an annotation must come once")
                last = rows["scan_id"][-1]
                self._note(rows)
            yield rows

    @property
    def digest(self) -> str:
        """Equal for equal content, whenever and wherever it was made."""
        return self._digest.hexdigest()

    def _note(self, rows: pl.DataFrame) -> None:
        self.known += rows.filter(pl.col("state") != "unknown").height
        for text in _texts(rows):
            self._digest.update(text)
        # Label maps hold layers, so that a map's hash moves for its neighbours too.
        earlier = self._before(rows["scan_id"].unique().to_list()).select(
            *KEY, before="state", label_map_before="label_map", revision_before="revision"
        )
        changed = (
            rows.join(earlier, on=KEY, how="left", maintain_order="left")
            .filter(pl.col("revision") > pl.col("revision_before").fill_null(0))
            .with_columns(
                commit=pl.lit(self.commit),
                before=pl.col("before").fill_null("unknown"),
                after="state",
                label_map_after="label_map",
            )
        )
        self.changes.append(tables.typed(changed, tables.CHANGES))


def digest(scans: pl.DataFrame, annotations: Iterable[pl.DataFrame]) -> str:
    """What a version's digest has to be, by its rows: sorted, annotations some scans at a time."""
    made = hashlib.blake2b(_scans_text(scans), digest_size=16)
    for block in annotations:
        for text in _texts(block):
            made.update(text)
    return made.hexdigest()


def _scans_text(scans: pl.DataFrame) -> bytes:
    return scans.select("scan_id", "patient", "fold", "gold").write_csv().encode()


def _texts(annotations: pl.DataFrame) -> Iterator[bytes]:
    for part in annotations.select(DIGESTED).iter_slices(_AT_ONCE):
        yield part.write_csv(include_header=False).encode()
