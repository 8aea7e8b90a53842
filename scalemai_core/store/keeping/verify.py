"""Missing, torn and altered objects of a workspace: one listing a folder, then everything is read.

Nothing is asked for one by one to see whether it is there: a listing of 1,000 objects costs as much
as a question about one.
"""

from __future__ import annotations

import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from scalemai_core.records.verification import Damage, Fault, Verification
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.files import Entry
from scalemai_core.store.keeping.delta import STATES, TABLES, UNREADABLE, Delta
from scalemai_core.store.keeping.doubtful import Doubtful
from scalemai_core.store.keeping.integrity import (
    Found,
    digest_fault,
    document_fault,
    structure_fault,
    table_fault,
    volume_fault,
)
from scalemai_core.store.keeping.references import References, find_references
from scalemai_core.store.keeping.remedies import remedy
from scalemai_core.store.keeping.sums import Sums
from scalemai_core.store.workspace import Workspace

log = logging.getLogger("scalemai.verify")

PROGRESS_SECONDS = 5.0
ENDING = ".ome.zarr"
PLACES = ".places.parquet"


@dataclass(frozen=True, slots=True)
class _Object:
    """Something that should be there: what a listing says of it, and how to read it."""

    kind: str
    path: str
    wanted_by: str
    listed: Found | None
    look: Callable[[], Found | None]

    def damage(self, found: Found) -> Damage:
        """What is told of it."""
        fault, detail = found
        return Damage(
            path=self.path,
            kind=self.kind,
            fault=fault,
            wanted_by=self.wanted_by,
            detail=detail,
            remedy=remedy(self.kind, self.path),
        )


def verify(store: Workspace, *, every: bool, sample: int | None, threads: int) -> Verification:
    """Look for all that the newest dataset version (or ``every`` one), models and rounds refer to.

    Listings are always complete. Of each kind, ``sample`` objects drawn anew each time are read to
    their end, or all; only then are sums remembered.
    """
    started = time.monotonic()
    kept = Doubtful(store).versions()
    versions = kept if every else kept[-1:]
    references = find_references(store, versions)
    listing = {
        path: entry
        for room in ("scans", "labels", "models", "rounds", "catalog", "champions", "gold")
        for path, entry in store.files.listing(room).items()
    }
    for model in {folder.split("/")[1] for folder in references.predictions}:
        listing |= store.files.listing(f"predictions/{model}")
    sums = Sums(store.files, references)
    objects = list(_objects(store, versions, references, listing, sums))
    damages = [one.damage(one.listed) for one in objects if one.listed]
    chosen = _chosen([one for one in objects if not one.listed], sample)
    damages += _read(chosen, threads)
    if sample is None:
        sums.remember()
    return Verification(
        workspace=store.url,
        versions=tuple(version.number for version in versions),
        expected=dict(Counter(one.kind for one in objects)),
        read=dict(Counter(one.kind for one in chosen)),
        damages=tuple(sorted(damages, key=lambda one: (one.kind, one.path))),
        unreferenced=_unreferenced(references, listing),
        seconds=time.monotonic() - started,
    )


def _chosen(objects: Sequence[_Object], sample: int | None) -> list[_Object]:
    """All, or some of each kind: others every time, so that looks add up."""
    if sample is None:
        return list(objects)
    kinds = {one.kind for one in objects}
    by_kind = [[one for one in objects if one.kind == kind] for kind in sorted(kinds)]
    draw = random.SystemRandom()
    return [one for group in by_kind for one in draw.sample(group, min(sample, len(group)))]


def _read(objects: Sequence[_Object], threads: int) -> list[Damage]:
    damages: list[Damage] = []
    told = time.monotonic()
    with ThreadPoolExecutor(threads) as pool:
        looks = pool.map(lambda one: (one, one.look()), objects)
        for done, (one, found) in enumerate(looks, start=1):
            if found:
                damages.append(one.damage(found))
                log.warning("%s %s is %s", one.kind, one.path, found[0])
            if time.monotonic() - told > PROGRESS_SECONDS:
                told = time.monotonic()
                log.info("%d of %d objects read, %d damaged", done, len(objects), len(damages))
    return damages


