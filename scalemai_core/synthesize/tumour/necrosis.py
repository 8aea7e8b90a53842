"""The dead core of a large tumour: the third rule of the automaton (section 4.3, step 3)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalemai_core.synthesize.tumour.growth import FULL, SHIFTS_ZYX, neighbour, random_word
from scalemai_core.volume.compiled import compiled

_TRIES = 3
_FEWEST, _MOST = 5, 19
"""Cells around a core that die with it."""
_FIRST_WORD = 1 << 20
"""Random words of growth and of death are counted apart."""


def dead_cells(
    state_zyx: NDArray[np.uint8], cores_zyx: NDArray[np.intp], num_steps: int, seed: int
) -> NDArray[np.bool_]:
    """Cells of a grown tumour that have died, all of them with a full population but the cores.

    ``num_steps`` is the tumour's age: the older, the wider and the longer death spreads.
    """
    rng = np.random.default_rng([seed, _FIRST_WORD])
    padded = np.pad(state_zyx, 1)
    reach = max(1, num_steps // 10 - 2)
    drawn = [rng.random((int(rng.integers(_FEWEST, _MOST + 1)), 3)) for _ in cores_zyx]
    places = [
        core + np.rint((2.0 * draw - 1.0) * reach).astype(np.intp)
        for core, draw in zip(cores_zyx, drawn, strict=True)
    ]
    around = np.concatenate(places)
    inside = ((around >= 0) & (around < state_zyx.shape)).all(axis=1)
    around = around[inside]
    around = around[state_zyx[tuple(around.T)] == FULL]
    cores = cores_zyx[state_zyx[tuple(cores_zyx.T)] > 0]
    strides = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    first = np.unique((np.concatenate([cores, around]) + 1) @ strides).astype(np.int64)
    born = np.zeros(padded.size, np.uint16)
    shifts = np.array(SHIFTS_ZYX, np.int64) @ strides
    _spread(padded.ravel(), born, (first, shifts), np.uint64(seed % 2**64), num_steps // 7 + 1)
    return born.reshape(padded.shape)[1:-1, 1:-1, 1:-1] > 0


@compiled
def _spread(
    state: NDArray[np.uint8],
    born: NDArray[np.uint16],
    first_and_shifts: tuple[NDArray[np.int64], NDArray[np.int64]],
    seed: np.uint64,
    num_rounds: int,
) -> None:
    """Every dead cell takes one full neighbour along in each round; ``born`` is when, from 1."""
    first, shifts = first_and_shifts
    cells = np.empty(state.size, np.int64)
    cells[: first.size] = first
    born[first] = 1
    before = total = first.size
    for number in range(2, num_rounds + 2):
        for index in range(before):
            for attempt in range(_TRIES):
                word = random_word(seed, _FIRST_WORD + number, cells[index], attempt)
                target = cells[index] + shifts[neighbour(word)]
                # One that died in this round counts as alive, or the order of cells would matter.
                if state[target] == FULL and born[target] == number:
                    break
                if state[target] == FULL and born[target] == 0:
                    born[target] = number
                    cells[total] = target
                    total += 1
                    break
        before = total
