"""Whole documents below one URL, on a disk or in a bucket; knows nothing of their content."""

from __future__ import annotations

import glob
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

import fsspec
from fsspec.implementations.local import LocalFileSystem

from scalemai_core.errors import WorkspaceError
from scalemai_core.store import patience
from scalemai_core.store.listing import Entry, walk

STORE_ERRORS = patience.STORE_ERRORS


class Files:
    """Reads and writes bytes below ``url``; a document exists whole or not at all."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            # Other machines write too: a remembered listing would hide what they did.
            options = {"use_listings_cache": False, **_options(self.url)}
            self._fs, self._root = fsspec.url_to_fs(self.url, **options)
        except (ValueError, ImportError) as error:
            raise WorkspaceError(
                f"cannot use {url} as a workspace: {error}; give a folder or an s3:// URL"
            ) from error
        self._root = self._root.rstrip("/")
        self._on_disk = isinstance(self._fs, LocalFileSystem)

    @property
    def folder(self) -> Path | None:
        """The folder on this machine, or None in a bucket."""
        return Path(self._root) if self._on_disk else None

    def read_bytes(self, path: str) -> bytes:
        """The whole document; raises FileNotFoundError."""
        if not self._on_disk:
            return self._fs.cat_file(self._at(path))
        with open(self._at(path), "rb", buffering=0) as file:  # noqa: PTH123 - a third of the time
            return file.read()

    def read_end(self, path: str, num_bytes: int) -> bytes:
        """The last bytes of a document, all of a shorter one; raises FileNotFoundError."""
        if not self._on_disk:
            return self._fs.cat_file(self._at(path), start=-num_bytes)
        file = os.open(self._at(path), os.O_RDONLY)
        try:
            return os.pread(file, num_bytes, max(0, os.fstat(file).st_size - num_bytes))
        finally:
            os.close(file)

    def open(self, path: str) -> BinaryIO:
        """A document to be read in parts; raises FileNotFoundError."""
        if not self._on_disk:
            return self._fs.open(self._at(path), "rb")
        return Path(self._at(path)).open("rb")  # the system's own: what reads tables maps it

    def read_ranges(self, path: str, ranges: Sequence[tuple[int, int]]) -> Iterator[bytes]:
        """Parts of a document, from first byte to behind the last; in a bucket all at once.

        Raises FileNotFoundError.
        """
        if not self._on_disk:
            starts, stops = [start for start, _ in ranges], [stop for _, stop in ranges]
            paths = [self._at(path)] * len(ranges)
            yield from self._fs.cat_ranges(paths, starts, stops, on_error="raise")
            return
        file = os.open(self._at(path), os.O_RDONLY)
        try:
            for start, stop in ranges:
                yield os.pread(file, stop - start, start)
        finally:
            os.close(file)

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write whole or not at all: by rename on a disk, by one put in a bucket."""
        target = self._at(path)
        if not self._on_disk:
            self._fs.pipe_file(target, data)
            return
        os.replace(_scratch(target, data), target)  # noqa: PTH105 - the atomic call, by its own name

    def put(self, path: str, source: Path) -> None:
        """Write what a file on this machine holds, whole or not at all, a few MB at a time."""
        target = self._at(path)
        if not self._on_disk:
            self._fs.put_file(str(source), target)
            return
        scratch = _scratch(target, b"")
        shutil.copyfile(source, scratch)
        os.replace(scratch, target)  # noqa: PTH105

    def create(self, path: str, data: bytes) -> bool:
        """Write a document unless one is there; of many at once one does. Whether it was this one.

        A bucket is asked to put only where nothing is; on a disk a finished file is given its name.
        """
        target = self._at(path)
        if not self._on_disk:
            try:
                self._fs.pipe_file(target, data, mode="create")
            except OSError as error:
                # A put that went through and whose answer was lost is tried again, and then finds
                # itself: bytes that nobody else can have written are ours.
                with suppress(FileNotFoundError):
                    return self.read_bytes(path) == data
                raise error from None
            return True
        scratch = _scratch(target, data)
        try:
            os.link(scratch, target)
        except FileExistsError:
            return False
        finally:
            os.unlink(scratch)  # noqa: PTH108
        return True

    def listing(self, folder: str) -> dict[str, Entry]:
        """All below a folder, hidden scratch files too, by path; a bucket is asked once a 1,000."""
        if self.folder is not None:
            return dict(walk(self.folder, self.folder / folder))
        try:
            found = self._fs.find(self._at(folder), detail=True)
        except FileNotFoundError:
            return {}
        start = len(self._root) + 1
        return {
            path[start:]: Entry(int(info["size"]), info["LastModified"])
            for path, info in found.items()
        }

    def remove_all(self, paths: Sequence[str]) -> None:
        """Remove documents, on a disk in the order given, and the folders that become empty."""
        if self.folder is None:
            if paths:
                self._fs.rm([self._at(path) for path in paths])
            return
        for path in paths:
            target = self.folder / path
            target.unlink(missing_ok=True)
            for parent in target.parents:
                if parent == self.folder or not _removed(parent):
                    break

    def remove(self, path: str) -> None:
        """Remove a document, if it is there, and what killed writers of it left behind."""
        if self.folder is None:
            with suppress(FileNotFoundError):
                self._fs.rm_file(self._at(path))
            return
        target = self.folder / path
        for left in (target, *target.parent.glob(f".{glob.escape(target.name)}.*")):
            left.unlink(missing_ok=True)

    def exists(self, path: str) -> bool:
        """Whether the document is there."""
        if self._on_disk:
            return os.path.exists(self._at(path))  # noqa: PTH110 - asked for every volume
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
        names = [f"{folder}/{name}" for name in self.names(folder) if name.endswith(ending)]
        if self._on_disk:
            return [self.read_bytes(name) for name in names]
        paths = [self._at(name) for name in names]
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
        allowed = {"AWS_ALLOW_HTTP": "true"} if plain_http else {}
        return patience.table_options() | allowed

    def _at(self, path: str) -> str:
        return f"{self._root}/{path}" if path else self._root

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel by URL: file systems hold connections."""
        return (Files, (self.url,))


def _removed(folder: Path) -> bool:
    """Whether an empty folder is gone now; others stay."""
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def _scratch(target: str, data: bytes) -> str:
    """The data in a hidden file beside the target, on text since most documents are tiny."""
    folder, name = target.rsplit("/", 1)
    scratch = f"{folder}/.{name}.{secrets.token_hex(4)}"
    try:
        file = open(scratch, "xb")  # noqa: PTH123, SIM115 - closed below
    except FileNotFoundError:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        file = open(scratch, "xb")  # noqa: PTH123, SIM115
    with file:
        file.write(data)
    return scratch


def _options(url: str) -> dict[str, Any]:
    """What a file system is told beyond its URL."""
    return patience.bucket_options() if url.startswith("s3://") else {}
