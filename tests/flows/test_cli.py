"""The command line: one answer on standard output, one line for a mistake, never a traceback."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import polars as pl
import pytest
from command_line import Scalemai
from small_population import GOLD_PATIENTS, PATIENTS, AfterOneRound, command

from scalemai_core.taxonomy.taxonomy import load_taxonomy

pytestmark = pytest.mark.flow


def test_status_in_json_is_one_document(scalemai: Scalemai, first_round: AfterOneRound) -> None:
    found = scalemai("status", first_round.store.url, "--json")
    assert found.code == 0
    assert [v["number"] for v in found.document["versions"]] == [1, 2, 3]
    assert found.document["rounds"][0]["changed"] == first_round.result.changed


def test_status_in_words_names_the_same(scalemai: Scalemai, first_round: AfterOneRound) -> None:
    found = scalemai("status", first_round.store.url)
    assert found.code == 0
    for words in ("Dataset versions", "Models", "Rounds", "champion", "Review queue"):
        assert words in found.out


def test_versions_are_listed(scalemai: Scalemai, first_round: AfterOneRound) -> None:
    listed = scalemai("versions", first_round.store.url, "--json").document
    versions = [v.model_dump(mode="json") for v in first_round.store.catalog.versions()]
    assert listed == [{**version, "kept": ""} for version in versions]
    assert "Dataset versions" in scalemai("versions", first_round.store.url, "list").out


def test_a_diff_tells_what_changed_by_whom_and_why(
    scalemai: Scalemai, first_round: AfterOneRound
) -> None:
    changes = scalemai("versions", first_round.store.url, "diff", 2, 3, "--json").document
    assert len(changes) == first_round.result.changed
    assert all(change["origin"] and change["reason"] for change in changes)
    words = scalemai("versions", first_round.store.url, "diff", 2, 3).out
    assert f"Version 2 to 3: {len(changes)} masks" in words


def test_a_new_source_becomes_a_version_and_bad_files_are_told_with_their_reason(
    scalemai: Scalemai, sources: Path, tmp_path: Path
) -> None:
    workspace, bad = tmp_path / "ws", tmp_path / "broken.nii.gz"
    bad.write_bytes((sources / "gold" / "case_0008" / "ct.nii.gz").read_bytes()[:5000])
    case = sources / "population" / "case_0001"
    version = scalemai("ingest", workspace, case, bad, "--json")
    assert version.code == 0
    assert (version.document["number"], version.document["scans"]) == (1, 1)
    (rejected,) = scalemai("status", workspace, "--json").document["rejected"]
    assert rejected["path"] == str(bad)
    assert rejected["reason"] == "truncated_file"
    assert rejected["remedy"]
    table = scalemai("status", workspace).out
    assert "truncated_file" in table
    again = scalemai("ingest", workspace, case, bad, "--json")
    assert (again.code, again.document) == (0, None), "the same files again are no new version"
    assert len(scalemai("versions", workspace, "--json").document) == 1


def test_an_export_holds_every_case(
    scalemai: Scalemai, first_round: AfterOneRound, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    found = scalemai("export", first_round.store.url, folder, "--version", 3, "--json")
    assert found.code == 0
    assert found.document == {"cases": PATIENTS + GOLD_PATIENTS, "folder": str(folder)}
    assert len(list((folder / "labelsTr").iterdir())) == PATIENTS + GOLD_PATIENTS
    annotations = pl.read_csv(folder / "annotations.csv", infer_schema_length=None)
    assert annotations.height == 88 * (PATIENTS + GOLD_PATIENTS)
    full = scalemai("export", first_round.store.url, folder, "--version", 3)
    assert full.code == 2
    assert "is not empty" in full.err.splitlines()[-1]


def test_a_consumer_gets_labels_on_the_scans_own_grid_and_volumes(
    scalemai: Scalemai, first_round: AfterOneRound, sources: Path, tmp_path: Path
) -> None:
    scan, out_file = sources / "population" / "case_0001" / "ct.nii.gz", tmp_path / "l.nii.gz"
    model = ("predict", "models:/scalemai@champion", scan, out_file)
    found = scalemai(*model, "--workspace", first_round.store.url, "--json")
    assert found.code == 0
    assert found.document["labels"] == str(out_file)
    labels, image = nib.load(out_file), nib.load(scan)
    np.testing.assert_allclose(labels.affine, image.affine)
    assert labels.shape == image.shape
    volumes = pl.read_csv(tmp_path / "l.csv")
    assert volumes.columns == ["id", "structure", "volume_ml"]
    known = {structure.name: structure.id for structure in load_taxonomy().structures}
    assert all(known[row["structure"]] == row["id"] for row in volumes.to_dicts())
    assert set(volumes["structure"]) == set(found.document["volumes_ml"])


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("status", "NOWHERE"), "no workspace at"),
        (("round", "NOWHERE"), "no workspace at"),
        (("versions", "NOWHERE"), "no workspace at"),
        (("export", "NOWHERE", "OUT", "--version", "1"), "no workspace at"),
        (("round", "WS", "--set", "train.stepz=3"), "unknown key 'train.stepz'"),
        (("round", "WS", "--set", "train.steps=["), "train.steps"),
        (("round", "WS", "--set", "nonsense"), "SECTION.KEY=VALUE"),
        (("round", "WS", "--settings", "NOWHERE"), "cannot read settings file"),
        (("versions", "WS", "diff", "3", "2"), "the older first"),
        (("versions", "WS", "diff", "2"), "two version numbers"),
        (("versions", "WS", "diff", "1", "99"), "no dataset version 99"),
        (("export", "WS", "OUT", "--version", "99"), "no dataset version 99"),
        (("predict", "models:/none@champion", "SCAN", "o.nii.gz", "--workspace", "WS"), "none"),
        (("predict", "models:/scalemai@champion", "SCAN", "o.png", "--workspace", "WS"), "o.png"),
        (("predict", "nonsense", "SCAN", "o.nii.gz", "--workspace", "WS"), "nonsense"),
        (("ingest", "ftq://x", "SCAN"), "cannot use ftq://x"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    scalemai: Scalemai,
    first_round: AfterOneRound,
    tmp_path: Path,
    arguments: tuple[str, ...],
    named: str,
) -> None:
    scan = first_round.sources / "population" / "case_0001" / "ct.nii.gz"
    places = {
        "NOWHERE": tmp_path / "nowhere",
        "WS": first_round.store.url,
        "OUT": tmp_path / "out",
        "SCAN": scan,
    }
    found = scalemai(*(places.get(argument, argument) for argument in arguments))
    assert found.code == 2
    assert found.out == ""
    (line,) = found.err.splitlines()
    assert line.startswith("error: ")
    assert named in line
    assert len(first_round.store.catalog.versions()) == 3


@pytest.mark.parametrize(
    ("more", "named"),
    [(("nowhere.nii.gz",), "does not exist"), (("CASE", "--labels-from", "nomap"), "no label map")],
)
def test_a_mistake_found_inside_a_flow_is_one_line_too(
    sources: Path, tmp_path: Path, more: tuple[str, ...], named: str
) -> None:
    case = str(sources / "population" / "case_0001")
    arguments = [case if argument == "CASE" else argument for argument in more]
    process = command("ingest", str(tmp_path / "ws"), *arguments)
    out, err = process.communicate(timeout=600)
    assert process.returncode == 2
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith("error: ")
    assert named in line
