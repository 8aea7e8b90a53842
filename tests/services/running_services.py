"""What ``make services`` left in the environment, and places of one's own in it."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import s3fs
import yaml
from psycopg import sql
from small_population import SETTINGS
from sqlalchemy import URL, make_url

from scalemai_core.store.files import Files

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Room:
    """A workspace's URL, a queue, and a name in the model registry that nobody else uses."""

    workspace: str
    database: str
    model: str

    def settings(self) -> dict[str, Any]:
        """A round of seconds on the services."""
        named = named_services()
        return {
            **SETTINGS,
            "compute": {**SETTINGS["compute"], **named["compute"]},
            "review": {"mode": "wait", "database": self.database},
            "tracking": {**named["tracking"], "model": self.model},
        }


def named_services() -> dict[str, Any]:
    """The sections of the settings that the services wrote down."""
    return yaml.safe_load(Path(os.environ["SCALEMAI_SETTINGS"]).read_text())


@contextmanager
def room() -> Iterator[Room]:
    """Places that are gone afterwards; what MLflow was told stays."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    server = make_url(named_services()["review"]["database"])
    workspace = f"{os.environ['SCALEMAI_BUCKET']}/{name}"
    administer(server, sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield Room(workspace, str(server.set(database=name)), name)
    finally:
        drop = sql.SQL("DROP DATABASE {} WITH (FORCE)")
        administer(server, drop.format(sql.Identifier(name)))
        remove_all(workspace)


def administer(server: URL, command: sql.Composed) -> None:
    """One command on a connection of its own: tests kill servers."""
    with psycopg.connect(libpq(server), autocommit=True) as connection:
        connection.execute(command)


def remove_all(workspace: str) -> None:
    """Every object below a URL."""
    if Files(workspace).names(""):
        s3fs.S3FileSystem(use_listings_cache=False).rm(workspace, recursive=True)


def libpq(url: URL) -> str:
    """The same address without SQLAlchemy's driver; the password comes from PGPASSFILE."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
