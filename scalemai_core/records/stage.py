"""What a stage of a round works on."""

from __future__ import annotations

from scalemai_core.records.base import Record
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.version import DatasetVersion


class StageInputs(Record):
    """The same four things in every sharded stage: small enough to travel to every task."""

    workspace: str
    """URL."""
    plan: RoundPlan
    version: DatasetVersion
    """The dataset version whose scans are worked on."""
    model: ModelDocument
    """The model that predicts."""
    claim: int | None = None
    """Number of the claim that the round holds: without it nothing is committed."""
