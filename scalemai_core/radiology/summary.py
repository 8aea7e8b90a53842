"""What a report as a whole says of each kind of lesion in each organ, and what it excludes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from scalemai_core.radiology.anatomy import ORGANS
from scalemai_core.radiology.found import Doubt
from scalemai_core.records.said import Said
from scalemai_core.records.statement import Presence, Statement
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import Taxonomy

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that was read in one report."""

    statements: tuple[Statement, ...]
    """Of the rules."""
    second: tuple[Statement, ...] | None
    """Of the second pass; None without one."""
    doubts: tuple[Doubt, ...]
    narrow: frozenset[Statement]
    """Absences that lesions of other kinds do not contradict."""
    failed: bool
    """Whether the second pass was asked and gave no answer."""


def summary(evidence: Evidence, taxonomy: Taxonomy) -> tuple[Said, ...]:
    """Every lesion structure in every organ of which something is said."""
    found = (
        _said(structure, organ, evidence, taxonomy)
        for site in lesion_sites(taxonomy)
        for structure in site.lesions
        for organ in site.hosts
        if organ in ORGANS
    )
    return tuple(said for said in found if said is not None)


def agrees(said: Statement, second: Iterable[Statement], taxonomy: Taxonomy) -> bool:
    """Whether another pass says the same: of the structure, or, if absent, of a whole of it."""
    names = {said.structure}
    if said.presence is Presence.ABSENT:
        names |= {whole.name for whole in taxonomy.ancestors(said.structure)}
    found = [other for other in second if other.organ == said.organ]
    same = [other for other in found if other.structure in names]
    return any(other.presence is said.presence for other in same) and not any(
        other.presence is not said.presence for other in found if other.structure == said.structure
    )


def _said(structure: str, organ: str, evidence: Evidence, taxonomy: Taxonomy) -> Said | None:
    wholes = {whole.name for whole in taxonomy.ancestors(structure)}
    parts = {part.name for part in taxonomy.descendants(structure)}
    about = list(_about(evidence.statements, organ, wholes | parts))
    absent = [
        said
        for said in about
        if said.presence is Presence.ABSENT and said.structure in wholes | {structure}
    ]
    seen = [said for said in about if said.presence is Presence.PRESENT and said.structure in parts]
    other = [said for said in about if said.presence is not Presence.ABSENT and said not in seen]
    if seen:
        absent = [said for said in absent if said not in evidence.narrow]
    presence = _presence(absent, seen, other)
    if presence is None:
        return None
    behind = {Presence.PRESENT: seen, Presence.ABSENT: absent}.get(presence, about)
    explicit = presence is Presence.ABSENT and any(said.explicit for said in absent)
    final = presence is Presence.PRESENT and not other and _is_final(seen)
    doubts = [doubt.sentence for doubt in evidence.doubts if doubt.organ in (None, organ)]
    second = list(_about(evidence.second or (), organ, wholes | parts))
    confirmed = any(agrees(said, second, taxonomy) for said in behind)
    contrary = evidence.failed or any(said.presence is not presence for said in second)
    unconfirmed = evidence.second is not None and not confirmed
    certain = not (doubts or contrary or unconfirmed)
    return Said(
        structure=structure,
        organ=organ,
        presence=presence,
        explicit=explicit,
        may_delete=explicit and certain,
        confirmed=confirmed,
        contradictory=bool(absent and seen),
        count=_same(said.count for said in seen) if presence is Presence.PRESENT else None,
        enumerated=presence is Presence.PRESENT and any(said.enumerated for said in seen),
        final=final and certain,
        sizes_mm=_sizes(seen or other),
        place=_same(said.place for said in seen or other),
        sentences=tuple(dict.fromkeys(said.sentence for said in behind)),
        doubts=tuple(dict.fromkeys(doubts)),
    )


def _is_final(seen: list[Statement]) -> bool:
    """Whether every sentence says how many there are, that these are all, and the same number."""
    numbers = {said.count if said.enumerated else None for said in seen}
    return len(numbers) == 1 and None not in numbers


def _about(
    statements: Iterable[Statement], organ: str, structures: set[str]
) -> Iterator[Statement]:
    return (said for said in statements if said.organ == organ and said.structure in structures)


def _presence(
    absent: list[Statement], seen: list[Statement], other: list[Statement]
) -> Presence | None:
    """None where nothing is said; ``other`` are doubts, and lesions that may be of this kind."""
    if (other and not seen) or (absent and (seen or other)):
        return Presence.UNCERTAIN
    if seen:
        return Presence.PRESENT
    return Presence.ABSENT if absent else None


def _same(values: Iterable[T | None]) -> T | None:
    found = {value for value in values if value is not None}
    return found.pop() if len(found) == 1 else None


def _sizes(statements: Iterable[Statement]) -> tuple[tuple[float, ...], ...]:
    found = {sizes for said in statements for sizes in said.sizes_mm}
    return tuple(sorted(found, key=lambda sizes: (-max(sizes), sizes)))
