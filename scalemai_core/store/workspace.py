"""One project's storage: a URL below which scans, label maps, catalog, ledger and models lie."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from functools import cached_property
from pathlib import Path

from pydantic import ValidationError

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.base import Record
from scalemai_core.records.champion import Appointment
from scalemai_core.records.gold import Opening
from scalemai_core.records.label_map import Layer
from scalemai_core.records.pin import DroppedVersion
from scalemai_core.records.set_aside import SetAside
from scalemai_core.store.arrays.label_index import LabelIndex
from scalemai_core.store.arrays.volumes import LabelMaps, Predictions, ScanVolumes, Volumes
from scalemai_core.store.catalog.catalog import Catalog
from scalemai_core.store.documents.claim import Claims
from scalemai_core.store.documents.journal import Journal
from scalemai_core.store.documents.ledger import Ledger
from scalemai_core.store.documents.pins import Pins
from scalemai_core.store.documents.review_log import ReviewLog
from scalemai_core.store.documents.rounds import RoundTables
from scalemai_core.store.files import STORE_ERRORS, Files
from scalemai_core.taxonomy.taxonomy import load_taxonomy

FORMAT = 2
DOCUMENT = "workspace.json"
KEY_VARIABLE = "SCALEMAI_PATIENT_KEY"


class WorkspaceDocument(Record):
    """``workspace.json``: what is fixed when a workspace is made."""

    format: int = FORMAT
    folds: int = 2
    """Fold models; fixed, since a scan must never meet a model that saw its patient."""
    patient_key: str
    """Key of the patient hash; the environment's SCALEMAI_PATIENT_KEY takes precedence."""
    key_mark: str | None = None
    """Tells the key in use from others; None where an older engine made the workspace."""


