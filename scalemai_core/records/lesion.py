"""Lesions one by one: what a model takes for one, and what is known to be one."""

from __future__ import annotations

from scalemai_core.records.base import Record


class Lesion(Record):
    """One connected lesion of a mask, 26-connected; numbers are of its own voxels."""

    number: int
    """Value of its voxels in the array it was found in, from 1."""
    structure: str
    """The lesion structure that most of its voxels carry."""
    volume_mm3: float
    diameter_mm: float
    """Longest diameter in the axial slice where its area is largest; section 11.5."""
    x_mm: float
    """Centroid, RAS."""
    y_mm: float
    z_mm: float
    place: str
    """The most specific anatomical structure that most of it lies in or, outside of all, nearest
    to its centroid: ``pancreas_tail``."""


class LesionCandidate(Lesion):
    """A component that a model takes for a lesion; a row of a round's table ``candidates``."""

    scan_id: str
    site: str
    """Name of the site whose host it touches."""
    organ: str
    """That host: the one most of it lies in or, outside of all, nearest to it."""
    candidate_id: str
    """Derived from the scan and ``component_hash``."""
    probability: float
    """Of its most probable voxel; what operating points cut."""
    log_odds: float
    """The same as log-odds, which tell small probabilities apart."""
    component_hash: str
    """Of its voxels' positions on the scan's grid."""
