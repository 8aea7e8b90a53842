"""What a source's labels say of structures it names, and through the taxonomy of others."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.annotation import State
from scalemai_core.taxonomy.taxonomy import Taxonomy

_MIN_PARTS = 2
"""A parent with a single part is more than that part (veins, of which only one has a name)."""


def states_of(
    taxonomy: Taxonomy,
    stated: Iterable[str],
    held: NDArray[np.int64],
    emptied: NDArray[np.bool_],
) -> dict[str, State]:
    """State of every structure the source says something about; all others are unknown.

    A stated structure is present if it and its parts hold a voxel (``held``, per id), else absent,
    or left unknown where its emptiness proves nothing (``emptied``, per id). An absent parent has
    absent parts; a parent all of whose parts are stated is their union.
    """
    states: dict[str, State] = {}
    for name in sorted(stated, key=lambda name: taxonomy[name].id):
        structure_id = taxonomy[name].id
        if held[structure_id] > 0:
            states[name] = State.PRESENT
        elif not emptied[structure_id]:
            states[name] = State.ABSENT
    deepest_first = sorted(taxonomy.names, key=lambda name: -len(taxonomy.ancestors(name)))
    for name in deepest_first:
        parts = [states.get(part.name) for part in taxonomy.children(name)]
        if name not in states and len(parts) >= _MIN_PARTS and None not in parts:
            states[name] = State.PRESENT if State.PRESENT in parts else State.ABSENT
    for name in reversed(deepest_first):
        if states.get(name) is State.ABSENT:
            states |= {part.name: State.ABSENT for part in taxonomy.descendants(name)}
    return states
