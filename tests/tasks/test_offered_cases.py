"""What an ingestion is known by, and that no case hides another."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scalemai_core.errors import UsageError
from scalemai_core.intake.case import CaseFiles, IntakeCase
from scalemai_core.intake.sources import open_source
from scalemai_core.records.offer import Offer
from scalemai_core.records.scan import CaseInfo
from scalemai_core.store.catalog.tables import REJECTIONS
from scalemai_core.store.workspace import Workspace
from tasks import ingest
from tasks.ingest import commit_cases, ingestion_key, plan_ingestion, store_cases


def write_image(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    voxels = np.random.default_rng(seed).integers(-1000, 1000, (4, 5, 6)).astype(np.int16)
    nib.save(nib.Nifti1Image(voxels, np.eye(4)), path)  # pyright: ignore[reportPrivateImportUsage]
    return path


def an_offer(folder: Path, *sources: Path, labels_from: str | None = None) -> Offer:
    names = tuple(map(str, sources))
    return Offer(workspace=str(folder / "ws"), sources=names, labels_from=labels_from)


def the_case(path: Path) -> dict[str, CaseFiles]:
    (files,) = open_source(str(path)).cases
    return {"case": files}


def test_two_cases_of_one_name_are_told_and_neither_is_lost(tmp_path: Path) -> None:
    first, second = (write_image(tmp_path / p / "ct.nii.gz", n) for n, p in enumerate("ab"))
    with pytest.raises(UsageError, match="two cases are called ct/ct") as told:
        plan_ingestion.fn(an_offer(tmp_path, first, second))
    assert str(first) in str(told.value)
    assert str(second) in str(told.value)


def test_the_same_files_with_another_patient_are_another_ingestion(tmp_path: Path) -> None:
    cases = the_case(write_image(tmp_path / "ct.nii.gz", 1))
    offer = an_offer(tmp_path, tmp_path / "ct.nii.gz")
    corrected = cases["case"].model_copy(update={"info": CaseInfo(patient="P-17")})
    assert ingestion_key(offer, cases) == ingestion_key(offer, dict(cases))
    assert ingestion_key(offer, cases) != ingestion_key(offer, {"case": corrected})


def test_the_same_files_under_corrected_label_names_are_another_ingestion(tmp_path: Path) -> None:
    cases = the_case(write_image(tmp_path / "ct.nii.gz", 1))
    names = tmp_path / "names.yaml"
    offer = an_offer(tmp_path, tmp_path / "ct.nii.gz", labels_from=str(names))
    keys = set()
    for structure in ("liver", "spleen"):
        names.write_text(f"name: own\nsource: here\nlabels: {{1: {structure}}}\n")
        keys.add(ingestion_key(offer, cases))
    assert len(keys) == 2


def test_a_case_that_fails_for_a_reason_no_reader_knows_is_a_rejected_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = (write_image(tmp_path / f"{n}.nii.gz", n) for n in (1, 2))
    read_case = ingest.read_case

    def fail(files: CaseFiles, names: object) -> IntakeCase:
        if files.path == bad:
            raise ValueError("a decoder's own words")
        return read_case(files, None)

    monkeypatch.setattr(ingest, "read_case", fail)
    offer = an_offer(tmp_path, good, bad)
    cases, shards = plan_ingestion.fn(offer)
    for shard in shards:
        store_cases.fn(shard, cases, offer)
    version = commit_cases.fn(offer, cases)
    assert version is not None
    assert version.scans == 1
    (row,) = Workspace.open(offer.workspace).catalog.table("rejections", REJECTIONS).to_dicts()
    assert (row["path"], row["reason"]) == (str(bad), "failed")
    assert "a decoder's own words" in row["message"]
    assert "touch" in row["remedy"]


def test_a_file_that_may_be_read_by_now_is_another_ingestion(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = the_case(write_image(tmp_path / "ct.nii.gz", 1))
    offer = an_offer(tmp_path, tmp_path / "ct.nii.gz")
    allowed = ingestion_key(offer, cases)
    monkeypatch.setattr(ingest.os, "access", lambda *_: False)
    assert ingestion_key(offer, cases) != allowed
