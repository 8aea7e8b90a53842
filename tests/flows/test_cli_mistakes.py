"""Mistakes in files that a person gives: one line that names them, and nothing lost."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from small_population import AfterOneRound, offer, small_settings

from flows.cli import main
from flows.ingest import ingest
from flows.overview import overview
from flows.release import release
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.settings.review import ReviewSettings

SECRET = "0123456789abcdef"


def mistake(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> str:
    """The one line that a mistaken command leaves."""
    monkeypatch.setattr(sys, "argv", ["scalemai", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert ended.value.code == 2
    assert said.out == ""
    (line,) = said.err.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (b"trian: {steps: 3}\n", "unknown key 'trian'"),
        (b"train: {stepz: 3}\n", "unknown key 'train.stepz'"),
        (b"train: {steps: many}\n", "'train.steps'"),
        (b"a: [1\nb: }\n", "is not YAML"),
        (b"\xff\xfe\x00\n", "is not YAML"),
        (b"- 1\n", "must hold sections"),
    ],
)
def test_a_wrong_settings_file_is_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: bytes,
    named: str,
) -> None:
    file = tmp_path / "settings.yaml"
    file.write_bytes(content)
    assert named in mistake(monkeypatch, capsys, "status", tmp_path, "--settings", file)


@pytest.mark.parametrize(
    "content",
    ['{"format": 1', f'{{"patient_kei": "{SECRET}"}}', f'{{"patient_key": ["{SECRET}"]}}', "[]"],
)
def test_a_damaged_workspace_is_one_line_without_the_patient_key(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    content: str,
) -> None:
    (tmp_path / "workspace.json").write_text(content)
    line = mistake(monkeypatch, capsys, "status", tmp_path)
    assert "workspace.json is damaged" in line
    assert SECRET not in line


@pytest.mark.parametrize("command", ["status", "ingest"])
def test_a_file_is_no_workspace(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command: str,
) -> None:
    file = tmp_path / "file.txt"
    file.write_text("kept")
    more = [file] if command == "ingest" else []
    assert str(file) in mistake(monkeypatch, capsys, command, file, *more)
    assert file.read_text() == "kept"


def test_the_installed_command_ends_with_code_2(tmp_path: Path) -> None:
    scalemai = Path(sys.executable).with_name("scalemai")
    ended = subprocess.run(
        [str(scalemai), "versions", str(tmp_path / "nowhere")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: no workspace at ")


@pytest.mark.flow
def test_bad_images_among_good_ones_are_told_with_their_reasons(
    prefect: None, sources: Path, tmp_path: Path
) -> None:
    text, series = tmp_path / "text" / "ct.nii.gz", tmp_path / "series" / "ct.nii.gz"
    for path in (text, series):
        path.parent.mkdir()
    text.write_text("not an image")
    nib.save(nib.Nifti1Image(np.zeros((4, 4, 4, 3), dtype=np.int16), np.eye(4)), series)
    cut = tmp_path / "cut.nii.gz"
    good = sources / "population" / "case_0001"
    cut.write_bytes((good / "ct.nii.gz").read_bytes()[:5000])
    offered = offer(str(tmp_path / "ws"), text.parent, series.parent, cut, good)
    version = ingest(offered, small_settings().compute)
    assert version is not None
    assert version.scans == 1
    found = overview(str(tmp_path / "ws"), TrackingSettings(), ReviewSettings())
    reasons = {Path(row["path"]): row["reason"] for row in found["rejected"]}
    assert reasons.keys() == {text, series, cut}
    assert reasons[cut] == "truncated_file"
    assert len(set(reasons.values())) == 3
    assert all(row["message"] and row["remedy"] for row in found["rejected"])


@pytest.mark.flow
def test_exported_files_are_named_after_their_cases(
    first_round: AfterOneRound, tmp_path: Path
) -> None:
    store = first_round.store
    release(store.url, 3, tmp_path / "out")
    cases = set(store.catalog.scans(store.catalog.version(3))["case"])
    labels = {path.name for path in (tmp_path / "out" / "labelsTr").iterdir()}
    images = {path.name for path in (tmp_path / "out" / "imagesTr").iterdir()}
    assert labels == {f"{case}.nii.gz" for case in cases}
    assert images == {f"{case}_0000.nii.gz" for case in cases}
