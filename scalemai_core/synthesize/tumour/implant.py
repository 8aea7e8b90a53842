"""The one door to synthetic tumours: a patch and an order in, a patch with a tumour out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from scalemai_core.settings.tumours import TumourKind, TumourSettings
from scalemai_core.synthesize.tumour.automaton import grow_tumour
from scalemai_core.synthesize.tumour.handcrafted import craft_tumour
from scalemai_core.synthesize.tumour.order import Implant, TumourOrder

Generator = Callable[
    [NDArray[np.float32], NDArray[np.bool_], float, TumourOrder, TumourSettings], Implant | None
]

GENERATORS: Mapping[TumourKind, Generator] = MappingProxyType(
    {"handcrafted": craft_tumour, "automaton": grow_tumour}
)
"""Who draws which kind."""


def implant(
    image_zyx: NDArray[np.float32],
    organ_zyx: NDArray[np.bool_],
    spacing_mm: float,
    order: TumourOrder,
    settings: TumourSettings,
) -> Implant | None:
    """The patch with the tumour that is ordered; None where the organ has no place for it.

    ``image_zyx`` is HU of cubic voxels of ``spacing_mm``; ``organ_zyx`` the host, which the patch
    may cut. Both stay as they are.
    """
    return GENERATORS[order.kind](image_zyx, organ_zyx, spacing_mm, order, settings)
