"""Says what is wrong with a list of structures; knows no file and raises nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from scalemai_core.taxonomy.label import plain
from scalemai_core.taxonomy.structure import Structure

_ByName = Mapping[str, Structure]


def problems(structures: Sequence[Structure], sources: Collection[str], num_ids: int) -> list[str]:
    """One line per contradiction; empty where the ids are 1..num_ids and every reference holds."""
    by_name = {structure.name: structure for structure in structures}
    found = list(_identity_problems(structures, num_ids))
    for structure in structures:
        found += _range_problems(structure, sources)
        found += _tree_problems(structure, by_name)
        found += _pair_problems(structure, by_name)
        found += _place_problems(structure, by_name)
    return found


def _identity_problems(structures: Sequence[Structure], num_ids: int) -> Iterator[str]:
    ids = [structure.id for structure in structures]
    if sorted(ids) != list(range(1, num_ids + 1)):
        expected = set(range(1, num_ids + 1))
        missing, beyond = sorted(expected - set(ids)), sorted(set(ids) - expected)
        faults = f"twice {_twice(ids)}, missing {missing}, beyond {beyond}"
        yield f"ids must be 1 to {num_ids}, each once: {faults}"
    labels = [plain(label) for s in structures for label in (s.name, *s.aliases)]
    if clashes := _twice(labels):
        yield f"names and aliases must be unique, case and spaces aside: {clashes} stand twice"


def _twice(values: Iterable[int] | Iterable[str]) -> list[int | str]:
    return [value for value, count in Counter[int | str](values).items() if count > 1]


def _range_problems(structure: Structure, sources: Collection[str]) -> Iterator[str]:
    ranges = {
        "volume_ml": (structure.volume_ml, structure.volume_source),
        "hu": (structure.hu, structure.hu_source),
    }
    for field, ((low, high), source) in ranges.items():
        if not low < high:
            yield f"{structure.name}: {field} must rise, got [{low:g}, {high:g}]"
        if source not in sources:
            yield f"{structure.name}: the source '{source}' of {field} is not among the sources"


def _tree_problems(structure: Structure, by_name: _ByName) -> Iterator[str]:
    seen = {structure.name}
    current = structure
    while current.parent is not None:
        parent = by_name.get(current.parent)
        if parent is None:
            yield f"{structure.name}: parent '{current.parent}' does not exist"
            return
        if parent.name in seen:
            yield f"{structure.name}: is its own ancestor, through '{current.name}'"
            return
        if parent.layer != structure.layer:
            yield f"{structure.name}: parent '{parent.name}' lies in another layer, {parent.layer}"
        seen.add(parent.name)
        current = parent


def _pair_problems(structure: Structure, by_name: _ByName) -> Iterator[str]:
    if structure.pair is None:
        return
    partner = by_name.get(structure.pair)
    if partner is None:
        yield f"{structure.name}: pair '{structure.pair}' does not exist"
    elif partner.pair != structure.name:
        yield f"{structure.name}: its pair '{partner.name}' is paired with '{partner.pair}'"
    elif {structure.side, partner.side} != {"left", "right"}:
        yield f"{structure.name}: a pair has a left and a right side"
    elif partner.layer != structure.layer:
        yield f"{structure.name}: its pair '{partner.name}' lies in another layer"


def _place_problems(structure: Structure, by_name: _ByName) -> Iterator[str]:
    for name in structure.inside:
        host = by_name.get(name)
        if host is None:
            yield f"{structure.name}: its host '{name}' does not exist"
        elif host.layer == structure.layer:
            yield f"{structure.name}: its host '{name}' must lie in another layer"
    seen = {structure.name}
    current = structure
    while current.superior_to is not None:
        below = by_name.get(current.superior_to)
        if below is None:
            yield f"{current.name}: is superior to '{current.superior_to}', which does not exist"
            return
        if below.name in seen:
            yield f"{structure.name}: is superior to itself, through '{current.name}'"
            return
        seen.add(below.name)
        current = below
