"""What tumour is wanted, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.settings.tumours import TumourKind

LEAST_MM3 = 20.0
"""What is left of a tumour below this is none; section 3.6."""


@dataclass(frozen=True, slots=True)
class TumourOrder:
    """One tumour to draw."""

    structure: str
    """The lesion structure it is labelled as: ``liver_lesion``."""
    kind: TumourKind
    diameter_mm: float
    """Of the sphere of its volume, before the organ's surface cuts it."""
    seed: int
    """Everything else is drawn from this."""
    centre_zyx: tuple[int, int, int] | None = None
    """Voxel of the patch to grow at; None draws one in the organ by the site's own prior."""


@dataclass(frozen=True, slots=True)
class Implant:
    """A patch with a tumour in it."""

    image_zyx: NDArray[np.float32]
    """HU; unchanged where the tumour has no part in it."""
    mask_zyx: NDArray[np.bool_]
    """Voxels labelled as the tumour, all of them in the organ."""
