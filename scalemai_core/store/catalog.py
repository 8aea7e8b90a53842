"""Dataset versions and everything tabular beside them, as Delta Lake tables."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Literal

import polars as pl
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError

from scalemai_core.errors import CommitConflict, WorkspaceError
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store import tables
from scalemai_core.store.files import Files

KEEP_FOR_EVER = {
    # Delta's defaults drop old versions after 30 days; a dataset version must stay readable.
    "delta.logRetentionDuration": "interval 36500 days",
    "delta.deletedFileRetentionDuration": "interval 36500 days",
    "delta.enableExpiredLogCleanup": "false",
}
KEY = ["scan_id", "structure"]
APPEND_TRIES = 5
Mode = Literal["append", "overwrite"]


class Catalog:
    """Tables below ``catalog/``; a version is visible once its row stands in ``versions``."""

    def __init__(self, files: Files) -> None:
        self._files = files

    # -- dataset versions ---------------------------------------------------------------------

    def versions(self) -> tuple[DatasetVersion, ...]:
        """All dataset versions, oldest first."""
        rows = self.table("versions", tables.VERSIONS).sort("number").drop("commit")
        return tuple(DatasetVersion.model_validate(row) for row in rows.iter_rows(named=True))

    def latest(self) -> DatasetVersion | None:
        """The newest dataset version, or None in an empty workspace."""
        versions = self.versions()
        return versions[-1] if versions else None

    def state(self) -> int | None:
        """Moves whenever a dataset version is made, and is quick to ask; None before the first."""
        table = self._open("versions", None)
        return None if table is None else table.version()

    def version(self, number: int) -> DatasetVersion:
        """One dataset version; raises WorkspaceError naming those that exist."""
        versions = {version.number: version for version in self.versions()}
        if number not in versions:
            known = ", ".join(map(str, versions)) or "none yet"
            raise WorkspaceError(f"no dataset version {number} (there are: {known})")
        return versions[number]

    def scans(self, version: DatasetVersion) -> pl.DataFrame:
        """The scans of a version, one row each."""
        return self._read("scans", version.scans_delta, tables.SCANS)

    def annotations(
        self, version: DatasetVersion, scan_ids: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The annotations of a version (or of some of its scans), sorted by scan and structure."""
        if scan_ids is not None and not scan_ids:
            return pl.DataFrame(schema=tables.ANNOTATIONS)
        chosen = None if scan_ids is None else [("scan_id", "in", list(scan_ids))]
        return self._read("annotations", version.annotations_delta, tables.ANNOTATIONS, chosen)

    def commit(
        self,
        *,
        base: DatasetVersion | None,
        scans: pl.DataFrame,
        annotations: pl.DataFrame,
        round_number: int,
        message: str,
    ) -> DatasetVersion:
        """Make the next dataset version out of a full state, visible at once and whole.

        Raises CommitConflict if another version was committed since ``base``.
        """
        annotations = annotations.select(tables.ANNOTATIONS.names()).sort(KEY)
        scans = scans.select(tables.SCANS.names()).sort("scan_id")
        commit = uuid.uuid4().hex
        changes = self._changes(base, annotations, commit)
        scans_delta = self._write("scans", scans, "overwrite")
        annotations_delta = self._write("annotations", annotations, "overwrite")
        if changes.height:
            self._write("changes", changes, "append")
        version = DatasetVersion(
            number=base.number + 1 if base else 1,
            round=round_number,
            scans_delta=scans_delta,
            annotations_delta=annotations_delta,
            scans=scans.height,
            annotations=annotations.filter(pl.col("state") != "unknown").height,
            changed=changes.height,
            digest=_digest(scans, annotations),
            message=message,
            created=datetime.now(UTC),
        )
        self._publish(base, version, commit)
        return version

    def changes(self, older: DatasetVersion, newer: DatasetVersion) -> pl.DataFrame:
        """What became of each annotation between two versions: first before, last after."""
        versions = self.table("versions", tables.VERSIONS).select("number", "commit")
        changes = self.table("changes", tables.CHANGES).join(versions, on="commit")
        between = changes.filter(pl.col("number").is_between(older.number + 1, newer.number))
        befores = ["before", "label_map_before"]
        return (
            between.sort("number")
            .group_by(KEY, maintain_order=True)
            .agg(pl.col(befores).first(), pl.exclude([*KEY, *befores, "commit", "number"]).last())
            .sort(KEY)
        )

    # -- the tables beside them ---------------------------------------------------------------

    def table(self, name: str, schema: pl.Schema) -> pl.DataFrame:
        """The newest state of a table; empty if it was never written."""
        return self._read(name, None, schema)

    def append(self, name: str, rows: Sequence[dict[str, object]], schema: pl.Schema) -> None:
        """Append rows for good; returns when they are stored."""
        if not rows:
            return
        frame = pl.DataFrame(list(rows), schema=schema)
        for tries_left in reversed(range(APPEND_TRIES)):
            try:
                self._write(name, frame, "append")
            except CommitConflict:  # appends meet no other than the table's making
                if not tries_left:
                    raise
            else:
                return

    # -- Delta --------------------------------------------------------------------------------

    def _changes(
        self, base: DatasetVersion | None, annotations: pl.DataFrame, commit: str
    ) -> pl.DataFrame:
        """Rows whose revision moved; label maps hold layers, so their hash moves for others too."""
        before = pl.DataFrame(schema=tables.ANNOTATIONS) if base is None else self.annotations(base)
        earlier = before.select(
            *KEY, before="state", label_map_before="label_map", revision_before="revision"
        )
        return (
            annotations.join(earlier, on=KEY, how="left")
            .filter(pl.col("revision") > pl.col("revision_before").fill_null(0))
            .with_columns(
                commit=pl.lit(commit),
                before=pl.col("before").fill_null("unknown"),
                after="state",
                label_map_after="label_map",
            )
            .select(tables.CHANGES.names())
            .cast(tables.CHANGES)
        )

    def _publish(self, base: DatasetVersion | None, version: DatasetVersion, commit: str) -> None:
        """Overwrite the small table of versions: of concurrent writers Delta lets one through."""
        empty = pl.DataFrame(schema=tables.VERSIONS)
        table = self._open("versions", None) or self._create("versions", empty)
        rows = self.table("versions", tables.VERSIONS)
        latest = rows["number"].max() if rows.height else None
        if latest != (base.number if base else None):
            raise CommitConflict(f"dataset version {latest} was committed meanwhile; run again")
        row = pl.DataFrame([{**version.model_dump(), "commit": commit}], schema=tables.VERSIONS)
        self._change("versions", table, pl.concat([rows, row]), "overwrite")

    def _write(self, name: str, frame: pl.DataFrame, mode: Mode) -> int:
        """The Delta version that holds exactly this, whoever else writes at the same time."""
        table = self._open(name, None) or self._create(name, frame)
        return self._change(name, table, frame, mode)

    def _create(self, name: str, frame: pl.DataFrame) -> DeltaTable:
        try:
            return DeltaTable.create(
                self._url(name),
                frame.to_arrow().schema,
                mode="ignore",
                configuration=KEEP_FOR_EVER,
                storage_options=self._files.table_options(),
            )
        except CommitFailedError as error:
            raise CommitConflict(f"catalog/{name} was made meanwhile; run again") from error

    def _change(self, name: str, table: DeltaTable, frame: pl.DataFrame, mode: Mode) -> int:
        # Without retries Delta compares and swaps: its own check finds no conflict in empty tables.
        once = CommitProperties(max_commit_retries=0) if mode == "overwrite" else None
        try:
            write_deltalake(table, frame.to_arrow(), mode=mode, commit_properties=once)
        except CommitFailedError as error:
            raise CommitConflict(f"catalog/{name} was changed meanwhile; run again") from error
        return table.version()

    def _read(
        self,
        name: str,
        delta_version: int | None,
        schema: pl.Schema,
        chosen: list[tuple[str, str, list[str]]] | None = None,
    ) -> pl.DataFrame:
        table = self._open(name, delta_version)
        if table is None:
            return pl.DataFrame(schema=schema)
        frame = pl.from_arrow(table.to_pyarrow_table(columns=schema.names(), filters=chosen))
        return pl.DataFrame(frame).cast(schema)

    def _open(self, name: str, delta_version: int | None) -> DeltaTable | None:
        try:
            return DeltaTable(
                self._url(name), version=delta_version, storage_options=self._files.table_options()
            )
        except TableNotFoundError:
            return None

    def _url(self, name: str) -> str:
        return self._files.table_url(f"catalog/{name}")


def _digest(scans: pl.DataFrame, annotations: pl.DataFrame) -> str:
    """Equal for equal content, whenever and wherever it was made."""
    digest = hashlib.blake2b(digest_size=16)
    columns = [*KEY, "state", "label_map", "origin", "weight"]
    digest.update(scans.select("scan_id", "patient", "fold", "gold").write_csv().encode())
    for part in annotations.select(columns).iter_slices(100_000):
        digest.update(part.write_csv().encode())
    return digest.hexdigest()
