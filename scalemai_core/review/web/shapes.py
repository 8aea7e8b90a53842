"""What the API takes and gives, where it is not a record already."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from scalemai_core.judge.rules.rule import spoken
from scalemai_core.records.answer import PieceName
from scalemai_core.records.base import Record
from scalemai_core.records.decision import Candidate
from scalemai_core.records.lease import Lease
from scalemai_core.records.listed_item import ItemStatus, ListedItem
from scalemai_core.records.reader import Role
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.review_stats import Progress
from scalemai_core.review.bundle.cut import item_header

DAY_SECONDS = 86_400.0
MOST_PIECES = 250
MOST_KINDS = 20

LEASE_ID = r"^[0-9a-f]{32}$"
Hash = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_.:-]{1,200}$")]
Seconds = Annotated[float, Field(ge=0, le=DAY_SECONDS, allow_inf_nan=False, strict=True)]
Words = Annotated[str, StringConstraints(max_length=500, pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*$")]
Reason = Annotated[
    str,
    StringConstraints(
        max_length=500,
        pattern=r"^[^\x00-\x08\x0b-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x08\x0b-\x1f\x7f]*$",
    ),
]
"""Words, and not only spaces."""


class Asked(BaseModel):
    """A request's body: no unknown keys, and no word of it in an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class LogIn(Asked):
    """A token, unless a trusted proxy says who asks."""

    token: str | None = Field(default=None, max_length=200)


class WantedLeases(Asked):
    """How many items somebody takes, and of which kinds."""

    count: Literal[1, 2, 3, 4, 5] = 1
    kinds: tuple[ItemKind, ...] | None = Field(default=None, max_length=MOST_KINDS)


class GivenAnswer(Asked):
    """A choice without a drawing."""

    choice: Candidate
    base_label_map: Hash | None
    seconds: Seconds
    note: Words = ""
    pieces: tuple[PieceName, ...] = Field(default=(), max_length=MOST_PIECES)


class GivenSkip(Asked):
    """Why somebody else should look."""

    reason: Reason
    seconds: Seconds = 0.0


class Problem(BaseModel):
    """What went wrong, in one sentence, and a word for programs."""

    error: str
    code: str


class LoggedIn(Record):
    """Who is there."""

    reader: str
    role: Role
    csrf: str
    """To be sent with every write as ``X-CSRF-Token``; empty for a tool."""


class ShownItem(Record):
    """What a reader may know of an item: neither what is expected nor that it is read twice."""

    item_id: str
    round: int
    kind: ItemKind
    structure: str
    structure_words: str
    reason: str
    priority: float
    candidate_id: str | None
    base_label_map: str | None

    @classmethod
    def of(cls, item: ReviewItem) -> ShownItem:
        """The public part."""
        return cls.model_validate(item_header(item))


class ListedRow(Record):
    """A line of the page's list."""

    item_id: str
    kind: ItemKind
    structure: str
    structure_words: str
    priority: float
    reason: str
    seconds: float
    status: ItemStatus
    skipped: tuple[str, ...]
    """Why others passed it on."""

    @classmethod
    def of(cls, listed: ListedItem) -> ListedRow:
        """The public part."""
        item = listed.item
        return cls(
            item_id=item.item_id,
            kind=item.shown_kind,
            structure=item.structure,
            structure_words=spoken(item.structure),
            priority=item.priority,
            reason=item.reason,
            seconds=item.seconds,
            status=listed.status,
            skipped=listed.skipped,
        )


class Listing(Record):
    """The list, the most valuable first."""

    items: tuple[ListedRow, ...]


class ShownLease(Record):
    """An item that is held for the one who asked."""

    lease_id: str
    item: ShownItem
    expires: datetime

    @classmethod
    def of(cls, lease: Lease) -> ShownLease:
        """The public part."""
        return cls(lease_id=lease.lease_id, item=ShownItem.of(lease.item), expires=lease.expires)


class GivenLeases(Record):
    """All that one now holds."""

    leases: tuple[ShownLease, ...]


class GivenLease(Record):
    """The one that is held again."""

    lease: ShownLease


class OpenRound(Record):
    """What waits; ``round`` is None where no review is open."""

    round: int | None
    kinds: dict[ItemKind, int]
    progress: Progress | None
