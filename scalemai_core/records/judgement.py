"""All numbers and findings on one annotation against its prediction."""

from __future__ import annotations

from scalemai_core.records.annotation import State
from scalemai_core.records.base import Record


class Judgement(Record):
    """One structure in one scan, flat: millions of these are rows of Parquet.

    ``*_current`` speaks of the annotation's mask, ``*_prediction`` of the model's. Numbers of an
    empty mask are None, its volume is 0. Centroids are RAS mm.
    """

    scan_id: str
    structure: str
    state: State
    volume_ml_current: float
    volume_ml_prediction: float
    intersection_ml: float
    dice: float | None
    """None where both are empty; section 0.3."""
    mean_hu_current: float | None
    mean_hu_prediction: float | None
    pieces_current: int
    """Connected components that are no crumbs."""
    pieces_prediction: int
    crumbs_current: float | None
    """Share of the volume outside the largest component."""
    crumbs_prediction: float | None
    offset_mm: float | None
    """Distance of the two centroids."""
    x_mm_current: float | None
    y_mm_current: float | None
    z_mm_current: float | None
    x_mm_prediction: float | None
    y_mm_prediction: float | None
    z_mm_prediction: float | None
    at_border_current: bool
    """Touches a face of the scanned volume: the structure may be cut."""
    at_border_prediction: bool
    faults_current: int
    doubts_current: int
    faults_prediction: int
    doubts_prediction: int
    findings_current: str
    """Names of the rules that bit, comma separated."""
    findings_prediction: str
