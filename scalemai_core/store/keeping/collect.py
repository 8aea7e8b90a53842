"""What nothing refers to any more, and its removal: the only place that takes voxels away.

Nothing younger than a period of grace goes: an ingestion writes voxels long before the row that
names them. What refers is taken before what is referred to, and the document that makes a volume
visible before its voxels, so that a collection may be killed anywhere and run again.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import ValidationError

from scalemai_core.errors import UsageError, WorkspaceError
from scalemai_core.records.model import model_path
from scalemai_core.records.pin import DroppedVersion
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.documents.account import account
from scalemai_core.store.documents.claim import INGEST, ROUND, claimed
from scalemai_core.store.files import Files
from scalemai_core.store.keeping.delta import STATES, Delta
from scalemai_core.store.keeping.garbage import Garbage, Room, find_garbage, makes_visible
from scalemai_core.store.keeping.references import find_references, numbered
from scalemai_core.store.workspace import Workspace

log = logging.getLogger("scalemai.gc")

HOLDER = "garbage collection"
BATCH = 500
"""Objects that are removed between two looks at the claim."""
TABLE_FILE = "table file"


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectSettings:
    """What may go."""

    keep_versions: int | None = None
    """Newest dataset versions that stay, beside pinned ones and those in use; None keeps all."""
    predictions: bool = False
    """Also those of finished rounds, which pictures of their judgements show."""
    grace: timedelta = timedelta(hours=24)
    """Nothing younger goes."""


@dataclass(frozen=True, slots=True)
class Collection:
    """What goes."""

    dropped: tuple[DatasetVersion, ...]
    garbage: tuple[Garbage, ...]

    def summary(self) -> list[tuple[str, int, int]]:
        """Kind, number and bytes."""
        count = Counter(one.kind for one in self.garbage)
        sizes: Counter[str] = Counter()
        for one in self.garbage:
            sizes[one.kind] += one.num_bytes
        return [(kind, count[kind], sizes[kind]) for kind in sorted(count)]


def plan_collection(store: Workspace, settings: CollectSettings) -> Collection:
    """What ``collect`` would remove, with nothing changed.

    Raises WorkspaceError where a document that may refer to something cannot be read.
    """
    kept, dropped = split_versions(store, settings.keep_versions)
    references = find_references(store, kept)
    if unreadable := references.doubt.unreadable:
        raise WorkspaceError(
            f"nothing is removed while {unreadable[0]} cannot be read, for nobody knows "
            f"what it refers to ({len(unreadable)} such): see 'scalemai verify "
            f"{store.url} --all'"
        )
    before = datetime.now(UTC) - settings.grace
    garbage = [*_table_files(store, kept, settings.grace)]
    room = Room(store, references, before, predictions=settings.predictions)
    return Collection(tuple(dropped), (*garbage, *find_garbage(room)))


def collect(store: Workspace, settings: CollectSettings) -> Collection:
    """Remove it, while no round is played and nothing is taken in; returns what is gone.

    Raises ClaimedError where a round or an ingestion runs.
    """
    files = store.files
    with claimed(files, ROUND, HOLDER) as claim, claimed(files, INGEST, HOLDER) as other:
        found = plan_collection(store, settings)
        for version in found.dropped:
            entry = DroppedVersion(
                number=version.number, person=account(), dropped=datetime.now(UTC)
            )
            store.dropped.append(str(version.number), entry)
        if any(one.kind == TABLE_FILE for one in found.garbage):
            _vacuum(store, settings.grace)
        paths = [path for one in found.garbage if one.kind != TABLE_FILE for path in one.paths]
        for start in range(0, len(paths), BATCH):
            store.claims(ROUND).check(claim.number)
            store.claims(INGEST).check(other.number)
            _remove(files, paths[start : start + BATCH])
            log.info("%d of %d objects removed", min(start + BATCH, len(paths)), len(paths))
    return found


def _remove(files: Files, paths: Sequence[str]) -> None:
    """What makes things visible first, in requests of their own: a bucket keeps no order in one,
    and passes over a key it cannot remove. Voxels whose document stayed would count as there.
    """
    marks = [path for path in paths if makes_visible(path)]
    files.remove_all(marks)
    if stayed := [mark for mark in marks if files.exists(mark)]:
        raise WorkspaceError(f"{files.url} did not remove {stayed[0]}: run the collection again")
    files.remove_all([path for path in paths if not makes_visible(path)])


def split_versions(
    store: Workspace, keep_versions: int | None
) -> tuple[list[DatasetVersion], list[DatasetVersion]]:
    """Dataset versions that stay, and those that are given up now; earlier ones are gone."""
    gone = {one.number for one in store.dropped.read()}
    there = [version for version in store.catalog.versions() if version.number not in gone]
    if keep_versions is None:
        return there, []
    if keep_versions < 1:
        raise UsageError("keep at least one dataset version")
    stay = {version.number for version in there[-keep_versions:]}
    stay |= store.pins.read().keys() | _in_use(store, there)
    return (
        [version for version in there if version.number in stay],
        [version for version in there if version.number not in stay],
    )


def _in_use(store: Workspace, versions: Sequence[DatasetVersion]) -> set[int]:
    """Versions that an unfinished round began with or made, and the champion's."""
    used: set[int] = set()
    for number in numbered(store.files.names("rounds")):
        path = f"rounds/{number}/plan.json"
        if not store.files.exists(path) or store.files.exists(f"rounds/{number}/result.json"):
            continue
        try:
            used.add(RoundPlan.model_validate_json(store.files.read_bytes(path)).base_version)
        except ValidationError as error:
            raise WorkspaceError(f"{path} is damaged: see 'scalemai verify {store.url}'") from error
        used |= {version.number for version in versions if version.round == number}
    if champions := store.appointments.read():
        model = store.read_json(model_path(champions[-1].key))
        used |= {int(str(model["dataset_version"]))} if model else set()
    return used


def _kept_states(versions: Sequence[DatasetVersion]) -> dict[str, list[int]]:
    return {
        "scans": [version.scans_delta for version in versions],
        "annotations": [version.annotations_delta for version in versions],
    }


def _table_files(
    store: Workspace, kept: Sequence[DatasetVersion], grace: timedelta
) -> Iterator[Garbage]:
    states = _kept_states(kept)
    for name in STATES:
        found = Delta(store.files, name).vacuum(states[name], _hours(grace), delete=False)
        sizes = store.files.listing(f"catalog/{name}") if found else {}
        for path in sorted(found):
            size = sizes[path].size if path in sizes else 0
            yield Garbage(TABLE_FILE, (path,), size)


def _vacuum(store: Workspace, grace: timedelta) -> None:
    kept, _ = split_versions(store, None)
    for name, states in _kept_states(kept).items():
        Delta(store.files, name).vacuum(states, _hours(grace), delete=True)


def _hours(grace: timedelta) -> int:
    """Whole hours, rather longer than asked."""
    return -(-grace // timedelta(hours=1))
