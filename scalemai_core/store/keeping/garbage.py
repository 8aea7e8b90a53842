"""Objects that nothing refers to, room by room, by listings alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from scalemai_core.store.arrays import ome
from scalemai_core.store.files import Entry
from scalemai_core.store.keeping.references import References
from scalemai_core.store.workspace import Workspace

SCRATCH = re.compile(r"(^|/)\.[^/]+\.[0-9a-f]{8}$|\.[0-9a-f]{32}\.partial$")
"""What a killed writer of a document, or of Zarr's, leaves on a disk."""
ROOMS = ("champions", "claims", "dropped", "gold", "labels", "models", "pins", "predictions")
ROOMS += ("rounds", "scans")
OF_TRAININGS = (".checkpoint.safetensors", ".plan.json")
"""What a training needs until it ends, beside its weights."""

Listing = Mapping[str, Entry]


@dataclass(frozen=True, slots=True)
class Garbage:
    """One thing that may go."""

    kind: str
    paths: tuple[str, ...]
    """In the order in which they are removed."""
    num_bytes: int


@dataclass(frozen=True, slots=True, kw_only=False)
class Room:
    """What decides whether an object may go."""

    store: Workspace
    references: References
    before: datetime
    """Younger objects stay."""
    predictions: bool
    """Whether those of finished rounds may go."""

    def garbage(self, kind: str, paths: list[str], listing: Listing) -> Iterator[Garbage]:
        """One thing made of several objects; none of them may be young."""
        if paths and all(listing[path].modified < self.before for path in paths):
            ordered = sorted(paths, key=lambda path: (not makes_visible(path), path))
            yield Garbage(kind, tuple(ordered), sum(listing[path].size for path in paths))


def find_garbage(room: Room) -> Iterator[Garbage]:
    """Scratch files, then what refers before what is referred to."""
    listings = {name: room.store.files.listing(name) for name in ROOMS}
    for listing in listings.values():
        for path in listing:
            if SCRATCH.search(path):
                yield from room.garbage("scratch file", [path], listing)
    whole = {
        name: {path: entry for path, entry in listing.items() if not SCRATCH.search(path)}
        for name, listing in listings.items()
    }
    yield from _ledger_parts(room, whole["rounds"])
    yield from _trainings(room, whole["models"])
    yield from _predictions(room, whole["predictions"], whole["models"])
    for kind, name in (("label map", "labels"), ("scan", "scans")):
        yield from _volumes(room, kind, whole[name])


def _ledger_parts(room: Room, listing: Listing) -> Iterator[Garbage]:
    """Rows without the mark that finishes them: of shards that were killed, in rounds long over."""
    for path in listing:
        parts = path.split("/")
        if len(parts) != len(("rounds", "number", "stage", "part")) or parts[1] == "0":
            continue
        mark = path.removesuffix(".parquet") + ".done"
        over = f"rounds/{parts[1]}/result.json" in listing
        if over and path.endswith(".parquet") and mark not in listing:
            yield from room.garbage("part of a killed shard", [path], listing)


def _trainings(room: Room, listing: Listing) -> Iterator[Garbage]:
    """Trainings that were given up, and what finished ones left; none while a round goes on."""
    if room.references.unfinished:
        return
    for folder, paths in _grouped(listing, 2).items():
        if f"{folder}/model.json" not in listing:
            yield from room.garbage("training given up", paths, listing)
            continue
        for path in paths:
            if path.endswith(OF_TRAININGS):
                yield from room.garbage("rest of a training", [path], listing)


def _predictions(room: Room, listing: Listing, models: Listing) -> Iterator[Garbage]:
    """Those that the critic of an unfinished round made always stay."""
    critics = set(room.references.unfinished.values())
    for folder, paths in _grouped(listing, 3).items():
        _, model, scan = folder.split("/")
        if model in critics:
            continue
        useless = f"models/{model}/model.json" not in models
        if room.predictions or useless or not room.references.holds_scan(scan):
            yield from room.garbage("prediction", paths, listing)


def _volumes(room: Room, kind: str, listing: Listing) -> Iterator[Garbage]:
    held = {"scan": room.references.holds_scan, "label map": room.references.holds_label_map}[kind]
    by_name: dict[str, list[str]] = defaultdict(list)
    for path in listing:
        by_name[path.split("/")[1].partition(".")[0]].append(path)
    for name, paths in sorted(by_name.items()):
        if not held(name):
            yield from room.garbage(kind, paths, listing)


def _grouped(listing: Listing, depth: int) -> dict[str, list[str]]:
    """Paths by the folder they lie in, so many names deep; what lies higher is left out."""
    groups: dict[str, list[str]] = defaultdict(list)
    for path in listing:
        parts = path.split("/")
        if len(parts) > depth:
            groups["/".join(parts[:depth])].append(path)
    return dict(sorted(groups.items()))


def makes_visible(path: str) -> bool:
    """Whether something counts as there by this document."""
    return path.endswith((f".ome.zarr/{ome.GROUP_DOCUMENT}", "/model.json"))
