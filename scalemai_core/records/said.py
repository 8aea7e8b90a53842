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
    """Uncertain where words contradict one another, too."""
    explicit: bool = False
    """Absent in so many words, and nothing is said to the contrary."""
    may_delete: bool = False
    """Whether candidates may be removed on these words: explicitly absent, by both passes where
    there are two, and no sentence of the report that was not understood, hedges or limits may be
    about it."""
    confirmed: bool = False
    """Whether the second pass confirms it."""
    contradictory: bool = False
    """Said to be there and not to be there."""
    count: int | None = None
    """How many; None where numbers differ, or for ``multiple``."""
    enumerated: bool = False
    """Whether the words say that there are no others."""
    final: bool = False
    """Whether candidates beyond ``count`` may be removed: every sentence enumerates the same
    number, and nothing speaks against deleting, as with ``may_delete``."""
    sizes_mm: tuple[tuple[float, ...], ...] = ()
    """Diameters of each lesion that is measured, one to three numbers a lesion, largest first."""
    place: str | None = None
    """The part of the organ, where all sentences that name one name the same."""
    sentences: tuple[str, ...]
    """The words behind it as written, in the order of the text."""
    doubts: tuple[str, ...] = ()
    """Sentences that forbid to delete, though they say nothing that could be read."""
