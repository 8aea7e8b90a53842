"""What a workspace's documents refer to: the voxels, models and predictions that must stay.

Two degrees. What is *wanted* has a known name and place, and its absence is a fault. What is merely
*mentioned* is any text that could be a name, wherever it stands: enough to be kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from scalemai_core.records.model import ModelDocument, model_path
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.keeping.delta import UNREADABLE, Delta
from scalemai_core.store.keeping.doubtful import Doubtful
from scalemai_core.store.workspace import Workspace

NAME = re.compile(rb"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")
"""What a scan or a label map is called."""
MAP_COLUMNS = r"^(.*_)?(label|rival|third|candidate|proposal)_map$"
"""Columns of rounds' tables that name label maps."""
NAME_TEXT, NAME_LETTERS = "[0-9a-f]{32,}", 32
"""The same where texts are searched by columns: longer runs of digits are no names."""
DOCUMENTS = (".parquet", ".json", ".jsonl", ".html", ".skops")
"""What of a round's folder is looked at; its ledger is a matter of its own."""
COMMITTED = "ingestion "
"""How the message of an ingestion's version begins, before its key."""


@dataclass(slots=True)
class References:
    """Names, each with the first that refers to it."""

    doubt: Doubtful
    """Reads documents, and knows those that cannot be read."""
    scans: dict[str, str] = field(default_factory=dict)
    label_maps: dict[str, str] = field(default_factory=dict)
    predictions: dict[str, str] = field(default_factory=dict)
    """Folders of single scans: ``predictions/<model>/<scan>``."""
    layers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """What the critics of unfinished rounds predict, by model."""
    documents: dict[str, str] = field(default_factory=dict)
    """Paths that must be there."""
    mentioned: set[str] = field(default_factory=set)
    """Names that stand somewhere in a round."""
    unfinished: dict[int, str | None] = field(default_factory=dict)
    """Rounds that are not over, each with the key of its critic, once it has one."""

    def holds_scan(self, scan_id: str) -> bool:
        """Whether a scan must stay."""
        return scan_id in self.scans or scan_id in self.mentioned

    def holds_label_map(self, name: str) -> bool:
        """Whether a label map must stay."""
        return name in self.label_maps or name in self.mentioned


def find_references(store: Workspace, versions: Sequence[DatasetVersion]) -> References:
    """What these dataset versions, the models and all rounds refer to.

    Documents that cannot be read refer to nothing and are listed as such: whoever deletes stops.
    """
    found = References(Doubtful(store))
    for version in sorted(versions, key=lambda one: -one.number):
        _of_version(store, version, found)
    _of_column(found.label_maps, store, ("candidates", None, "label_map"), "candidates", found)
    _of_models(store, found)
    for number in numbered(store.files.names("rounds")):
        _of_round(store, number, found)
    return found


def numbered(names: Iterable[str]) -> list[int]:
    """Names that are numbers, in their order."""
    return sorted(int(name) for name in names if name.isdigit())


def _of_version(store: Workspace, version: DatasetVersion, found: References) -> None:
    by = f"dataset version {version.number}"
    _of_column(found.scans, store, ("scans", version.scans_delta, "scan_id"), by, found)
    for column in ("label_map", "previous_label_map"):
        place = ("annotations", version.annotations_delta, column)
        _of_column(found.label_maps, store, place, by, found)


def _of_column(
    names: dict[str, str],
    store: Workspace,
    place: tuple[str, int | None, str],
    by: str,
    found: References,
) -> None:
    table, delta_version, column = place
    try:
        for name in Delta(store.files, table, delta_version).column(column):
            names.setdefault(name, by)
    except UNREADABLE:
        found.doubt.unreadable.append(f"catalog/{table} of {by}")


