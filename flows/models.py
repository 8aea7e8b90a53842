"""Models of a workspace: which there are, and which one consumers get."""

from __future__ import annotations

from typing import Any

from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.store.workspace import Workspace
from tasks.champion import appoint, critic_key, registered
from tasks.round import finished_rounds, last_round
from tasks.tracking.registry import Tracker


def model_list(workspace: str, tracking: TrackingSettings) -> list[dict[str, Any]]:
    """Every registered version with what its round said of it, oldest first."""
    store = Workspace.open(workspace)
    results = {result.model_version: result for result in finished_rounds(store)}
    appointments = store.appointments.read()
    critic = critic_key(store, tracking)
    rows: list[dict[str, Any]] = []
    for model in Tracker(store, tracking).models():
        result = results.get(model.version)
        gold = result.gold if result else None
        moves = [one for one in appointments if one.version == model.version]
        rows.append(
            {
                **model.model_dump(mode="json"),
                "mean_dice": gold.mean_dice if gold else None,
                "mean_nsd": gold.mean_nsd if gold else None,
                "next_critic": model.key == critic,
                "said_of_it": result.promotion_reason if result else None,
                "appointed": [one.model_dump(mode="json") for one in moves],
            }
        )
    return rows


def promote_version(
    workspace: str, tracking: TrackingSettings, version: int, reason: str
) -> dict[str, Any]:
    """A person's word: this version is champion, and the next round starts from it."""
    store = Workspace.open(workspace)
    model = registered(store, tracking, version)
    newest, finished = last_round(store), len(finished_rounds(store))
    entry = appoint(store, tracking, model, by="person", reason=reason, newest_round=newest)
    return entry.model_dump(mode="json") | {
        "unfinished_round": newest if newest > finished else None
    }