class Workspace:
    """The rooms of one workspace; travels between processes by its URL."""

    def __init__(self, files: Files, document: WorkspaceDocument) -> None:
        self.files = files
        self.document = document
        self.catalog = Catalog(files)

    @property
    def url(self) -> str:
        """Where it is."""
        return self.files.url

    @classmethod
    def open(cls, url: str) -> Workspace:
        """Open an existing workspace; raises WorkspaceError saying what is wrong with it."""
        files = _files(url)
        try:
            text = files.read_bytes(DOCUMENT)
        except FileNotFoundError as error:
            raise WorkspaceError(
                f"no workspace at {url}: make one with 'scalemai ingest {url} SOURCE'"
            ) from error
        except STORE_ERRORS as error:
            raise WorkspaceError(f"cannot read the workspace at {url}: {error}") from error
        try:
            document = WorkspaceDocument.model_validate_json(text)
        except ValidationError as error:
            # Pydantic's own text quotes the document, and the key of the patient hash with it.
            found = (f"{'.'.join(map(str, p['loc']))} {p['msg']}".strip() for p in error.errors())
            problems = "; ".join(found)
            raise WorkspaceError(f"{url}/{DOCUMENT} is damaged: {problems}") from None
        if document.format != FORMAT:
            raise WorkspaceError(f"{url} has format {document.format}, this engine reads {FORMAT}")
        return cls(files, document)

    @classmethod
    def create(cls, url: str, *, folds: int = 2, patient_key: str | None = None) -> Workspace:
        """Open the workspace, or make an empty one where there is none."""
        files = _files(url)
        try:
            if not files.exists(DOCUMENT):
                own = patient_key or secrets.token_hex(16)
                mark = _mark(_in_use(own))
                document = WorkspaceDocument(folds=folds, patient_key=own, key_mark=mark)
                files.create(DOCUMENT, document.model_dump_json(indent=1).encode())
        except STORE_ERRORS as error:
            raise WorkspaceError(f"cannot make a workspace at {url}: {error}") from error
        return cls.open(url)

    @cached_property
    def scans(self) -> ScanVolumes:
        """Image volumes."""
        return ScanVolumes(self._volumes)

    @cached_property
    def labels(self) -> LabelMaps:
        """Label maps."""
        return LabelMaps(self._volumes, self._structures)

    @cached_property
    def label_index(self) -> LabelIndex:
        """Where structures and lesions are in label maps."""
        return LabelIndex(self.files, self.labels)

    @cached_property
    def predictions(self) -> Predictions:
        """Predicted label maps."""
        return Predictions(self._volumes, self._structures)

    @cached_property
    def _volumes(self) -> Volumes:
        return Volumes(self.files)

    @cached_property
    def _structures(self) -> dict[Layer, dict[int, str]]:
        taxonomy = load_taxonomy()
        return {layer: {s.id: s.name for s in taxonomy.in_layer(layer)} for layer in Layer}

    def ledger(self, round_number: int, stage: str, key: str) -> Ledger:
        """What a stage of a round has finished."""
        return Ledger(self.files, round_number, stage, key)

    def round(self, number: int) -> RoundTables:
        """The tables of a round."""
        return RoundTables(self.files, number)

    def review_log(self, round_number: int) -> ReviewLog:
        """What people did in a round's review."""
        return ReviewLog(self.files, round_number)

    def set_aside(self, round_number: int) -> Journal[SetAside]:
        """Scans that stages of a round could not work, with reasons."""
        return Journal(self.files, f"rounds/{round_number}/set-aside", SetAside)

    @property
    def appointments(self) -> Journal[Appointment]:
        """Every champion, by time."""
        return Journal(self.files, "champions", Appointment)

    @property
    def gold_openings(self) -> Journal[Opening]:
        """Every look at gold ``test``, by round."""
        return Journal(self.files, "gold/openings", Opening)

    @property
    def dropped(self) -> Journal[DroppedVersion]:
        """Dataset versions whose state was given up."""
        return Journal(self.files, "dropped", DroppedVersion)

    @property
    def pins(self) -> Pins:
        """Dataset versions that stay for ever."""
        return Pins(self.files)

    def claims(self, what: str) -> Claims:
        """Who plays a round, or takes scans in."""
        return Claims(self.files, what)

    def patient_hash(self, patient: str) -> str:
        """Keyed hash of a patient's name in the source; the name itself is never stored.

        Raises WorkspaceError as ``check_patient_key`` does.
        """
        self.check_patient_key()
        return _keyed(patient, self._patient_key)

    def check_patient_key(self) -> None:
        """Raises WorkspaceError where this process would hash patients by another key than the
        workspace's: one patient would be two, and fall into two folds."""
        if self.document.key_mark in (None, _mark(self._patient_key)):
            return
        remedy = "is another one here: set it as it was when the workspace was made"
        if not os.environ.get(KEY_VARIABLE):
            remedy = "was set when the workspace was made: set it here too"
        raise WorkspaceError(
            f"patients of {self.url} have a key of their own: {KEY_VARIABLE} {remedy}"
        )

    @property
    def _patient_key(self) -> str:
        return _in_use(self.document.patient_key)

    @property
    def local_state(self) -> Path:
        """Folder on this machine for what is no data: queue, MLflow and Prefect databases."""
        if self.files.folder is not None:
            return self.files.folder.absolute()
        home = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
        name = hashlib.blake2b(self.url.encode(), digest_size=6).hexdigest()
        return home / "scalemai" / name

    def write_document(self, path: str, document: Record) -> None:
        """Store a record as JSON, whole or not at all."""
        self.files.write_bytes(path, document.model_dump_json(indent=1).encode())

    def read_json(self, path: str) -> dict[str, object] | None:
        """A stored JSON document, or None."""
        if not self.files.exists(path):
            return None
        return json.loads(self.files.read_bytes(path))


def _files(url: str) -> Files:
    files = Files(url)
    if files.folder is not None and files.folder.is_file():
        raise WorkspaceError(f"{url} is a file; a workspace is a folder or an s3:// URL")
    return files


def _in_use(own: str) -> str:
    """The key of patients' hashes, by the workspace's own."""
    return os.environ.get(KEY_VARIABLE) or own


def _keyed(text: str, key: str) -> str:
    return hashlib.blake2b(text.encode(), key=key.encode()[:64], digest_size=8).hexdigest()


def _mark(key: str) -> str:
    """Short, so that it says little about a key that somebody chose."""
    return _keyed("mark of the key", key)[:8]
