"""What the lesions of each structure look like in CT."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from scalemai_core.settings.tumours import TumourKind

LARGE_MM = 44.0
"""Diameter from which a tumour is large: between the classes of section 3.2."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a tumour differs from its organ."""

    drop_hu: tuple[float, float] = (65.0, 145.0)
    """Range of the contrast; the mean drop is about 0.52 of it (section 3.3, step 6). Negative
    where lesions enhance more than their organ."""
    drop_large_hu: tuple[float, float] = (45.0, 110.0)
    """The same for large tumours, which are brighter; section 3.4."""
    level_hu: tuple[float, float] | None = None
    """Range of the HU it has whatever its organ has, in place of a drop: fluid, wall."""
    fade: float = 0.6
    """Share of the organ's own structure, its vessels and fat, that is gone inside. Ours."""
    edge_mm: tuple[float, float] = (1.0, 2.0)
    """Range of the blur of its edge, a standard deviation; section 3.3, step 6."""
    uneven: tuple[float, float] = (0.08, 0.17)
    """Range of its surface's roughness, against its radius; about that of section 3.2."""
    kinds: tuple[TumourKind, ...] = ("handcrafted", "automaton")
    """How such a lesion may come about: fluid, wall and strong enhancement are no growth that
    the automaton knows (section 4.8)."""


_FLUID = Look(
    level_hu=(0.0, 20.0),
    fade=1.0,
    edge_mm=(0.6, 1.0),
    uneven=(0.02, 0.07),
    kinds=("handcrafted",),
)

# Less contrast than in the liver; fat between the lobules is gone, as section 4.4 has it.
_PANCREAS = Look(drop_hu=(50.0, 120.0), drop_large_hu=(45.0, 110.0), fade=0.9)

LOOKS: Mapping[str, Look] = MappingProxyType(
    {
        "pancreatic_lesion": _PANCREAS,
        "pancreatic_pdac": _PANCREAS,
        "pancreatic_cyst": _FLUID,
        "pancreatic_pnet": Look(
            drop_hu=(-120.0, -50.0),
            drop_large_hu=(-100.0, -40.0),
            fade=0.9,
            uneven=(0.04, 0.12),
            kinds=("handcrafted",),
        ),
        "liver_lesion": Look(),
        "kidney_tumor": Look(drop_hu=(80.0, 170.0), drop_large_hu=(60.0, 150.0), fade=0.8),
        "kidney_cyst": _FLUID,
        "colon_lesion": Look(level_hu=(40.0, 100.0), fade=1.0, kinds=("handcrafted",)),
    }
)
"""Per lesion structure."""
