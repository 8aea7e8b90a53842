"""A kind and size of lesions that training sees more often."""

from __future__ import annotations

from pydantic import Field

from scalemai_core.records.base import Record

MOST = 3.0
"""Weight of a stratum of which every lesion was missed; one without a miss has 1."""


class Stratum(Record):
    """Lesions of one structure and size, and how much more often they are drawn than others."""

    structure: str
    diameter_mm: tuple[float, float]
    """Above the first, up to the second."""
    weight: float = Field(ge=1.0, le=MOST)
