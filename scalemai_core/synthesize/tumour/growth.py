"""A tumour that grows cell by cell: growth and invasion (method reference, sections 4.1 to 4.3).

A cell is a voxel of about 1 mm, its population is 0 to 10. What happens in a step depends on the
step before and on random numbers that are a function of seed, step, cell and try alone, so neither
the order of the cells nor the number of threads bears on it. Only cells that can still change
anything are visited.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import UsageError
from scalemai_core.volume.compiled import compiled

SOFT, FIRM, HARD, BARRIER, WALL = 0, 1, 2, 3, 4
"""Levels of tissue: three that are invaded, one that yields to pressure, one that never does."""
CHANCES = (1.0, 0.3, 0.1)
"""Probability that an attempt to invade each of the first three levels succeeds."""
FULL, CORE = 10, 5
"""Largest population, and what a seed starts with: from there on a cell invades."""
YIELDS_AT = 3
"""Attempts on a barrier after which it is soft tissue."""

SHIFTS_ZYX = tuple(
    (z, y, x) for z in (-1, 0, 1) for y in (-1, 0, 1) for x in (-1, 0, 1) if (z, y, x) != (0, 0, 0)
)
"""From a cell to its 26 neighbours."""

_TRIES = 3
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_A, _MIX_B = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_HALF_WORD = np.uint64(32)
_LOW_WORD = np.uint64(0xFFFFFFFF)


class _Cells(NamedTuple):
    """Flat arrays over the padded box, and lists of cells; both buffers of the automaton."""

    state: NDArray[np.uint8]
    gain: NDArray[np.uint8]
    """What a step adds to each cell: population, or pressure on a barrier."""
    pressure: NDArray[np.uint8]
    levels: NDArray[np.uint8]
    active: NDArray[np.int32]
    """Cells with a population that may still change something."""
    touched: NDArray[np.int32]
    """Cells with a gain."""
    shifts: NDArray[np.int64]
    """From a cell to its 26 neighbours."""
    thresholds: NDArray[np.uint64]
    """``CHANCES`` in units of 2^-32."""


class Growth:
    """One tumour in one box of tissue; grows on from where it stands."""

    def __init__(
        self,
        levels_zyx: NDArray[np.uint8],
        cores_zyx: NDArray[np.intp],
        seed: int,
        chances: tuple[float, float, float] = CHANCES,
    ) -> None:
        """``cores_zyx`` has shape (n, 3); raises UsageError where none is in invadable tissue."""
        padded = np.pad(levels_zyx, 1, constant_values=WALL)
        _, stride_y, stride_x = (size for size in padded.shape)
        strides = np.array([stride_y * stride_x, stride_x, 1])
        cores = np.unique((np.asarray(cores_zyx) + 1) @ strides).astype(np.int32)
        cores = cores[padded.ravel()[cores] < BARRIER]
        if cores.size == 0:
            raise UsageError("a tumour must begin in tissue that can be invaded")
        self._shape_zyx = padded.shape
        self._cells = _Cells(
            state=np.zeros(padded.size, np.uint8),
            gain=np.zeros(padded.size, np.uint8),
            pressure=np.zeros(padded.size, np.uint8),
            levels=padded.ravel().copy(),
            active=np.empty(padded.size, np.int32),
            touched=np.empty(padded.size, np.int32),
            shifts=np.array(SHIFTS_ZYX, np.int64) @ strides,
            thresholds=np.array([round(chance * 2**32) for chance in chances], np.uint64),
        )
        self._cells.state[cores] = CORE
        self._cells.active[: cores.size] = cores
        self._num_active = int(cores.size)
        self._seed = np.uint64(seed % 2**64)
        self.num_steps = 0
        """Steps taken so far."""
        self.num_cells = int(cores.size)
        """Cells with a population."""

    def grow(self, max_steps: int, enough_cells: int | None = None) -> None:
        """Take so many steps more, or fewer where ``enough_cells`` have a population before."""
        limit = self._cells.state.size if enough_cells is None else enough_cells
        for step in range(self.num_steps, self.num_steps + max_steps):
            if self.num_cells >= limit or self._num_active == 0:
                return
            self._num_active, gained = _step(self._cells, self._num_active, self._seed, step)
            self.num_steps += 1
            self.num_cells += gained

    @property
    def state_zyx(self) -> NDArray[np.uint8]:
        """A copy of the population of every cell, 0 to 10."""
        return self._box(self._cells.state)

    @property
    def pressure_zyx(self) -> NDArray[np.uint8]:
        """A copy of the attempts that every barrier has withstood, at most ``YIELDS_AT``."""
        return self._box(self._cells.pressure)

    def _box(self, flat: NDArray[np.uint8]) -> NDArray[np.uint8]:
        return flat.reshape(self._shape_zyx)[1:-1, 1:-1, 1:-1].copy()


@compiled
def random_word(seed: np.uint64, step: int, cell: int, attempt: int) -> np.uint64:
    """64 random bits that are a function of the four numbers alone (SplitMix64 as a counter)."""
    key = _mixed(seed + _GOLDEN * np.uint64(step + 1))
    return _mixed(key + _GOLDEN * np.uint64(cell * 4 + attempt + 1))


@compiled
def _mixed(word: np.uint64) -> np.uint64:
    word = (word ^ (word >> np.uint64(30))) * _MIX_A
    word = (word ^ (word >> np.uint64(27))) * _MIX_B
    return word ^ (word >> np.uint64(31))


@compiled
def neighbour(word: np.uint64) -> int:
    """One of the 26 neighbours' numbers, from the upper half of random bits."""
    return int(((word >> _HALF_WORD) * np.uint64(26)) >> _HALF_WORD)


