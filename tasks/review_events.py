"""What a review tells Prefect: deployments wait for these events."""

from __future__ import annotations

from prefect.events import emit_event

ASKED = "scalemai.review.asked"
"""A round ended in the state AwaitingReview."""
DONE = "scalemai.review.done"
"""Nothing is open any more: the round can go on."""


def tell(event: str, workspace: str, number: int) -> None:
    """Emit an event of a workspace's round; the workspace is a label that triggers can match."""
    emit_event(
        event=event,
        resource={
            "prefect.resource.id": f"scalemai.review.{workspace}",
            "scalemai.workspace": workspace,
            "scalemai.round": str(number),
        },
    )
