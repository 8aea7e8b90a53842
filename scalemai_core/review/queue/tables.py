"""The tables of the queue; ``migrations`` makes them."""

from __future__ import annotations

from enum import StrEnum

from sqlalchemy import Boolean, Column, Float, Index, Integer, MetaData, String, Table, Text


class ReadState(StrEnum):
    """Where one read of an item stands; a read that nobody has taken has no row."""

    LEASED = "leased"
    WRITING = "writing"
    """Its answer is being stored: only the workspace knows whether it was."""
    ANSWERED = "answered"
    UNDOING = "undoing"
    """Its answer is being taken back: only the workspace knows whether it was."""


metadata = MetaData()

items = Table(
    "review_items",
    metadata,
    Column("item_id", String, primary_key=True),
    Column("round", Integer, nullable=False),
    Column("shown_kind", String, nullable=False),
    Column("priority", Float, nullable=False),
    Column("status", String, nullable=False),
    Column("places", Integer, nullable=False),  # reads it takes: one more once it is disputed
    Column("taken", Integer, nullable=False),  # rows of it in review_reads
    Column("document", Text, nullable=False),  # the ReviewItem
    Index("review_items_by_priority", "round", "status", "priority"),
)

reads = Table(
    "review_reads",
    metadata,
    # The two keys are what makes a double read double: one row a place, and one a reader.
    Column("item_id", String, primary_key=True),
    Column("reader", String, primary_key=True),
    Column("slot", Integer, nullable=False),
    Column("round", Integer, nullable=False),
    Column("state", String, nullable=False),
    Column("lease_id", String, nullable=False, unique=True),
    Column("expires", Float, nullable=False),  # seconds since 1970, UTC
    Index("review_reads_of_a_place", "item_id", "slot", unique=True),
    Index("review_reads_by_expiry", "round", "state", "expires"),
)

acts = Table(
    "review_acts",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("entry_id", String, unique=True),  # of what the workspace's log holds too
    Column("act", String, nullable=False),
    Column("round", Integer, nullable=False),
    Column("item_id", String, nullable=False),
    Column("reader", String, nullable=False),
    Column("created", Float, nullable=False),  # seconds since 1970, UTC
    Column("seconds", Float, nullable=False),
    Column("reason", Text, nullable=False),
    Column("document", Text),  # the ReviewEntry
    Index("review_acts_of_an_item", "item_id", "act", "reader"),
    Index("review_acts_of_a_reader", "round", "reader", "act"),
)

people = Table(
    "review_people",
    metadata,
    Column("name", String, primary_key=True),
    Column("role", String, nullable=False),
    Column("token_hash", String, nullable=False, unique=True),
    Column("revoked", Boolean, nullable=False),
)
