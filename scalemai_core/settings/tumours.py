"""How synthetic tumours are drawn, for training only."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from scalemai_core.settings.section import Section

TumourKind = Literal["handcrafted", "automaton"]


class TumourSettings(Section):
    """Synthetic tumours: which kinds, how large, how lifelike."""

    kinds: tuple[TumourKind, ...] = Field(default=("handcrafted", "automaton"), min_length=1)
    """Drawn evenly, where a structure has both: fluid, wall and strong enhancement are always
    hand-crafted; sections 3 and 4."""
    structures: tuple[str, ...] = ()
    """Lesion structures that are drawn; empty takes all without parts of their own."""
    size_mix: tuple[float, float, float, float] = (0.4, 0.4, 0.1, 0.1)
    """Shares of tiny, small, medium and large (section 1.8), of those that fit the organ."""
    targeted: bool = True
    """Draw more often the organs and sizes whose lesions the last model missed in gold ``fit``."""
    avoid_vessels: bool = False
    """Keep handcrafted tumours off bright vessels; section 3.4, no gain was measured there."""
    mass_effect: float = Field(default=0.0, ge=0, le=100)
    """Percent by which the tissue around is pushed outward; section 3.4."""
    capsule: float = Field(default=0.0, ge=0, le=1)
    """Share of handcrafted tumours with a bright rim; section 3.4."""
    legacy_probabilities: bool = False
    """Let the automaton ignore how resistant tissue is, as the published code does; section 4.5."""

    @model_validator(mode="after")
    def _some_size_is_drawn(self) -> Self:
        if min(self.size_mix) < 0 or sum(self.size_mix) <= 0:
            raise ValueError("size_mix must hold shares of at least 0, and not only 0")
        return self