def _objects(
    store: Workspace,
    versions: Sequence[DatasetVersion],
    references: References,
    listing: dict[str, Entry],
    sums: Sums,
) -> Iterator[_Object]:
    yield from _volumes(store, references, listing)
    yield from _tables(store, versions, listing)
    for path, by in sorted(references.documents.items()):
        kind = _kind(path)
        look = partial(document_fault, store.files, path, partial(sums.check, path))
        there = path in listing or "/" not in path
        listed = None if there else (Fault.MISSING, "it is not there")
        yield _Object(kind, path, by, listed, look)
    for path in sums.lost(listing, references.documents):
        gone = (Fault.MISSING, "it was there at an earlier look")
        yield _Object(_kind(path), path, "verified.json", gone, lambda: None)


def _volumes(
    store: Workspace, references: References, listing: dict[str, Entry]
) -> Iterator[_Object]:
    def volume(kind: str, folder: str, by: str, name: str | None) -> _Object:
        look = partial(volume_fault, store.files, folder, name)
        return _Object(kind, folder, by, structure_fault(folder, listing), look)

    for scan, by in sorted(references.scans.items()):
        yield volume("scan", f"scans/{scan}{ENDING}", by, scan)
    for name, by in sorted(references.label_maps.items()):
        yield volume("label map", f"labels/{name}{ENDING}", by, name)
        index = f"labels/{name}{PLACES}"
        if index in listing:
            look = partial(document_fault, store.files, index, lambda _: None)
            yield _Object("label index", index, f"label map {name}", None, look)
    predicted = _predicted(listing)
    for folder, by in sorted(references.predictions.items()):
        layers = {f"{layer}{ENDING}" for layer in references.layers[folder.split("/")[1]]}
        for name in sorted(predicted.get(folder, set()) | layers):
            yield volume("prediction", f"{folder}/{name}", by, None)


def _predicted(listing: dict[str, Entry]) -> dict[str, set[str]]:
    """Volumes by scan: layers, and what a model gives lesions where it knows any."""
    found: dict[str, set[str]] = {}
    for path in listing:
        if path.startswith("predictions/"):
            room, model, scan, name, *_ = path.split("/")
            found.setdefault(f"{room}/{model}/{scan}", set()).add(name)
    return found


def _tables(
    store: Workspace, versions: Sequence[DatasetVersion], listing: dict[str, Entry]
) -> Iterator[_Object]:
    files = store.files
    states = [(name, None, "the catalog") for name in TABLES if name not in STATES]
    for v in versions:
        by = f"dataset version {v.number}"
        states += [("scans", v.scans_delta, by), ("annotations", v.annotations_delta, by)]
        look = partial(digest_fault, partial(store.catalog.digest, v), v.digest)
        yield _Object("dataset version", f"catalog: version {v.number}", by, None, look)
    for name, delta_version, by in states:
        try:
            table = Delta(files, name, delta_version)
            sizes = table.files()
        except UNREADABLE as error:
            found = (Fault.ALTERED, f"its log: {error}".splitlines()[0])
            yield _Object("table", f"catalog/{name}", by, found, lambda: None)
            continue
        if name not in STATES:
            yield _Object("table", table.folder, by, None, partial(table_fault, table.read_through))
        for path, size in sizes.items():
            yield _Object("table file", path, by, _sized(listing.get(path), size), lambda: None)


def _sized(entry: Entry | None, size: int) -> Found | None:
    if entry is None:
        return Fault.MISSING, "it is not there"
    return None if entry.size == size else (Fault.TORN, f"{entry.size} bytes of {size}")


def _kind(path: str) -> str:
    room = path.partition("/")[0]
    return {"models": "model", "rounds": "round", "champions": "champion"}.get(room, "document")


def _unreferenced(references: References, listing: dict[str, Entry]) -> dict[str, int]:
    places = {tuple(path.split("/")[:2]) for path in listing}
    holds = {"scans": references.holds_scan, "labels": references.holds_label_map}
    return {
        room: sum(
            name.endswith(ENDING) and not held(name.removesuffix(ENDING))
            for place, name in places
            if place == room
        )
        for room, held in holds.items()
    }
