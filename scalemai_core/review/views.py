"""Where to look at the items of a round, as its table ``views`` says."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import polars as pl

from scalemai_core.errors import UsageError
from scalemai_core.records.item_view import ItemView
from scalemai_core.store.workspace import Workspace

VIEWS = "views"
VIEW_COLUMNS = pl.Schema({"item_id": pl.String, "view": pl.String})
"""Of that table; a view is JSON."""


def view_row(view: ItemView) -> dict[str, object]:
    """A row of the table."""
    return {"item_id": view.item_id, "view": view.model_dump_json()}


def view_table(views: Iterable[ItemView]) -> pl.DataFrame:
    """The table itself."""
    return pl.DataFrame([view_row(view) for view in views], schema=VIEW_COLUMNS)


class ItemViews:
    """A round's views, read once, when the first is asked for."""

    def __init__(self, store: Workspace, round_number: int) -> None:
        self._store = store
        self._round_number = round_number

    def __getitem__(self, item_id: str) -> ItemView:
        """Where to look; raises UsageError for an item that has no view."""
        if (view := self._views.get(item_id)) is None:
            raise UsageError(f"no view of item {item_id} is stored; run the round again")
        return ItemView.model_validate_json(view)

    @cached_property
    def _views(self) -> dict[str, str]:
        tables = self._store.round(self._round_number)
        if not tables.has(VIEWS):
            return {}
        return dict(tables.read(VIEWS).select(VIEW_COLUMNS.names()).iter_rows())
