"""Problems found in masks and inputs, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding weighs."""

    INFO = "info"
    """Worth knowing; never moves a decision."""
    DOUBT = "doubt"
    """Speaks against a mask."""
    FAULT = "fault"
    """The mask cannot be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One problem: what, where, how bad, the number that shows it, and the rule that found it.

    No record: rules make hundreds for a scan, and validating each would cost more than finding it.
    """

    rule: str
    structure: str
    severity: Severity
    value: float
    """The number the rule looked at, in the unit named by ``unit``."""
    limit: float
    """The limit it broke."""
    unit: str
    message: str
