"""Whether one stored object is what was written: read to its end, sums checked, names found again.

Scans and label maps are named by their content, so they prove themselves. Chunks of every volume
and weights carry checksums. Other documents have to parse.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Mapping

import polars as pl
from pyarrow.parquet import ParquetFile

from scalemai_core.errors import ScaleMAIError
from scalemai_core.records.base import Record
from scalemai_core.records.champion import Appointment
from scalemai_core.records.gold import Opening
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.review_entry import ReviewEntry
from scalemai_core.records.round import RoundPlan, RoundResult
from scalemai_core.records.verification import Fault
from scalemai_core.store.arrays import ome
from scalemai_core.store.arrays.stored_array import SHARD
from scalemai_core.store.arrays.volumes import Volumes, content_hash
from scalemai_core.store.files import STORE_ERRORS, Entry, Files
from scalemai_core.store.keeping.delta import UNREADABLE
from scalemai_core.store.seal import check_seal, unsealed
from scalemai_core.store.tensor_file import ABOUT, contents, contents_end
from scalemai_core.store.workspace import WorkspaceDocument

Found = tuple[Fault, str]
"""What is wrong, and what was seen of it."""
DAMAGE = (
    *(ValueError, RuntimeError, LookupError, TypeError, ArithmeticError, EOFError),
    *(ScaleMAIError, pl.exceptions.PolarsError, zipfile.BadZipFile, *UNREADABLE),
)
"""What decoders raise over bytes that are not what they were."""
VOLUME = (ome.GROUP_DOCUMENT, f"{ome.LEVEL}/{ome.GROUP_DOCUMENT}", f"{ome.LEVEL}/{SHARD}")
"""Objects of a volume, the one that makes it visible first."""


def structure_fault(folder: str, listing: Mapping[str, Entry]) -> Found | None:
    """Whether all objects of a volume are there, by a listing alone."""
    there = [name for name in VOLUME if (e := listing.get(f"{folder}/{name}")) and e.size]
    if len(there) == len(VOLUME):
        return None
    if not there:
        return Fault.MISSING, "nothing of it is there"
    lost = ", ".join(name for name in VOLUME if name not in there)
    return Fault.TORN, f"without {lost}"


def volume_fault(files: Files, folder: str, name: str | None) -> Found | None:
    """Whether a volume reads to its end and, if it has a name by content, has it still."""

    def look() -> Found | None:
        volumes = Volumes(files)
        place = f"{folder}/{ome.GROUP_DOCUMENT}"
        own = unsealed(files.read_bytes(place), place)
        voxels_zyx = volumes.read(folder)
        if name is None:
            return None
        about = own["attributes"]["scalemai"]
        context = f"{about['scan']}/{about['layer']}" if "layer" in about else ""
        found = content_hash(voxels_zyx, volumes.grid(folder), context)
        if found == name:
            return None
        return Fault.ALTERED, "voxels or geometry do not fit the name"

    return _looked(look)


def table_fault(read_through: Callable[[], None]) -> Found | None:
    """Whether a table can be read."""
    return _looked(read_through)


def digest_fault(digest: Callable[[], str], expected: str) -> Found | None:
    """Whether a dataset version holds what it held when it was committed."""

    def look() -> Found | None:
        if digest() == expected:
            return None
        return Fault.ALTERED, "scans and annotations do not fit the version's digest"

    return _looked(look)


def document_fault(files: Files, path: str, keep: Callable[[bytes], Found | None]) -> Found | None:
    """Whether a document parses as what its place says, and whether ``keep`` knows it so."""

    def look() -> Found | None:
        data = files.read_bytes(path)
        if not data and not path.endswith(".jsonl"):
            return Fault.TORN, "it is empty"
        return _parse(path, data) or keep(data)

    return _looked(look)


def _looked(look: Callable[[], Found | None]) -> Found | None:
    try:
        return look()
    except FileNotFoundError as error:
        return Fault.MISSING, str(error)
    except STORE_ERRORS as error:
        # A decoder's complaint about bytes is an OSError too, without a number of the system's.
        decoder = type(error) is OSError and error.errno is None
        return Fault.ALTERED if decoder else Fault.UNREADABLE, str(error).partition("\n")[0]
    except DAMAGE as error:
        return Fault.ALTERED, f"{type(error).__name__}: {error}".splitlines()[0]


def _parse(path: str, data: bytes) -> Found | None:
    ending = path.rpartition(".")[2]
    if ending == "safetensors":
        return _weights(path, data)
    if ending in ("parquet", "done"):
        _table(data)
    elif ending == "jsonl":
        for line in data.splitlines():
            ReviewEntry.model_validate_json(line)
    elif ending == "skops" and (broken := zipfile.ZipFile(io.BytesIO(data)).testzip()):
        return Fault.ALTERED, f"a checksum in it is wrong: {broken}"
    elif ending == "html" and not data.rstrip().endswith(b"</html>"):
        return Fault.TORN, "the page has no end"
    elif ending == "json":
        _record(path, data)
    return None


def _table(data: bytes) -> None:
    with ParquetFile(io.BytesIO(data)) as parquet:
        for group in range(parquet.num_row_groups):  # all at once may be gigabytes
            parquet.read_row_group(group)


def _record(path: str, data: bytes) -> None:
    kind = next((kind for end, kind in _RECORDS.items() if end in f"/{path}"), None)
    if kind is None:
        json.loads(data)
    else:
        kind.model_validate_json(data)


_RECORDS: dict[str, type[Record]] = {
    "/workspace.json": WorkspaceDocument,
    "/champions/": Appointment,
    "/gold/openings/": Opening,
    "/model.json": ModelDocument,
    "/plan.json": RoundPlan,
    "/result.json": RoundResult,
}


def _weights(path: str, data: bytes) -> Found | None:
    """A safetensors file says where its last tensor ends."""
    end = contents_end(data)
    if len(data) < end:
        return Fault.TORN, f"{len(data)} bytes, without the table of its tensors"
    tensors = (one for name, one in contents(data).items() if name != ABOUT)
    whole = end + max((int(one["data_offsets"][1]) for one in tensors), default=0)
    if len(data) < whole:
        return Fault.TORN, f"{len(data)} bytes of {whole}"
    check_seal(data, path)
    return None
