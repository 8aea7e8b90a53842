"""What a whole report says of one kind of lesion in one organ, all its sentences weighed."""

from __future__ import annotations

from scalemai_core.records.base import Record
from scalemai_core.records.statement import Presence


class Said(Record):
    """The sum of all statements on one structure in one organ."""

    structure: str
    """Lesion structure of the taxonomy; a whole stands for all its parts."""
    organ: str
    """Host of the taxonomy."""
    presence: Presence
    explicit: bool = False
    """Absence in so many words."""
    may_delete: bool = False
    """Whether candidates may be removed on these words, be it that they deny lesions or say how
    many there are: they are certain, of today, and no section contradicts another."""
    count: int | None = None
    """How many, where a number is given."""
    enumerated: bool = False
    """Whether the words say that there are no others."""
    sizes_mm: tuple[tuple[float, ...], ...] = ()
    """Diameters of each lesion that is measured: one to three numbers a lesion."""
    place: str | None = None
    """The part of the organ, where all sentences agree."""
    sentences: tuple[str, ...]
    """The words, as written."""