@compiled
def _step(cells: _Cells, num_active: int, seed: np.uint64, step: int) -> tuple[int, int]:
    """One step of all cells; returns how many stay active, and how many were populated newly."""
    num_touched, kept = 0, 0
    for index in range(num_active):
        cell = cells.active[index]
        population = cells.state[cell]
        if population < FULL:
            num_touched = _add(cells, cell, num_touched)
        invaded = False
        if population >= CORE:
            invaded, num_touched = _invade(cells, cell, (seed, step), num_touched)
        if invaded or population < FULL or not _enclosed(cells, cell):
            cells.active[kept] = cell
            kept += 1
    return _settle(cells, kept, num_touched)


@compiled
def _invade(
    cells: _Cells, cell: int, draw: tuple[np.uint64, int], num_touched: int
) -> tuple[bool, int]:
    """Up to three tries at random neighbours until one is entered; full cells press on barriers."""
    full = cells.state[cell] >= FULL
    for attempt in range(_TRIES):
        word = random_word(draw[0], draw[1], cell, attempt)
        target = cell + cells.shifts[neighbour(word)]
        level = cells.levels[target]
        if level == BARRIER and full:
            num_touched = _add(cells, target, num_touched)
        elif (
            level < BARRIER
            and cells.state[target] < FULL
            and (word & _LOW_WORD) < cells.thresholds[level]
        ):
            return True, _add(cells, target, num_touched)
    return False, num_touched


@compiled
def _add(cells: _Cells, cell: int, num_touched: int) -> int:
    if cells.gain[cell] == 0:
        cells.touched[num_touched] = cell
        num_touched += 1
    cells.gain[cell] += 1
    return num_touched


@compiled
def _enclosed(cells: _Cells, cell: int) -> bool:
    """Nothing around can ever change through this cell."""
    for shift in cells.shifts:
        beside = cell + shift
        if cells.levels[beside] != WALL and cells.state[beside] < FULL:
            return False
    return True


@compiled
def _settle(cells: _Cells, num_active: int, num_touched: int) -> tuple[int, int]:
    """Turn gains into populations and pressure; what is populated newly becomes active."""
    gained = 0
    for index in range(num_touched):
        cell = cells.touched[index]
        added, cells.gain[cell] = cells.gain[cell], 0
        if cells.levels[cell] == BARRIER:
            cells.pressure[cell] = min(YIELDS_AT, cells.pressure[cell] + added)
            if cells.pressure[cell] >= YIELDS_AT:
                cells.levels[cell] = SOFT
            continue
        if cells.state[cell] == 0:
            cells.active[num_active] = cell
            num_active += 1
            gained += 1
        cells.state[cell] = min(FULL, cells.state[cell] + added)
    return num_active, gained
