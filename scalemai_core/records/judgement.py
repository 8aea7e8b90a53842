"""All numbers and findings on one annotation against its prediction."""

from __future__ import annotations

from scalemai_core.records.annotation import State
from scalemai_core.records.base import Record
from scalemai_core.records.decision import Candidate


class Judgement(Record):
    """One structure in one scan, flat: millions of these are rows of Parquet.

    ``*_current`` speaks of the annotation's mask, ``*_prediction`` of the model's. Numbers of an
    empty mask are None, its volume is 0. Centroids are RAS mm. A proposal (a repaired or an earlier
    mask) is judged as if it were the annotation; ``candidate`` then names it.
    """

    scan_id: str
    structure: str
    candidate: Candidate = Candidate.CURRENT
    """Which mask stands as the current one: the annotation itself, or a proposal."""
    state: State
    volume_ml_current: float
    volume_ml_prediction: float
    intersection_ml: float
    dice: float | None
    """None where both are empty; section 0.3."""
    surface_mm: float | None
    """Mean distance of the two surfaces; None where a mask is empty."""
    hd95_mm: float | None
    surface_dice: float | None
    """Share of both surfaces within 2 mm of the other one; section 10.2."""
    mean_hu_current: float | None
    mean_hu_prediction: float | None
    sd_hu_current: float | None
    sd_hu_prediction: float | None
    pieces_current: int
    """Connected components that are no crumbs."""
    pieces_prediction: int
    crumbs_current: float | None
    """Share of the volume outside the largest component."""
    crumbs_prediction: float | None
    holes_current: float | None
    """Volume of enclosed holes over the mask's own."""
    holes_prediction: float | None
    flat_end_current: float | None
    """Area of the flatter end slice over the largest slice's; 0 where the scan ends there."""
    flat_end_prediction: float | None
    open_border_current: float | None
    """Share of the border across which the image shows no edge."""
    open_border_prediction: float | None
    open_face_current: float | None
    """The same of the side, of six, where it is largest."""
    open_face_prediction: float | None
    height_mm_current: float | None
    """Extent along z."""
    height_mm_prediction: float | None
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
