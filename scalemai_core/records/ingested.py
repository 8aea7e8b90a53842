"""What became of one offered case."""

from __future__ import annotations

from scalemai_core.records.annotation import State
from scalemai_core.records.base import Record
from scalemai_core.records.finding import Finding
from scalemai_core.records.label_map import Layer
from scalemai_core.records.rejection import Rejection
from scalemai_core.records.scan import Scan


class StoredCase(Record):
    """A case whose voxels are stored; fold and gold role are given when all cases are known."""

    scan: Scan
    label_maps: dict[Layer, str]
    """Hash of the label map of every layer the source annotates."""
    states: dict[str, State]
    """Present or absent for every structure the source speaks of."""
    findings: tuple[Finding, ...]


class IngestedCase(Record):
    """Ledger row of an ingestion: a stored case or the reason there is none."""

    case: str
    stored: StoredCase | None = None
    rejection: Rejection | None = None