def _of_models(store: Workspace, found: References) -> None:
    files = store.files
    for key in files.names("models"):
        for name in files.names(f"models/{key}"):
            if name.endswith(".json") and not name.endswith(".plan.json"):
                found.documents.setdefault(f"models/{key}/{name}", f"model {key}")
        model = found.doubt.model(key)
        for weights in (*model.folds, *([model.refit] if model.refit else ())) if model else ():
            found.documents.setdefault(weights, f"model {key}")
    for folder in ("champions", "gold/openings"):
        for name in files.names(folder):
            found.documents.setdefault(f"{folder}/{name}", folder)
            if folder == "champions" and (key := found.doubt.json(f"{folder}/{name}").get("key")):
                found.documents.setdefault(model_path(str(key)), f"champions/{name}")
    found.documents.setdefault("workspace.json", "the workspace")


def _of_round(store: Workspace, number: int, found: References) -> None:
    folder = f"rounds/{number}"
    names = store.files.names(folder)
    _of_documents(store, folder, [name for name in names if name.endswith(DOCUMENTS)], found)
    review = [f"review/{name}" for name in store.files.names(f"{folder}/review")]
    _of_documents(store, folder, review, found)
    for stage in _needed_stages(store, number, names, found):
        paths = [path.removeprefix(f"{folder}/") for path in parts(store, f"{folder}/{stage}")]
        _of_documents(store, folder, paths, found)


def _of_documents(store: Workspace, folder: str, names: Sequence[str], found: References) -> None:
    by = folder.replace("rounds/", "round ")
    for name in names:
        path = f"{folder}/{name}"
        found.documents.setdefault(path, by)
        if name.endswith((".parquet", ".done")):
            for texts in found.doubt.texts(path):
                _of_texts(texts, by, found)
        elif name.endswith(".jsonl"):
            found.mentioned |= _names(store.files.read_bytes(path))


def _needed_stages(
    store: Workspace, number: int, names: Sequence[str], found: References
) -> list[str]:
    """Folders of the ledger without which something could not go on."""
    stages = [name for name in names if "-" in name and "." not in name]
    if number == 0:
        done = {v.message.removeprefix(COMMITTED) for v in found.doubt.committed()}
        return [name for name in stages if name.rpartition("-")[2] not in done]
    if "result.json" in names or "plan.json" not in names:
        return []
    key = found.unfinished[number] = found.doubt.critic(number)
    if key is not None:
        found.documents.setdefault(model_path(key), f"round {number}")
        if critic := found.doubt.model(key):
            _of_predictions(store, number, critic, found)
    return stages


def parts(store: Workspace, folder: str) -> Iterator[str]:
    """Finished parts of a stage's ledger, tables and marks."""
    names = set(store.files.names(folder))
    for mark in sorted(name for name in names if name.endswith(".done")):
        yield f"{folder}/{mark}"
        yield f"{folder}/{mark.removesuffix('.done')}.parquet"


def _of_predictions(
    store: Workspace, number: int, critic: ModelDocument, found: References
) -> None:
    """Of every scan that the round's critic came through."""
    found.layers[critic.key] = tuple(map(str, critic.channels))
    for stage in store.files.names(f"rounds/{number}"):
        if not stage.startswith("predict-"):
            continue
        for path in parts(store, f"rounds/{number}/{stage}"):
            rows = found.doubt.table(path)
            good = rows.filter(pl.col("error").is_null()) if "error" in rows.columns else rows
            if path.endswith(".parquet") and "scan_id" in good.columns:
                for scan in good["scan_id"].unique().sort():
                    folder = f"predictions/{critic.key}/{scan}"
                    found.predictions.setdefault(folder, f"round {number}")


def _of_texts(texts: pl.DataFrame, by: str, found: References) -> None:
    for column in texts:
        names = column.drop_nulls().unique().str.extract_all(NAME_TEXT).explode().drop_nulls()
        found.mentioned |= set(names.filter(names.str.len_bytes() == NAME_LETTERS))
    for column in texts.select(pl.col(MAP_COLUMNS)):
        for name in column.drop_nulls().unique().sort():
            if NAME.fullmatch(name.encode()):
                found.label_maps.setdefault(name, by)


def _names(document: bytes) -> set[str]:
    return {name.decode() for name in NAME.findall(document)}
