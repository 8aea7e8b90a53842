"""What ``scalemai verify`` found of a workspace's objects."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.records.base import Record


class Fault(StrEnum):
    """What is wrong with an object."""

    MISSING = "missing"
    TORN = "torn"
    """Not all of it is there."""
    ALTERED = "altered"
    """It is not what was written."""
    UNREADABLE = "unreadable"
    """The disk or the bucket does not give it out."""


class Damage(Record):
    """One object that something refers to and that is not whole."""

    path: str
    """Below the workspace."""
    kind: str
    """``scan``, ``label map``, ``model``, ``table`` ..."""
    fault: Fault
    wanted_by: str
    """The first that refers to it."""
    detail: str
    remedy: str


class Verification(Record):
    """One look at a workspace."""

    workspace: str
    versions: tuple[int, ...]
    """Dataset versions whose objects were looked for."""
    expected: dict[str, int]
    """Objects by kind that have to be there; all of them were looked for."""
    read: dict[str, int]
    """Those that were read to their end."""
    damages: tuple[Damage, ...]
    unreferenced: dict[str, int]
    """Objects by kind that nothing of this look refers to; ``scalemai gc`` knows all versions."""
    seconds: float

    @property
    def whole(self) -> bool:
        """Whether nothing is wrong."""
        return not self.damages
