"""Whole documents below one URL, on a disk or in a bucket; knows nothing of their content."""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any

import fsspec
from botocore.exceptions import BotoCoreError, ClientError
from fsspec.implementations.local import LocalFileSystem
from zarr.storage import FsspecStore, LocalStore

from scalemai_core.errors import WorkspaceError

STORE_ERRORS = (OSError, BotoCoreError, ClientError)
"""What a disk or a bucket may raise: no permission, no credentials, no such bucket, no network."""


class Files:
    """Reads and writes bytes below ``url``; a document exists whole or not at all."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            # Other machines write too: a remembered listing would hide what they did.
            self._fs, self._root = fsspec.url_to_fs(self.url, use_listings_cache=False)
        except (ValueError, ImportError) as error:
            raise WorkspaceError(
                f"cannot use {url} as a workspace: {error}; give a folder or an s3:// URL"
            ) from error
        self._root = self._root.rstrip("/")

    @property
    def folder(self) -> Path | None:
        """The folder on this machine, or None in a bucket."""
        return Path(self._root) if isinstance(self._fs, LocalFileSystem) else None

    def read_bytes(self, path: str) -> bytes:
        """The whole document; raises FileNotFoundError."""
        return self._fs.cat_file(self._at(path))

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write whole or not at all: by rename on a disk, by one put in a bucket."""
        if self.folder is None:
            self._fs.pipe_file(self._at(path), data)
            return
        target = self.folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
        scratch.write_bytes(data)
        os.replace(scratch, target)  # noqa: PTH105 - the atomic call, by its own name

    def exists(self, path: str) -> bool:
        """Whether the document is there."""
        return bool(self._fs.exists(self._at(path)))

    def size(self, path: str) -> int:
        """Bytes of a document; 0 if it is not there."""
        try:
            return int(self._fs.size(self._at(path)) or 0)
        except FileNotFoundError:
            return 0

    def names(self, folder: str) -> list[str]:
        """Sorted names directly below a folder; empty if there is none."""
        try:
            entries = self._fs.ls(self._at(folder), detail=False)
        except FileNotFoundError:
            return []
        names = (entry.rstrip("/").rsplit("/", 1)[-1] for entry in entries)
        return sorted(name for name in names if not name.startswith("."))

    def read_all(self, folder: str, ending: str) -> list[bytes]:
        """Every document directly below a folder whose name ends so; in a bucket all at once."""
        paths = [
            self._at(f"{folder}/{name}") for name in self.names(folder) if name.endswith(ending)
        ]
        found: dict[str, bytes] = self._fs.cat(paths) if paths else {}
        return [found[path] for path in sorted(found)]

    def table_url(self, path: str) -> str:
        """Where Delta Lake finds a table."""
        return str(self.folder / path) if self.folder is not None else f"{self.url}/{path}"

    def table_options(self) -> dict[str, str] | None:
        """What delta-rs needs beyond the environment's AWS_* variables."""
        if self.folder is not None:
            return None
        plain_http = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
        return {"AWS_ALLOW_HTTP": "true"} if plain_http else {}

    def zarr_store(self, path: str = "", *, read_only: bool) -> LocalStore | FsspecStore:
        """The same place, or one below it, as Zarr sees it."""
        if self.folder is not None:
            return LocalStore(self.folder / path, read_only=read_only)
        return FsspecStore.from_url(f"{self.url}/{path}".rstrip("/"), read_only=read_only)

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel by URL: file systems hold connections."""
        return (Files, (self.url,))
