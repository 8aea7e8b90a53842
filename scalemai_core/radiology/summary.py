"""What a report as a whole says of each kind of lesion in each organ, and what it excludes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from scalemai_core.radiology.anatomy import ORGANS
from scalemai_core.radiology.found import Doubt
from scalemai_core.records.base import Record
from scalemai_core.records.statement import Presence, Statement
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import Taxonomy

T = TypeVar("T")


class Told(StrEnum):
    """What a report as a whole says of a lesion."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    """Or contradictory."""
    SILENT = "silent"


class LesionReading(Record):
    """One lesion structure in one organ."""

    structure: str
    organ: str
    told: Told
    explicit: bool = False
    """Absent in so many words, and nothing is said to the contrary."""
    may_delete: bool = False
    """Explicitly absent, by both passes where there are two, and no sentence of the report that was
    not understood, hedges or limits may be about it."""
    confirmed: bool = False
    """Whether the second pass confirms what is told."""
    contradictory: bool = False
    """Said to be there and not to be there."""
    count: int | None = None
    """How many; None where numbers differ, or for ``multiple``."""
    enumerated: bool = False
    sizes_mm: tuple[tuple[float, ...], ...] = ()
    """Of each lesion that is measured, each once, largest first."""
    place: str | None = None
    """The part of the organ, where all sentences that name one name the same."""
    sentences: tuple[str, ...] = ()
    """Those behind ``told``, in the order of the text."""
    doubts: tuple[str, ...] = ()
    """Sentences that forbid to delete, though they say nothing that could be read."""


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


def summary(evidence: Evidence, taxonomy: Taxonomy) -> tuple[LesionReading, ...]:
    """Every lesion structure in every organ that may hold it."""
    return tuple(
        _lesion(structure, organ, evidence, taxonomy)
        for site in lesion_sites(taxonomy)
        for structure in site.lesions
        for organ in site.hosts
        if organ in ORGANS
    )


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


def _lesion(structure: str, organ: str, evidence: Evidence, taxonomy: Taxonomy) -> LesionReading:
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
    told = _told(absent, seen, other)
    behind = {Told.PRESENT: seen, Told.ABSENT: absent}.get(told, about)
    explicit = told is Told.ABSENT and any(said.explicit for said in absent)
    doubts = [doubt.sentence for doubt in evidence.doubts if doubt.organ in (None, organ)]
    second = list(_about(evidence.second or (), organ, wholes | parts))
    confirmed = bool(behind) and any(agrees(said, second, taxonomy) for said in behind)
    contrary = evidence.failed or any(said.presence is not Presence.ABSENT for said in second)
    unconfirmed = evidence.second is not None and not confirmed
    return LesionReading(
        structure=structure,
        organ=organ,
        told=told,
        explicit=explicit,
        may_delete=explicit and not (doubts or contrary or unconfirmed),
        confirmed=confirmed,
        contradictory=bool(absent and seen),
        count=_same(said.count for said in seen) if told is Told.PRESENT else None,
        enumerated=told is Told.PRESENT and any(said.enumerated for said in seen),
        sizes_mm=_sizes(seen or other),
        place=_same(said.place for said in seen or other),
        sentences=tuple(dict.fromkeys(said.sentence for said in behind)),
        doubts=tuple(dict.fromkeys(doubts)),
    )


def _about(
    statements: Iterable[Statement], organ: str, structures: set[str]
) -> Iterator[Statement]:
    return (said for said in statements if said.organ == organ and said.structure in structures)


def _told(absent: list[Statement], seen: list[Statement], other: list[Statement]) -> Told:
    """``other`` are doubts about it, and lesions that may be it."""
    if absent and (seen or other):
        return Told.UNCERTAIN
    if seen:
        return Told.PRESENT
    if other:
        return Told.UNCERTAIN
    return Told.ABSENT if absent else Told.SILENT


def _same(values: Iterable[T | None]) -> T | None:
    found = {value for value in values if value is not None}
    return found.pop() if len(found) == 1 else None


def _sizes(statements: Iterable[Statement]) -> tuple[tuple[float, ...], ...]:
    found = {sizes for said in statements for sizes in said.sizes_mm}
    return tuple(sorted(found, key=lambda sizes: (-max(sizes), sizes)))
