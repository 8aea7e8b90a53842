"""Dataset versions and everything tabular beside them, as Delta Lake tables."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import polars as pl

from scalemai_core.errors import CommitConflict, WorkspaceError
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.blocks import spooled
from scalemai_core.store.catalog.delta_tables import DeltaTables
from scalemai_core.store.catalog.draft import DIGESTED, KEY, Draft, digest
from scalemai_core.store.files import Files

APPEND_TRIES = 5
SCANS_AT_ONCE = 4096
"""Whose annotations are in memory together where a version is gone through."""


class Catalog:
    """Tables below ``catalog/``; a version is visible once its row stands in ``versions``."""

    def __init__(self, files: Files) -> None:
        self._delta = DeltaTables(files)

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
        table = self._delta.open("versions", None)
        return None if table is None else table.version()

    def version(self, number: int) -> DatasetVersion:
        """One dataset version; raises WorkspaceError naming those that exist."""
        versions = {version.number: version for version in self.versions()}
        if number not in versions:
            known = ", ".join(map(str, versions)) or "none yet"
            raise WorkspaceError(f"no dataset version {number} (there are: {known})")
        return versions[number]

    def scans(self, version: DatasetVersion) -> pl.DataFrame:
        """The scans of a version, one row each, in order."""
        # Delta writes rows as its threads come by them: no table's order outlives its writing.
        return self._delta.read("scans", version.scans_delta, tables.SCANS).sort("scan_id")

    def annotations(
        self,
        version: DatasetVersion,
        scan_ids: Sequence[str] | None = None,
        columns: Sequence[str] = tuple(tables.ANNOTATIONS),
    ) -> pl.DataFrame:
        """The annotations of a version (or of some of its scans), sorted by scan and structure
        as far as these are among ``columns``."""
        schema = pl.Schema({name: tables.ANNOTATIONS[name] for name in columns})
        if scan_ids is not None and not scan_ids:
            return pl.DataFrame(schema=schema)
        chosen = None if scan_ids is None else _of_scans(scan_ids)
        found = self._delta.read("annotations", version.annotations_delta, schema, chosen)
        key = [name for name in KEY if name in columns]
        return found.sort(key) if key else found

    def blocks(
        self, version: DatasetVersion, columns: Sequence[str] = tuple(tables.ANNOTATIONS)
    ) -> Iterator[pl.DataFrame]:
        """All annotations of a version, some scans at a time and in their order, each block as
        ``annotations`` gives it."""
        schema = pl.Schema({name: tables.ANNOTATIONS[name] for name in columns})
        key = [name for name in KEY if name in columns]
        first = self.scans(version)["scan_id"].gather_every(SCANS_AT_ONCE)[1:].to_list()
        # From the first of some scans to the first of the next: no row lies outside all of these.
        for start, end in pairwise([None, *first, None]):
            bounds = (("scan_id", ">=", start), ("scan_id", "<", end))
            chosen = [bound for bound in bounds if bound[-1] is not None]
            rows = self._delta.read("annotations", version.annotations_delta, schema, chosen)
            yield rows.sort(key) if key else rows

    def commit(
        self,
        *,
        base: DatasetVersion | None,
        scans: pl.DataFrame,
        annotations: Iterable[pl.DataFrame],
        round_number: int,
        message: str,
        commit: str | None = None,
    ) -> DatasetVersion:
        """Make the next dataset version out of a full state, visible at once and whole.

        ``annotations`` come some scans at a time and in their order. ``commit`` is what rows that
        were appended for this version carry, if any were. Raises CommitConflict if another version
        was committed since ``base``.
        """
        scans, commit = scans.select(tables.SCANS.names()).sort("scan_id"), commit or commit_name()
        draft = Draft(scans, annotations, lambda ids: self._before(base, ids), commit)
        scans_delta = self._delta.write("scans", scans, "overwrite")
        rows = spooled(draft)
        annotations_delta = self._delta.write_blocks(
            "annotations", rows, tables.ANNOTATIONS, "overwrite"
        )
        if draft.changes.rows:
            self._delta.write_blocks("changes", draft.changes, tables.CHANGES, "append")
        version = DatasetVersion(
            number=base.number + 1 if base else 1,
            round=round_number,
            scans_delta=scans_delta,
            annotations_delta=annotations_delta,
            scans=scans.height,
            annotations=draft.known,
            changed=draft.changes.rows,
            digest=draft.digest,
            message=message,
            created=datetime.now(UTC),
        )
        self._publish(base, version, draft.commit)
        return version

    def digest(self, version: DatasetVersion) -> str:
        """What a version's digest has to be, by what is stored of it."""
        return digest(self.scans(version), self.blocks(version, DIGESTED))

    def changes(self, older: DatasetVersion, newer: DatasetVersion) -> pl.DataFrame:
        """What became of each annotation between two versions: first before, last after."""
        versions = self.table("versions", tables.VERSIONS).select("number", "commit")
        between = versions.filter(pl.col("number").is_between(older.number + 1, newer.number))
        found = pl.DataFrame(schema=tables.CHANGES)
        if between.height:
            chosen = [("commit", "in", between["commit"].to_list())]
            found = self._delta.read("changes", None, tables.CHANGES, chosen)
        befores = ["before", "label_map_before"]
        return (
            found.join(between, on="commit")
            .sort("number")
            .group_by(KEY, maintain_order=True)
            .agg(pl.col(befores).first(), pl.exclude([*KEY, *befores, "commit", "number"]).last())
            .sort(KEY)
        )

    # -- the tables beside them ---------------------------------------------------------------

    def table(
        self, name: str, schema: pl.Schema, scan_ids: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """The newest state of a table, of some scans or of all; empty if it was never written."""
        chosen = None if scan_ids is None else _of_scans(scan_ids)
        return self._delta.read(name, None, schema, chosen)

    def standing(
        self, name: str, schema: pl.Schema, scan_ids: Sequence[str] | None = None
    ) -> pl.DataFrame:
        """Of a table whose rows carry a ``commit``, those that became part of a version.

        What was appended for a version that was never made (killed, or somebody was faster) does
        not count: it comes again with the next try. Rows without a commit are of an older engine.
        """
        commits = self.table("versions", tables.VERSIONS)["commit"]
        rows = self.table(name, pl.Schema({**schema, "commit": pl.String}), scan_ids)
        made = pl.col("commit").is_null() | pl.col("commit").is_in(commits.implode())
        return rows.filter(made).select(schema.names())

    def append(self, name: str, rows: Sequence[dict[str, object]], schema: pl.Schema) -> None:
        """Append rows for good; returns when they are stored."""
        if not rows:
            return
        frame = pl.DataFrame(list(rows), schema=schema)
        for tries_left in reversed(range(APPEND_TRIES)):
            try:
                self._delta.write(name, frame, "append")
            except CommitConflict:  # appends meet no other than the table's making
                if not tries_left:
                    raise
            else:
                return

    # -- Delta --------------------------------------------------------------------------------

    def _before(self, base: DatasetVersion | None, scan_ids: Sequence[str]) -> pl.DataFrame:
        """What a version says of some scans."""
        columns = (*KEY, "state", "label_map", "revision")
        if base is None:
            return pl.DataFrame(schema={name: tables.ANNOTATIONS[name] for name in columns})
        return self.annotations(base, scan_ids, columns)

    def _publish(self, base: DatasetVersion | None, version: DatasetVersion, commit: str) -> None:
        """Overwrite the small table of versions: of concurrent writers Delta lets one through."""
        empty = pl.DataFrame(schema=tables.VERSIONS)
        table = self._delta.open("versions", None) or self._delta.create("versions", empty)
        rows = self.table("versions", tables.VERSIONS)
        latest = rows["number"].max() if rows.height else None
        if latest != (base.number if base else None):
            raise CommitConflict(f"dataset version {latest} was committed meanwhile; run again")
        row = pl.DataFrame([{**version.model_dump(), "commit": commit}], schema=tables.VERSIONS)
        self._delta.change("versions", table, pl.concat([rows, row]), "overwrite")


def commit_name() -> str:
    """A new one: unlike any other."""
    return uuid.uuid4().hex


def _of_scans(scan_ids: Sequence[str]) -> list[tuple[str, str, Any]]:
    """First and last scan tell which files and groups of rows need not be read."""
    first, last = min(scan_ids), max(scan_ids)
    within = [("scan_id", ">=", first), ("scan_id", "<=", last)]
    return [*within, ("scan_id", "in", list(scan_ids))]
