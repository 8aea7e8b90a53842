"""What is sent to a model, and what comes back."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the model said; untrusted text."""

    text: str
    model: str
    """What the service calls the model that answered."""
