"""What the labels of another dataset are called here."""

from __future__ import annotations

from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from scalemai_core.errors import UsageError
from scalemai_core.records.base import Record
from scalemai_core.taxonomy.label import plain
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.taxonomy.yaml_file import parse_record, read_documents

_FOLDER = Path(__file__).with_name("maps")


class LabelNames(Record):
    """One dataset's labels, by name or by integer code, and our structure for each.

    Several labels may lead to one structure (``kidney_cyst_left`` and ``kidney_cyst_right`` to
    ``kidney_cyst``): the structure is then the union of their voxels.
    """

    name: str
    """What settings call this map."""
    source: str
    """Where these labels are documented."""
    labels: dict[int | str, str]
    """Their name or integer code to our name."""
    ignored: tuple[int | str, ...] = ()
    """Labels that are known and have no structure here, so that nobody is warned of them."""

    @classmethod
    def load(cls, name_or_path: str | Path) -> LabelNames:
        """A map that comes with the project, by name, or one of your own, by its YAML file's path.

        Raises UsageError where there is none, where the file is malformed, or where it names a
        structure that does not exist.
        """
        if isinstance(name_or_path, str) and name_or_path in available_maps():
            return _bundled()[name_or_path]
        path = Path(name_or_path)
        if path.suffix not in (".yaml", ".yml"):
            raise UsageError(
                f"no label map is named '{name_or_path}': there are {', '.join(available_maps())}; "
                "a map of your own is given as the path of its .yaml file"
            )
        found = _read(path)
        if len(found) != 1:
            raise UsageError(f"{path} must hold one label map, found {len(found)}")
        return found[0]

    def resolve(self, label: str) -> str | None:
        """Our name for a label: this map's word first, then the taxonomy's names and aliases.

        None where the label is ignored or unknown; ``is_ignored`` tells which.
        """
        if self.is_ignored(label):
            return None
        return self._plain_labels.get(plain(label)) or load_taxonomy().resolve(label)

    def target(self, code: int) -> str | None:
        """Our name for an integer code; None where it is ignored or unknown."""
        return self.labels.get(code)

    def is_ignored(self, label: str | int) -> bool:
        """Whether the map says that this label has no structure here."""
        return (plain(label) if isinstance(label, str) else label) in self._plain_ignored

    @cached_property
    def _plain_labels(self) -> dict[str, str]:
        return {plain(key): name for key, name in self.labels.items() if isinstance(key, str)}

    @cached_property
    def _plain_ignored(self) -> frozenset[int | str]:
        return frozenset(plain(key) if isinstance(key, str) else key for key in self.ignored)


def available_maps() -> tuple[str, ...]:
    """Names of the maps that come with the project."""
    return tuple(sorted(_bundled()))


@lru_cache
def _bundled() -> dict[str, LabelNames]:
    files = sorted(_FOLDER.glob("*.yaml"))
    return {labels.name: labels for file in files for labels in _read(file)}


def _read(path: Path) -> list[LabelNames]:
    return [_checked(document, path) for document in read_documents(path)]


def _checked(document: Any, path: Path) -> LabelNames:
    """Every target exists and no label means two things; raises UsageError."""
    labels = parse_record(LabelNames, document, str(path))
    taxonomy = load_taxonomy()
    meanings: dict[int | str, str] = {}
    for key, name in labels.labels.items():
        if name not in taxonomy:
            close = taxonomy.resolve(name)
            hint = (
                f"it is '{close}' here" if close else f"the names are {', '.join(taxonomy.names)}"
            )
            raise UsageError(f"{path}: '{key}' leads to '{name}', which is no structure: {hint}")
        if labels.is_ignored(key):
            raise UsageError(f"{path}: '{key}' is both mapped to '{name}' and ignored: choose one")
        other = meanings.setdefault(plain(key) if isinstance(key, str) else key, name)
        if other != name:
            raise UsageError(f"{path}: '{key}' leads to both '{other}' and '{name}': choose one")
    return labels
