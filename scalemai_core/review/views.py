"""Where to look at the items of a round, as its table ``views`` says."""

from __future__ import annotations

import json
from functools import cached_property
from typing import Any

from scalemai_core.errors import UsageError
from scalemai_core.records.item_view import ItemView
from scalemai_core.store.workspace import Workspace

VIEWS = "views"
NESTED = ("centre_zyx", "box", "volumes_ml", "pieces", "candidate")
"""Its columns that hold JSON."""


class ItemViews:
    """A round's views, read once, when the first is asked for."""

    def __init__(self, store: Workspace, round_number: int) -> None:
        self._store = store
        self._round_number = round_number

    def __getitem__(self, item_id: str) -> ItemView:
        """Where to look; raises UsageError for an item that has no view."""
        if (row := self._rows.get(item_id)) is None:
            raise UsageError(f"no view of item {item_id} is stored; run the round again")
        return ItemView.model_validate(
            {k: json.loads(v) if k in NESTED and v is not None else v for k, v in row.items()}
        )

    @cached_property
    def _rows(self) -> dict[str, dict[str, Any]]:
        tables = self._store.round(self._round_number)
        if not tables.has(VIEWS):
            return {}
        return {row["item_id"]: row for row in tables.read(VIEWS).iter_rows(named=True)}
