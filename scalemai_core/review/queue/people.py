"""Who may use the review page: names, roles, and the hash of each person's token."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select, update

from scalemai_core.errors import UsageError
from scalemai_core.records.reader import Reader, Role
from scalemai_core.review.queue.tables import people


def add(connection: Connection, reader: Reader, token_hash: str) -> None:
    """Let somebody in; a token given before is worth nothing from now on."""
    connection.execute(delete(people).where(people.c.name == reader.name))
    row = {
        "name": reader.name,
        "role": reader.role.value,
        "token_hash": token_hash,
        "revoked": False,
    }
    connection.execute(insert(people), row)


def find(connection: Connection, token_hash: str) -> Reader | None:
    """Whose token it is; None where it is nobody's, or nobody's any more."""
    valid = (people.c.token_hash == token_hash) & people.c.revoked.is_(False)
    row = connection.execute(select(people).where(valid)).one_or_none()
    return None if row is None else Reader(name=row.name, role=Role(row.role))


def revoke(connection: Connection, name: str) -> None:
    """Let somebody in no more; raises UsageError where nobody has that name."""
    gone = update(people).where(people.c.name == name).values(revoked=True)
    if not connection.execute(gone).rowcount:
        raise UsageError(f"nobody named '{name}' has a token")


def everybody(connection: Connection) -> tuple[Reader, ...]:
    """All whose tokens are valid, by name."""
    wanted = select(people).where(people.c.revoked.is_(False)).order_by(people.c.name)
    rows = connection.execute(wanted)
    return tuple(Reader(name=row.name, role=Role(row.role)) for row in rows)
