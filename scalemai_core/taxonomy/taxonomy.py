"""The 88 structures as a whole: by name, by id, by layer, and as a tree of unions."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import UsageError
from scalemai_core.records.base import Record
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.consistency import problems
from scalemai_core.taxonomy.label import plain
from scalemai_core.taxonomy.structure import Structure
from scalemai_core.taxonomy.yaml_file import parse_record, read_documents

NUM_STRUCTURES = 88
NUM_IDS = NUM_STRUCTURES + 1
"""Values of a label map's voxels: the structures and 0, the background."""

_FILE = Path(__file__).with_name("structures.yaml")
_NUM_UINT8 = 256


class Taxonomy:
    """All structures, checked: ids 1..88, every reference holds; raises UsageError otherwise.

    ``unions`` is a bool array (89, 89): ``unions[s, i]`` is True where voxels of id i belong to
    structure s, which is s itself and the parts below it. Row 0 is the background alone, so that
    ``unions @ histogram`` turns counts per id into counts per structure.

    ``swap_sides`` is a uint8 array (256,) that maps the id of every structure with a partner to
    that partner's, all other values to themselves: ``swap_sides[labels_zyx]`` exchanges the sides.
    The right middle lobe has no partner, hence a mirrored scan is not wholly made good by it.

    Both arrays are read-only.
    """

    def __init__(
        self, version: int, sources: Mapping[str, str], structures: Sequence[Structure]
    ) -> None:
        if found := problems(structures, sources, NUM_STRUCTURES):
            raise UsageError("taxonomy: " + "; ".join(found))
        self.version = version
        self.sources = dict(sources)
        self.structures = tuple(sorted(structures, key=lambda structure: structure.id))
        self.names = tuple(structure.name for structure in self.structures)
        self._by_name = dict(zip(self.names, self.structures, strict=True))
        self._by_label = {
            plain(label): structure.name
            for structure in self.structures
            for label in (structure.name, *structure.aliases)
        }
        self._by_layer = {
            layer: tuple(s for s in self.structures if s.layer == layer) for layer in Layer
        }
        self._by_parent = {
            parent: tuple(s for s in self.structures if s.parent == parent)
            for parent in {s.parent for s in self.structures}
        }
        self.unions = self._unions()
        self.swap_sides = self._swap_sides()

    def __getitem__(self, name: str) -> Structure:
        """The structure of exactly this name; raises UsageError with the names that come close."""
        try:
            return self._by_name[name]
        except KeyError:
            close = difflib.get_close_matches(plain(name), self._by_label)
            hint = f"did you mean {', '.join(close)}?" if close else "see structures.yaml"
            raise UsageError(f"no structure is named '{name}': {hint}") from None

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def by_id(self, structure_id: int) -> Structure:
        """The structure of this id; raises UsageError outside 1..88."""
        if not 1 <= structure_id <= NUM_STRUCTURES:
            raise UsageError(f"no structure has id {structure_id}: ids are 1 to {NUM_STRUCTURES}")
        return self.structures[structure_id - 1]

    def in_layer(self, layer: Layer) -> tuple[Structure, ...]:
        """The structures of one layer, by id."""
        return self._by_layer[layer]

    @property
    def leaves(self) -> tuple[Structure, ...]:
        """The structures without parts, by id."""
        parents = {structure.parent for structure in self.structures}
        return tuple(structure for structure in self.structures if structure.name not in parents)

    def children(self, name: str) -> tuple[Structure, ...]:
        """Its immediate parts, by id."""
        return self._by_parent.get(self[name].name, ())

    def descendants(self, name: str) -> tuple[Structure, ...]:
        """Itself, then all its parts and their parts."""
        below = (part for child in self.children(name) for part in self.descendants(child.name))
        return (self[name], *below)

    def ancestors(self, name: str) -> tuple[Structure, ...]:
        """What it is a part of, nearest first, without itself."""
        parent = self[name].parent
        return () if parent is None else (self[parent], *self.ancestors(parent))

    def member_ids(self, name: str) -> NDArray[np.uint8]:
        """Ids of itself and its descendants, rising."""
        return np.flatnonzero(self.unions[self[name].id]).astype(np.uint8)

    def resolve(self, label: str) -> str | None:
        """The structure a label names, case, spaces and hyphens aside; None where none does."""
        return self._by_label.get(plain(label))

    def _unions(self) -> NDArray[np.bool_]:
        unions = np.eye(NUM_IDS, dtype=np.bool_)
        for structure in self.structures:
            for ancestor in self.ancestors(structure.name):
                unions[ancestor.id, structure.id] = True
        unions.setflags(write=False)
        return unions

    def _swap_sides(self) -> NDArray[np.uint8]:
        swap = np.arange(_NUM_UINT8, dtype=np.uint8)
        for structure in self.structures:
            if structure.pair is not None:
                swap[structure.id] = self[structure.pair].id
        swap.setflags(write=False)
        return swap


class _TaxonomyFile(Record):
    version: int
    sources: dict[str, str]
    defaults: dict[str, Any]
    structures: tuple[dict[str, Any], ...]


@lru_cache
def load_taxonomy() -> Taxonomy:
    """The taxonomy of ``structures.yaml``, read and checked once; raises UsageError."""
    return read_taxonomy(_FILE)


def read_taxonomy(path: Path) -> Taxonomy:
    """Read and check one taxonomy file; raises UsageError with every problem."""
    documents = read_documents(path)
    if len(documents) != 1:
        raise UsageError(f"{path} must hold one YAML document, found {len(documents)}")
    file = parse_record(_TaxonomyFile, documents[0], str(path))
    structures = [
        parse_record(Structure, file.defaults | row, f"{path}, structure '{row.get('name')}'")
        for row in file.structures
    ]
    return Taxonomy(file.version, file.sources, structures)
