"""Items, their reads, what was done, and who may do it; nothing of it is ever changed in acts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

OLD_COLUMNS = {"item_id", "round", "kind", "scan_id", "structure", "priority", "reason", "status"}
"""Of the table that queues had before they had migrations."""

REFUSED = "review_acts is only ever added to"
SQLITE_GUARD = """
CREATE TRIGGER review_acts_no_{event} BEFORE {event} ON review_acts
BEGIN SELECT RAISE(ABORT, '{message}'); END
"""
POSTGRESQL_REFUSAL = """
CREATE FUNCTION review_acts_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{message}'; END $$
"""
POSTGRESQL_GUARD = """
CREATE TRIGGER review_acts_guard BEFORE UPDATE OR DELETE ON review_acts
FOR EACH ROW EXECUTE FUNCTION review_acts_refuse()
"""


def upgrade() -> None:
    """Make the tables; what an older queue knew stands in the workspace."""
    _drop_old()
    _make_items()
    _make_reads()
    _make_acts()
    op.create_table(
        "review_people",
        sa.Column("name", sa.String, primary_key=True),
        sa.Column("role", sa.String, nullable=False),
        sa.Column("token_hash", sa.String, nullable=False, unique=True),
        sa.Column("revoked", sa.Boolean, nullable=False),
    )


def _drop_old() -> None:
    found = sa.inspect(op.get_bind())
    if found.has_table("items"):
        columns = {column["name"] for column in found.get_columns("items")}
        if columns >= OLD_COLUMNS:
            op.drop_table("items")


def _make_items() -> None:
    op.create_table(
        "review_items",
        sa.Column("item_id", sa.String, primary_key=True),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("shown_kind", sa.String, nullable=False),
        sa.Column("priority", sa.Float, nullable=False),
        sa.Column("status", sa.String, nullable=False),
        sa.Column("places", sa.Integer, nullable=False),
        sa.Column("taken", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
    )
    op.create_index("review_items_by_priority", "review_items", ["round", "status", "priority"])


def _make_reads() -> None:
    op.create_table(
        "review_reads",
        sa.Column("item_id", sa.String, primary_key=True),
        sa.Column("reader", sa.String, primary_key=True),
        sa.Column("slot", sa.Integer, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("state", sa.String, nullable=False),
        sa.Column("lease_id", sa.String, nullable=False, unique=True),
        sa.Column("expires", sa.Float, nullable=False),
    )
    op.create_index("review_reads_of_a_place", "review_reads", ["item_id", "slot"], unique=True)
    op.create_index("review_reads_by_expiry", "review_reads", ["round", "state", "expires"])


def _make_acts() -> None:
    op.create_table(
        "review_acts",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("entry_id", sa.String, unique=True),
        sa.Column("act", sa.String, nullable=False),
        sa.Column("round", sa.Integer, nullable=False),
        sa.Column("item_id", sa.String, nullable=False),
        sa.Column("reader", sa.String, nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("seconds", sa.Float, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("document", sa.Text),
    )
    op.create_index("review_acts_of_an_item", "review_acts", ["item_id", "act", "reader"])
    op.create_index("review_acts_of_a_reader", "review_acts", ["round", "reader", "act"])
    if op.get_bind().dialect.name == "sqlite":
        for event in ("UPDATE", "DELETE"):
            op.execute(SQLITE_GUARD.format(event=event, message=REFUSED))
    else:
        op.execute(POSTGRESQL_REFUSAL.format(message=REFUSED))
        op.execute(POSTGRESQL_GUARD)
