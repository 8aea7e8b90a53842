"""How large a tumour is after how many steps, and so how many to allow for a wanted diameter.

The steps of a tumour are not chosen beforehand: it grows until its volume is that of the wanted
sphere, since tissue is rarely of one kind. The calibration tells when to give up, and translates
sizes into the steps that the published rules of necrosis are written in.
"""

from __future__ import annotations

import numpy as np

from scalemai_core.synthesize.tumour.growth import CHANCES

STEPS = (10, 20, 30, 50, 80, 100, 150)
DIAMETERS_MM: dict[float, tuple[float, ...]] = {
    1.0: (3.4, 6.8, 11.0, 19.6, 33.1, 42.2, 65.2),
    0.3: (2.6, 5.0, 7.9, 14.1, 24.1, 30.8, 48.0),
    0.1: (2.1, 3.3, 4.6, 8.3, 14.4, 18.7, 29.6),
}
"""Of the sphere of all populated cells, by the chance to invade and by ``STEPS``; cells of 1 mm,
one core, tissue of one kind (method reference, section 4.6)."""


def expected_steps(diameter_mm: float, chance: float = 1.0) -> int:
    """Steps after which a tumour in tissue with this mean chance to invade has the diameter.

    Between the three tabulated chances the logarithm counts; beyond the last step the line goes on.
    """
    chances = sorted(DIAMETERS_MM)
    steps = [_steps(diameter_mm, DIAMETERS_MM[known]) for known in chances]
    logarithm = np.log(np.clip(chance, min(CHANCES), max(CHANCES)))
    return max(1, round(float(np.interp(logarithm, np.log(chances), steps))))


def _steps(diameter_mm: float, tabulated_mm: tuple[float, ...]) -> float:
    if diameter_mm <= tabulated_mm[-1]:
        return float(np.interp(diameter_mm, (0.0, *tabulated_mm), (0, *STEPS)))
    slope = (STEPS[-1] - STEPS[-2]) / (tabulated_mm[-1] - tabulated_mm[-2])
    return STEPS[-1] + slope * (diameter_mm - tabulated_mm[-1])
