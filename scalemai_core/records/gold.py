"""What gold says of a new model beside the champion, and who has looked at gold ``test``."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from scalemai_core.records.base import Record

Endpoint = Literal["dice", "nsd", "lesion_sensitivity"]
"""The one number by which a model is better than another."""


class Estimate(Record):
    """A number with its 95 % interval, bootstrapped by patient."""

    value: float
    low: float
    high: float


class Measured(Record):
    """One number of two models: each of them, and how much the new one has more."""

    new: Estimate
    champion: Estimate | None = None
    gain: Estimate | None = None


class StructureScore(Record):
    """One structure in gold ``select``, in the scans that have it."""

    structure: str
    patients: int
    dice: Measured
    nsd: Measured
    bounded: bool
    """Whether patients are enough for a bound of their own; else it counts with the other rare
    ones, in one bound for them together."""


class Sightings(Record):
    """Masks that a model made of structures a scan is known to lack, over all structures."""

    absent: int
    """Pairs of a scan and a structure that it lacks."""
    new: int
    champion: int | None


class LesionScore(Record):
    """Lesions of gold ``select`` at each model's own operating points, all sites together."""

    patients: int
    """With lesions."""
    lesions: int
    sensitivity: Measured
    false_positives_per_scan: float
    champion_false_positives_per_scan: float | None


class GoldScore(Record):
    """The new model against the champion on gold ``select``, and on ``test`` for the record."""

    patients: int
    endpoint: Endpoint
    """What decided."""
    mean_dice: float
    champion_mean_dice: float | None
    mean_nsd: float
    champion_mean_nsd: float | None
    tolerances: int
    """Version of the table by which surfaces were compared."""
    gains: dict[Endpoint, Estimate]
    """Of each endpoint over the champion; without one, or without that number, it is not here."""
    worst_structure: str | None
    """The structure with the lowest lower bound, or all rare ones together."""
    worst_low: float | None
    """That bound, of the difference in Dice."""
    structures: tuple[StructureScore, ...]
    sightings: Sightings
    lesions: LesionScore | None = None
    """None where a model knows no lesions or gold ``select`` has none."""
    test_patients: int = 0
    test_mean_dice: float | None = None
    test_mean_nsd: float | None = None
    test_openings: int = 0
    """How often gold ``test`` had been looked at by then, this time included."""

    @property
    def gain(self) -> Estimate | None:
        """Of the endpoint that decides."""
        return self.gains.get(self.endpoint)

    @property
    def rare(self) -> tuple[str, ...]:
        """Structures too rare for a bound of their own, where there was somebody to compare."""
        compared = (one for one in self.structures if one.dice.gain is not None)
        return tuple(one.structure for one in compared if not one.bounded)


class Opening(Record):
    """``gold/openings/<round>-<model>.json``: gold ``test`` was looked at; written before."""

    opened: datetime
    person: str
    """Account that ran the round."""
    round: int
    model: str
    """Key of the new model."""
    dataset_version: int
    patients: int
    why: str
