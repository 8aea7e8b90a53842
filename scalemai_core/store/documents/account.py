"""Who runs this: for what people sign, and for who works on a workspace."""

from __future__ import annotations

import getpass


def account() -> str:
    """The person's name on this machine; ``unknown`` where it has none."""
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):
        return "unknown"
