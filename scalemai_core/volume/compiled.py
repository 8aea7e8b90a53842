"""Loops over voxels, compiled to machine code on first call and kept on disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a loop over voxels with numba; the decorated function keeps its types.

    Threads may run it side by side. Indices are not checked: callers see to it.
    """
    decorate = cast(
        "Callable[[Callable[P, R]], Callable[P, R]]",
        numba.njit(cache=True, nogil=True, error_model="numpy"),
    )
    return decorate(function)


def compiled_arithmetic(function: Callable[P, R]) -> Callable[P, R]:
    """As ``compiled``, for floats: sums may be added up in any order, and so in vector registers.

    What is not a number stays so. The same input gives the same output.
    """
    decorate = cast(
        "Callable[[Callable[P, R]], Callable[P, R]]",
        numba.njit(
            cache=True,
            nogil=True,
            error_model="numpy",
            fastmath={"reassoc", "contract", "nsz", "arcp"},
        ),
    )
    return decorate(function)
