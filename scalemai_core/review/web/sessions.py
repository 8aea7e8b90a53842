"""Who is logged in: in the queue's database, so that several servers know the same people."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Column, Float, Index, MetaData, String, Table, delete, insert, select

from scalemai_core.review.queue.database import Database

SECRET_BYTES = 32

metadata = MetaData()
sessions = Table(
    "review_sessions",
    metadata,
    Column("session_hash", String, primary_key=True),
    Column("reader", String, nullable=False),
    Column("token_hash", String),
    Column("expires", Float, nullable=False),  # seconds since 1970, UTC
    Index("review_sessions_by_expiry", "expires"),
)


def new_secret() -> str:
    """256 random bits, as 43 characters that need no quoting."""
    return secrets.token_urlsafe(SECRET_BYTES)


def secret_hash(secret: str) -> str:
    """What is stored of a token or a session's id; a random secret needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def csrf_token(session_id: str) -> str:
    """What a write must carry beside the cookie: of the session's id, which it does not tell."""
    return hashlib.sha256(f"csrf:{session_id}".encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody logged in."""

    reader: str
    token_hash: str | None
    """Of the token it was opened with: the session ends with it. None where a proxy said who."""


class Sessions:
    """The table ``review_sessions``; it holds hashes, so that reading it lets nobody in."""

    def __init__(self, database: Database, hours: float) -> None:
        self._database = database
        self._seconds = hours * 3600

    def open(self, session: Session) -> str:
        """The id of a new session; what expired is cleared away."""
        now = _now()
        session_id = new_secret()
        row = {
            "session_hash": secret_hash(session_id),
            "reader": session.reader,
            "token_hash": session.token_hash,
            "expires": now + self._seconds,
        }
        with self._database.writing() as connection:
            connection.execute(delete(sessions).where(sessions.c.expires <= now))
            connection.execute(insert(sessions).values(row))
        return session_id

    def find(self, session_id: str) -> Session | None:
        """The session of an id, while it lasts."""
        wanted = select(sessions.c.reader, sessions.c.token_hash).where(
            sessions.c.session_hash == secret_hash(session_id), sessions.c.expires > _now()
        )
        with self._database.reading() as connection:
            row = connection.execute(wanted).one_or_none()
        return Session(reader=row.reader, token_hash=row.token_hash) if row else None

    def close(self, session_id: str) -> None:
        """Forget it."""
        with self._database.writing() as connection:
            connection.execute(
                delete(sessions).where(sessions.c.session_hash == secret_hash(session_id))
            )


def _now() -> float:
    return datetime.now(UTC).timestamp()
