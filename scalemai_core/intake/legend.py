"""Which structures the codes of a label map stand for; labels nobody knows keep their names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from scalemai_core.taxonomy.label import plain
from scalemai_core.taxonomy.label_names import LabelNames
from scalemai_core.taxonomy.taxonomy import load_taxonomy

_BACKGROUND = "background"
_NO_INFORMATION = "ignore"
"""nnU-Net's reserved label for voxels about which nothing is said."""

LabelCodes = tuple[tuple[str, tuple[int, ...]], ...]
"""Labels, each with the codes whose union it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Legend:
    """What a source says its codes mean."""

    structures: dict[int, tuple[str, ...]]
    """Code to our structures; several where the source's labels are unions of codes."""
    unmapped: dict[str, tuple[int, ...]]
    """Labels without a structure here, and their codes."""
    ignored: frozenset[int]
    """Codes that are known and have no structure here."""
    no_information: frozenset[int]

    @property
    def stated(self) -> frozenset[str]:
        """Every structure that the source looked for, found or not."""
        return frozenset(name for names in self.structures.values() for name in names)


def resolve(label: str, names: LabelNames | None) -> str | None:
    """Our structure for a label, by the source's map or by the taxonomy alone."""
    return load_taxonomy().resolve(label) if names is None else names.resolve(label)


def is_ignored(label: str | int, names: LabelNames | None) -> bool:
    """Whether the source's map says that a label has no structure here."""
    return names is not None and names.is_ignored(label)


def legend_of_labels(labels: LabelCodes, names: LabelNames | None) -> Legend:
    """Legend of named labels."""
    structures: dict[int, list[str]] = defaultdict(list)
    unmapped: dict[str, tuple[int, ...]] = {}
    ignored: set[int] = set()
    no_information: set[int] = set()
    for label, codes in labels:
        structure = resolve(label, names)
        if plain(label) == _NO_INFORMATION:
            no_information.update(codes)
        elif plain(label) == _BACKGROUND or is_ignored(label, names):
            ignored.update(codes)
        elif structure is None:
            unmapped[label] = codes
        else:
            for code in codes:
                structures[code].append(structure)
    return Legend(
        structures=_frozen(structures.items()),
        unmapped=unmapped,
        ignored=frozenset(ignored),
        no_information=frozenset(no_information),
    )


def legend_of_codes(names: LabelNames) -> Legend:
    """Legend of a label map that names nothing itself: the integer codes of the source's map."""
    codes = [code for code in names.labels if isinstance(code, int)]
    return Legend(
        structures=_frozen((code, [names.labels[code]]) for code in codes),
        unmapped={},
        ignored=frozenset(code for code in names.ignored if isinstance(code, int)),
        no_information=frozenset(),
    )


def _frozen(items: Iterable[tuple[int, list[str]]]) -> dict[int, tuple[str, ...]]:
    """Without the background's code, and every structure once."""
    return {code: tuple(dict.fromkeys(found)) for code, found in items if code != 0}
