"""How fast a round goes: told on Prefect's page and in the log, kept in the workspace."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from prefect.artifacts import (
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)

from scalemai_core.records.pace import Pace, in_words
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.store.workspace import Workspace
from tasks.titles import artifact_key

log = logging.getLogger("scalemai.pace")

EVERY_SECONDS = 10.0


class StagePace:
    """Counts what a stage's shards have done, and tells of it about every ten seconds."""

    def __init__(self, workspace: str, shards: list[Shard], scans: int) -> None:
        left = sum(len(shard.scan_ids) for shard in shards)
        self._store = Workspace.open(workspace)
        self._shards = shards
        self._total = scans
        self._before = self._done = scans - left
        self._failed, self._work_seconds = 0, 0.0
        self._started = time.monotonic()
        self._told = self._started
        self._bar = _bar(workspace, shards[0], self.pace) if shards else None

    @property
    def pace(self) -> Pace:
        """As of now."""
        return Pace(
            stage=self._shards[0].stage,
            total=self._total,
            before=self._before,
            done=self._done,
            failed=self._failed,
            shards=len(self._shards),
            wall_seconds=time.monotonic() - self._started,
            work_seconds=self._work_seconds,
            told=datetime.now(UTC),
        )

    def add(self, summary: ShardSummary) -> None:
        """A shard has ended."""
        self._done += summary.num_scans
        self._failed += summary.num_failed
        self._work_seconds += summary.seconds
        now = time.monotonic()
        if now - self._told >= EVERY_SECONDS:
            self._told = now
            self._tell()

    def end(self) -> None:
        """No shard is left; a stage that had nothing to do says nothing."""
        if self._shards:
            self._tell()

    def _tell(self) -> None:
        pace, first = self.pace, self._shards[0]
        log.info("%s", pace_line(pace))
        update_progress_artifact(
            cast(UUID, self._bar), 100.0 * pace.share, description=pace_line(pace)
        )
        keep_pace(self._store, first.round, f"{first.stage}-{first.key}", pace)


def pace_line(pace: Pace) -> str:
    """``predict: 40 of 100 scans, 12.0 a minute, 5 min left``."""
    said = f"{pace.stage}: {pace.done} of {pace.total} {pace.unit}"
    if pace.per_minute is not None:
        said += f", {pace.per_minute:.1f} a minute"
    if pace.done < pace.total and pace.seconds_left is not None:
        said += f", {in_words(pace.seconds_left)} left"
    return said + (f", {pace.failed} set aside" if pace.failed else "")


def keep_pace(store: Workspace, number: int, name: str, pace: Pace) -> None:
    """Write down how far a stage is; each time in the place of the last."""
    store.write_document(f"{_folder(number)}/{name}.json", pace)


def round_paces(store: Workspace, number: int) -> tuple[Pace, ...]:
    """All stages of a round that were worked or are being worked, the newest last."""
    found = store.files.read_all(_folder(number), ".json")
    return tuple(sorted(map(Pace.model_validate_json, found), key=lambda pace: pace.told))


def show_paces(store: Workspace, number: int) -> None:
    """The stages of a round as a table on Prefect's page."""
    table: list[dict[str, Any]] = [pace_row(pace) for pace in round_paces(store, number)]
    if table:
        key = artifact_key(store.url, f"round-{number}-pace")
        create_table_artifact(table, key=key, description="How long it took")


def pace_row(pace: Pace) -> dict[str, Any]:
    """One stage for a table."""
    each, rate = pace.seconds_each, pace.per_minute
    return {
        "stage": pace.stage,
        "done": f"{pace.done} of {pace.total} {pace.unit}",
        "set aside": pace.failed,
        "time": in_words(pace.wall_seconds),
        "a minute": None if rate is None else round(rate, 1),
        "seconds each": None if each is None else round(each, 3),
        "left": in_words(pace.seconds_left) if pace.done < pace.total else "none",
    }


def _folder(number: int) -> str:
    return f"rounds/{number}/pace"


def _bar(workspace: str, shard: Shard, pace: Pace) -> UUID:
    key = artifact_key(workspace, f"round-{shard.round}-{shard.stage}-{shard.key}")
    return cast(
        UUID, create_progress_artifact(100.0 * pace.share, key=key, description=pace_line(pace))
    )
