"""What a radiology report states of lesions, a sentence at a time."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.records.base import Record


class Presence(StrEnum):
    """What is said of a lesion; never two-valued."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"
    """Hedged, suspected, to be excluded, too small to characterise, treated, or of the past."""


class Statement(Record):
    """One thing that one sentence says of one kind of lesion in one organ.

    A sentence that speaks of several organs or kinds makes several statements.
    """

    structure: str
    """Lesion structure of the taxonomy. A whole (``pancreatic_lesion``) stands for all its parts;
    a lesion of the kidney of no said kind is stated of both kinds there."""
    organ: str
    """Host of the taxonomy: ``liver``, ``kidney_left``; what is said of both kidneys is stated of
    each."""
    presence: Presence
    explicit: bool = False
    """Absence in so many words (``no focal liver lesion``). ``The liver is unremarkable`` only
    implies it."""
    count: int | None = None
    """How many, where a number is given; None for ``multiple`` or ``several``."""
    enumerated: bool = False
    """Whether the words say that there are no others (``a single``, ``exactly two``, ``solitary``,
    ``only``)."""
    sizes_mm: tuple[tuple[float, ...], ...] = ()
    """Diameters of each lesion that is measured: one to three numbers a lesion."""
    place: str | None = None
    """The part of the organ, as a structure of the taxonomy: ``pancreas_tail``."""
    sentence: str
    """The words, as written."""
    offset: int
    """Where the sentence starts in the report's text, in characters."""
