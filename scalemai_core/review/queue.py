"""The review queue: SQL, and rebuilt at any time from the workspace's items and verdicts."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import (
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    func,
    inspect,
    select,
    update,
)
from sqlalchemy.engine import Engine
from sqlalchemy.exc import ArgumentError, OperationalError

from scalemai_core.errors import UsageError
from scalemai_core.records.review import ReviewItem

OPEN = "open"
DECIDED = "decided"

metadata = MetaData()
items = Table(
    "items",
    metadata,
    Column("item_id", String, primary_key=True),
    Column("round", Integer, nullable=False),
    Column("kind", String, nullable=False),
    Column("scan_id", String, nullable=False),
    Column("structure", String, nullable=False),
    Column("priority", Float, nullable=False),
    Column("reason", String, nullable=False),
    Column("base_label_map", String),
    Column("prediction", String),
    Column("rival", String, nullable=False),
    Column("rival_map", String),
    Column("candidate_id", String),
    Column("seconds", Float, nullable=False),
    Column("status", String, nullable=False, default=OPEN),
    Index("items_by_priority", "round", "status", "priority"),
)


class Queue:
    """Open questions, worked from the highest priority down."""

    def __init__(self, database: str) -> None:
        try:
            self._engine = create_engine(database)
            _drop_outdated(self._engine)
            metadata.create_all(self._engine)
        except (ArgumentError, OperationalError) as error:
            raise UsageError(
                f"cannot open the review queue at {database}: {error}; check review.database"
            ) from error

    def materialize(self, new: Sequence[ReviewItem], decided: frozenset[str]) -> None:
        """Add items that are not there yet; ``decided`` ones were answered in the workspace."""
        with self._engine.begin() as connection:
            known = set(connection.scalars(select(items.c.item_id)))
            rows = [
                {
                    **item.model_dump(mode="json"),
                    "status": DECIDED if item.item_id in decided else OPEN,
                }
                for item in new
                if item.item_id not in known
            ]
            if rows:
                connection.execute(items.insert(), rows)
        self.settle(sorted(decided & known))

    def open_items(self, round_number: int) -> tuple[ReviewItem, ...]:
        """What is still to be answered in a round, most valuable first."""
        wanted = (
            select(items)
            .where(items.c.round == round_number, items.c.status == OPEN)
            .order_by(items.c.priority.desc(), items.c.item_id)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(wanted).mappings().all()
        return tuple(
            ReviewItem.model_validate({k: v for k, v in row.items() if k != "status"})
            for row in rows
        )

    def settle(self, item_ids: Sequence[str]) -> None:
        """Mark items as decided; their verdicts stand in the workspace already."""
        if not item_ids:
            return
        with self._engine.begin() as connection:
            connection.execute(
                update(items).where(items.c.item_id.in_(item_ids)).values(status=DECIDED)
            )

    def counts(self) -> dict[str, int]:
        """Items by status."""
        grouped = select(items.c.status, func.count().label("number")).group_by(items.c.status)
        with self._engine.connect() as connection:
            found = {row.status: row.number for row in connection.execute(grouped)}
        return {OPEN: found.get(OPEN, 0), DECIDED: found.get(DECIDED, 0)}


def _drop_outdated(engine: Engine) -> None:
    """A queue of other columns is filled anew: all that it knew stands in the workspace."""
    found = inspect(engine)
    if found.has_table(items.name):
        columns = {column["name"] for column in found.get_columns(items.name)}
        if columns != set(items.columns.keys()):
            items.drop(engine)
