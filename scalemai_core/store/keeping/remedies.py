"""What a person can do about an object that is not whole."""

from __future__ import annotations

import re

_COPY = "restore it from a copy of the workspace"
_AGAIN = (
    f"{_COPY}; or, if it came from files that are still there: delete this folder, touch the files "
    "(they count as new then) and ingest them again"
)
_REMEDIES = {
    "scan": _AGAIN,
    "label map": f"{_AGAIN}. What a round or a reader made, nothing makes again",
    "label index": "delete it; the next round makes it again",
    "prediction": "delete the round's folders predict-*; the round predicts again",
    "model": f"{_COPY}, or weights from the artifacts of the model's run in MLflow",
}
_PART = re.compile(r"rounds/\d+/[^/]+-[0-9a-f]+/")
_LEDGER = "delete this part, both its files; the round works its scans again"


def remedy(kind: str, path: str) -> str:
    """In one sentence; the path tells a ledger's part from a round's table."""
    if kind == "round" and _PART.match(path):
        return _LEDGER
    return _REMEDIES.get(kind, _COPY)
