"""Whether a round still has its workspace to itself: asked wherever something begins or counts."""

from __future__ import annotations

from scalemai_core.store.documents.claim import ROUND
from scalemai_core.store.workspace import Workspace


def check_claim(workspace: str, claim: int | None) -> None:
    """Raise ClaimLostError where another process plays the round by now.

    ``claim`` is the number of the round's own; None where nothing was claimed.
    """
    if claim is not None:
        Workspace.open(workspace).claims(ROUND).check(claim)
