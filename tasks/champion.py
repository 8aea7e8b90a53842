"""The champion: who made a model version the one that consumers get, and what that means for the
next round."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from scalemai_core.errors import UsageError
from scalemai_core.records.champion import Appointment
from scalemai_core.records.version import ModelVersion
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.store.documents.account import account
from scalemai_core.store.workspace import Workspace
from tasks.tracking.registry import Tracker

BY_TAG = "scalemai.promoted_by"
WHEN_TAG = "scalemai.promoted"
WHY_TAG = "scalemai.promotion_reason"
_LONGEST_TAG = 1000


def appoint(
    store: Workspace,
    tracking: TrackingSettings,
    model: ModelVersion,
    *,
    by: Literal["round", "person"],
    reason: str,
    newest_round: int,
) -> Appointment:
    """Make a model champion, and write down who did it and why."""
    tracker = Tracker(store, tracking)
    before = tracker.champion()
    now = datetime.now(UTC)
    entry = Appointment(
        version=model.version,
        key=model.key,
        before=before.version if before else None,
        by=by,
        person=account(),
        round=newest_round,
        reason=reason,
        moved=now,
    )
    tags = {
        BY_TAG: f"{entry.by}: {entry.person}",
        WHEN_TAG: now.isoformat(),
        WHY_TAG: reason[:_LONGEST_TAG],
    }
    tracker.promote(model.version, tags)
    store.appointments.append(f"{now:%Y%m%dT%H%M%S.%f}-{model.version}", entry)
    return entry


def appointed_before(store: Workspace, model: ModelVersion, number: int) -> bool:
    """Whether this round has made the model champion already, whoever may be it by now."""
    return any(
        (one.by, one.round, one.version) == ("round", number, model.version)
        for one in store.appointments.read()
    )


def registered(store: Workspace, tracking: TrackingSettings, version: int) -> ModelVersion:
    """A version of the registry; raises UsageError naming those that there are."""
    models = Tracker(store, tracking).models()
    for model in models:
        if model.version == version:
            return model
    known = ", ".join(str(model.version) for model in models) or "none"
    raise UsageError(f"no model version {version} of {tracking.model}; registered: {known}")


def critic_key(store: Workspace, tracking: TrackingSettings) -> str | None:
    """The model that the next round starts from: the newest, for it knows the newest labels.

    After a person named the champion it is that one, until a later round has made a model.
    """
    models = Tracker(store, tracking).own_models()
    if not models:
        return None
    newest = models[-1]
    appointments = store.appointments.read()
    last = appointments[-1] if appointments else None
    if last is not None and last.by == "person" and newest.round <= last.round:
        return last.key
    return newest.key
