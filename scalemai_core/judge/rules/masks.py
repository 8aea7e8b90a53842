"""All masks of one candidate in one scan as columns of numbers: all that the rules ever see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.scan import Sex
from scalemai_core.taxonomy.structure import Structure
from scalemai_core.taxonomy.taxonomy import Taxonomy

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Masks:
    """Columns indexed by structure id: 89 rows, row 0 unused, a whole counts its parts.

    Places are RAS mm in the order (x, y, z): +x the patient's right, +y anterior, +z superior.
    Numbers of an empty mask are NaN, its volume is 0.
    """

    taxonomy: Taxonomy
    sex: Sex | None
    slice_mm: float
    """Distance of two slices."""
    present: Bools
    """(89,) Stated to be in the scan."""
    absent: Bools
    """(89,) Stated not to be in the scan."""
    volume_ml: Floats
    """(89,)"""
    own_ml: Floats
    """(89,) Volume that belongs to none of its parts."""
    mean_hu: Floats
    """(89,)"""
    sd_hu: Floats
    """(89,)"""
    centroid_mm: Floats
    """(89, 3)"""
    ends_mm: Floats
    """(89, 2) Lower and upper end along z."""
    pieces: Ints
    """(89,) Components that are no crumbs."""
    crumb_share: Floats
    """(89,) Share of the volume outside the largest component."""
    at_border: Bools
    """(89,) Touches a face of the scanned volume."""
    flat_end: Floats
    """(89, 2) Area of its lowest and of its highest slice over that of its largest slice; 0 where
    the scan itself ends there."""
    gap_mm: Floats
    """(89,) Height of empty slices between its lowest and its highest."""
    hole_share: Floats
    """(89,) Volume of enclosed holes over the mask's own."""
    host_share: Floats
    """(89,) Share inside its host, a few mm around it included; NaN without a labelled host."""
    open_share: Floats
    """(89,) Share of its border across which the image shows no edge and nothing else is labelled.
    """
    open_face: Floats
    """(89, 3, 2) The same of the faces that look backward and forward along z, y, x."""
    texture_hu: Floats
    """(89,) Step between voxels a few mm apart inside it, texture and noise."""
    overlap_ml: Floats
    """(89, 89) Volume shared with structures of other layers."""

    reported: Mapping[str, bool] = field(default_factory=dict[str, bool])
    """Structure -> whether the radiology report says that it is there; others it leaves open."""

    def shown(self, *names: str) -> list[Structure]:
        """Those of the named structures (all where none is named) that have voxels, by id."""
        there = (self.volume_ml > 0).tolist()
        chosen = [self.taxonomy[name] for name in names] or self.taxonomy.structures
        return [structure for structure in chosen if there[structure.id]]

    def stated_absent(self, name: str) -> bool:
        """No voxels, and none expected."""
        row = self.taxonomy[name].id
        return bool(self.absent[row]) and self.volume_ml[row] == 0
