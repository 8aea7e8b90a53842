"""What is sent to a model: words that say what it is for, a question, and pictures."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One request."""

    system: str
    """What the model is there for."""
    text: str
    pictures: tuple[bytes, ...] = ()
    """PNG, in order."""
