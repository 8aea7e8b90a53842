"""Who answers questions."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.records.base import Record


class Role(StrEnum):
    """What a person may do on the review page; each may do all that the ones before may."""

    READER = "reader"
    """Answers questions."""
    ADJUDICATOR = "adjudicator"
    """Decides where two readers differ."""
    ADMIN = "admin"
    """Sees everybody's figures and gives out tokens."""


class Reader(Record):
    """A person, by a name of their own choice."""

    name: str
    role: Role = Role.READER

    @property
    def adjudicates(self) -> bool:
        """Whether disputed items come to this person."""
        return self.role is not Role.READER
