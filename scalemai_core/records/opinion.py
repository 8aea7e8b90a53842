"""What the second expert said of one pair of masks."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.records.base import Record
from scalemai_core.records.decision import Candidate


class Preference(StrEnum):
    """Which of the two masks it prefers."""

    CURRENT = "current"
    RIVAL = "rival"
    ABSTAINS = "abstains"


class Opinion(Record):
    """One row of a round's table ``opinions``: enough to ask the same thing again."""

    scan_id: str
    structure: str
    rival: Candidate
    opinion: Preference
    reason: str
    """Ours, never the model's words."""
    answers: tuple[str, ...]
    """What each reply came down to, in the order asked: ``1`` is the overlay shown first, which is
    the current mask in the first question about the pair and the rival in the second."""
    plane: str
    """Direction of looking."""
    projected_dice: float
    """Dice of the two masks in that plane."""
    prompt_hash: str | None
    """Of the last question's words; None where nothing was asked."""
    image_hashes: tuple[str, ...]
    """Of all pictures sent, in the order in which they were first sent."""
    model: str
    """As the settings name it."""
    served: str | None
    """As the service named it."""
    words: tuple[str, ...]
    """Beginnings of the replies, as said: untrusted text, for whoever looks into a case."""
