"""A workspace: one URL, opened anywhere, with clear words where it cannot be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.label_map import Layer
from scalemai_core.store.workspace import DOCUMENT, KEY_VARIABLE, Workspace


def test_a_made_workspace_opens_again_with_what_was_fixed(url: str) -> None:
    made = Workspace.create(url, folds=3, patient_key="secret")
    again = Workspace.open(url)
    assert (again.document.folds, again.document.patient_key) == (3, "secret")
    assert again.url == made.url == url


def test_making_it_twice_changes_nothing(url: str) -> None:
    first = Workspace.create(url)
    second = Workspace.create(url, folds=5, patient_key="other")
    assert second.document == first.document


def test_a_missing_workspace_is_told_how_to_make_one(url: str) -> None:
    with pytest.raises(WorkspaceError, match="make one with 'scalemai ingest"):
        Workspace.open(url)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"folds": 2}', '{"patient_key": "a", "x": 1}'])
def test_a_damaged_document_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / DOCUMENT).write_text(text)
    with pytest.raises(WorkspaceError, match=r"workspace.json is damaged"):
        Workspace.open(str(tmp_path))


def test_a_workspace_of_another_format_is_refused(tmp_path: Path) -> None:
    (tmp_path / DOCUMENT).write_text(json.dumps({"format": 99, "patient_key": "a"}))
    with pytest.raises(WorkspaceError, match="format 99"):
        Workspace.open(str(tmp_path))


def test_a_file_is_no_place_for_a_workspace(tmp_path: Path) -> None:
    file = tmp_path / "scan.nii.gz"
    file.write_bytes(b"x")
    with pytest.raises(WorkspaceError, match="is a file"):
        Workspace.create(str(file))
    with pytest.raises(WorkspaceError):
        Workspace.open(str(file))


def test_patients_are_hashed_with_the_key_and_names_never_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Workspace.create(str(tmp_path / "one"), patient_key="a")
    two = Workspace.create(str(tmp_path / "two"), patient_key="b")
    assert one.patient_hash("Doe, Jane") == one.patient_hash("Doe, Jane")
    assert one.patient_hash("Doe, Jane") != two.patient_hash("Doe, Jane")
    assert "Doe" not in one.patient_hash("Doe, Jane")
    monkeypatch.setenv(KEY_VARIABLE, "of the environment")
    ours, same = (Workspace.create(str(tmp_path / name), patient_key=name) for name in "cd")
    assert ours.patient_hash("Doe, Jane") == same.patient_hash("Doe, Jane")
    assert "of the environment" not in (tmp_path / "c" / DOCUMENT).read_text()


def test_a_process_with_another_key_hashes_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Workspace.create(str(tmp_path / "own"), patient_key="a")
    monkeypatch.setenv(KEY_VARIABLE, "k")
    kept_elsewhere = Workspace.create(str(tmp_path / "kept"))
    with pytest.raises(WorkspaceError, match="is another one here"):
        own.patient_hash("Doe, Jane")
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(WorkspaceError, match="set it here too"):
        kept_elsewhere.patient_hash("Doe, Jane")
    assert own.patient_hash("Doe, Jane")


def test_a_workspace_of_before_keys_were_marked_takes_any(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / DOCUMENT).write_text(json.dumps({"format": 2, "patient_key": "a"}))
    store = Workspace.open(str(tmp_path))
    own = store.patient_hash("Doe, Jane")
    monkeypatch.setenv(KEY_VARIABLE, "k")
    assert store.patient_hash("Doe, Jane") != own


def test_local_state_lies_with_a_local_workspace_and_at_home_for_a_bucket(
    tmp_path: Path, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Workspace.create(str(tmp_path / "w")).local_state == tmp_path / "w"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    first, second = (Workspace.create(f"{bucket}/{name}").local_state for name in "ab")
    assert first.is_relative_to(tmp_path / "home" / "scalemai")
    assert first != second


def test_documents_are_stored_as_json_and_missing_ones_are_none(url: str) -> None:
    store = Workspace.create(url)
    assert store.read_json("rounds/1/plan.json") is None
    store.write_document("copy.json", store.document)
    assert store.read_json("copy.json") == store.document.model_dump()


def test_every_structure_of_a_layer_has_its_name_in_label_maps(store: Workspace) -> None:
    names = store._structures
    assert set(names) == set(Layer)
    assert len({i for layer in names.values() for i in layer}) == 88
