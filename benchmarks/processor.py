"""Processor seconds of a process and of all that it has started."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def seconds_of(root: int) -> float:
    """User and system time, with that of living and ended descendants; 0 when it is gone."""
    parents: dict[int, int] = {}
    spent: dict[int, int] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # ended meanwhile
        number = int(status.parent.name)
        parents[number] = int(fields[1])
        spent[number] = sum(map(int, fields[11:15]))  # own, and that of children waited for
    family = {root}
    grown = True
    while grown:
        more = {number for number, parent in parents.items() if parent in family}
        grown = not more <= family
        family |= more
    return sum(spent.get(number, 0) for number in family) / TICKS
