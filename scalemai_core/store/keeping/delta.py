"""A table's files as Delta Lake keeps them: which there are, and which may go."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
from deltalake.exceptions import DeltaError

from scalemai_core.store.catalog.delta_tables import DeltaTables
from scalemai_core.store.files import Files

TABLES = ("versions", "scans", "annotations", "changes", "candidates", "findings", "rejections")
"""All that a catalog may hold; a table that was never written is not there."""
STATES = ("scans", "annotations")
"""Tables that every dataset version overwrites."""
UNREADABLE = (OSError, ValueError, DeltaError)
"""What a table raises whose log or files are damaged; pyarrow's errors are OSErrors or ValueErrors.
"""


class Delta:
    """One table below ``catalog/``, in one of its versions or the newest; it may not be there."""

    def __init__(self, files: Files, name: str, version: int | None = None) -> None:
        self.folder = f"catalog/{name}"
        self._table = DeltaTables(files).open(name, version)

    def column(self, name: str) -> list[str]:
        """The values of a column of texts, each once."""
        if self._table is None:
            return []
        batches = self._table.to_pyarrow_dataset().to_batches(columns=[name])
        found = {value for batch in batches for value in batch[name].unique().to_pylist()}
        return sorted(found - {None})

    def read_through(self) -> None:
        """All of it, to see that it can be read; none is kept: it may be large."""
        if self._table is not None:
            for _ in self._table.to_pyarrow_dataset().to_batches():
                pass

    def files(self) -> dict[str, int]:
        """Bytes of every file of this state, as the log has them, by path below the workspace."""
        if self._table is None:
            return {}
        added = pl.DataFrame(self._table.get_add_actions(flatten=True))
        rows = added.select("path", "size_bytes").iter_rows()
        return {f"{self.folder}/{path}": size for path, size in rows}

    def vacuum(self, keep: Sequence[int], grace_hours: int, *, delete: bool) -> list[str]:
        """Files of no version to keep and older than the grace, removed if ``delete``.

        The newest state always stays, and so does what killed writers left a short time ago.
        """
        if self._table is None:
            return []
        names = self._table.vacuum(
            retention_hours=grace_hours,
            dry_run=not delete,
            enforce_retention_duration=False,
            full=True,
            keep_versions=sorted(set(keep)),
        )
        return [f"{self.folder}/{name}" for name in names]
