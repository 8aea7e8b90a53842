"""One structure of the taxonomy: its place in the tree and what a plausible mask of it has."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.records.base import Record
from scalemai_core.records.label_map import Layer
from scalemai_core.records.scan import Sex


class Kind(StrEnum):
    """What a structure is made of; structures of one kind share rules and settings."""

    ORGAN = "organ"
    HOLLOW_ORGAN = "hollow_organ"
    """May hold gas, fluid, stool or contrast, so that its HU say little."""
    VESSEL = "vessel"
    DUCT = "duct"
    BONE = "bone"
    MUSCLE = "muscle"
    NERVE = "nerve"
    DEVICE = "device"
    LESION = "lesion"


class Side(StrEnum):
    """Side of the patient, not of the picture."""

    LEFT = "left"
    RIGHT = "right"


class Pieces(StrEnum):
    """How many connected pieces a good mask has."""

    ONE = "one"
    MANY = "many"
    """Any number: lesions, vessel trees, and tubes that collapse between labelled stretches."""


class Structure(Record):
    """One of the 88; a row of ``structures.yaml`` (method reference, section 10.6)."""

    id: int
    """1 to 88, the value of its voxels in label maps; never reused."""
    name: str
    layer: Layer
    kind: Kind
    aliases: tuple[str, ...] = ()
    """Other datasets' names for the same thing; the name of a part of it belongs in ``maps/``."""
    parent: str | None = None
    """The structure of the same layer that it is a part of."""
    inside: tuple[str, ...] = ()
    """Structures of another layer whose union holds it; empty where there is no such host."""
    side: Side | None = None
    pair: str | None = None
    """Its partner on the other side; a structure may have a side and no partner."""
    sex: Sex | None = None
    """The only sex that has it; None means both."""
    pieces: Pieces
    superior_to: str | None = None
    """The next structure down the spine: L5 is superior to the sacrum."""
    volume_ml: tuple[float, float]
    """Lowest and highest plausible volume of the whole structure in an adult."""
    volume_source: str
    """Key of the statement under ``sources`` that says where the range comes from."""
    hu: tuple[float, float]
    """Lowest and highest plausible mean HU of a mask, over all contrast phases."""
    hu_source: str
    """Key of the statement under ``sources`` that says where the range comes from."""
    snomed: str | None = None
    """SNOMED CT code of the kind of structure, without its side."""
