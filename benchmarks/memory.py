"""What Linux holds a process accountable for."""

from __future__ import annotations

from pathlib import Path


def memory_mb(field: str, process: int | str = "self") -> float:
    """A line of a process's memory account, ``VmRSS`` or the highest so far, ``VmHWM``; 0 when it
    has ended and waits for its parent."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next((float(line.split()[1]) / 1024 for line in lines if line.startswith(field)), 0.0)
