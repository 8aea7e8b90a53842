"""Admission: which offered cases become part of the dataset, and as what."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest
from made_up_scans import offered, painted

from scalemai_core.errors import CommitConflict
from scalemai_core.records.annotation import State
from scalemai_core.records.ingested import IngestedCase
from scalemai_core.records.rejection import Rejection
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.rows import scans_of
from scalemai_core.store.versions.admission import admit, publish_admission
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

LIVER = {"liver": State.PRESENT}
LABELS = painted(liver=slice(0, 4))


def take(
    store: Workspace, cases: Sequence[IngestedCase], *, gold: bool = False
) -> DatasetVersion | None:
    return publish_admission(store, admit(store, cases, gold=gold), "test")


def facts(store: Workspace, column: str, key: str = "case") -> dict[str, object]:
    version = store.catalog.latest()
    assert version is not None
    return dict(store.catalog.scans(version).select(key, column).iter_rows())


def test_a_new_scan_brings_an_annotation_for_every_structure(store: Workspace) -> None:
    states = {"liver": State.PRESENT, "spleen": State.ABSENT}
    version = take(store, [offered(store, "a", LABELS, states)])
    assert version is not None
    rows = store.catalog.annotations(version)
    assert sorted(rows["structure"]) == sorted(s.name for s in load_taxonomy().structures)
    assert dict(rows["state"].value_counts().iter_rows()) == {
        "present": 1,
        "absent": 1,
        "unknown": 86,
    }
    known = rows.filter(pl.col("state") != "unknown")
    assert set(known["origin"]) == {"source"}
    assert set(known["origin_name"]) == {"hospital"}
    assert set(known["revision"]) == {1}
    assert version.annotations == version.changed == 2
    unknown = rows.filter(pl.col("state") == "unknown")
    assert set(unknown["origin"]) == {"none"}


def test_a_scan_without_labels_is_admitted_as_unknown(store: Workspace) -> None:
    version = take(store, [offered(store, "a", None, {})])
    assert version is not None
    assert (version.scans, version.annotations) == (1, 0)
    assert store.catalog.annotations(version)["label_map"].null_count() == 88


def test_the_same_scan_and_labels_again_are_a_duplicate_with_reason_and_remedy(
    store: Workspace,
) -> None:
    first = take(store, [offered(store, "a", LABELS, LIVER)])
    admission = admit(store, [offered(store, "b", LABELS, LIVER)], gold=False)
    (rejection,) = admission.rejections
    assert rejection.reason == "duplicate_scan"
    assert rejection.path == "b"
    assert rejection.remedy
    assert publish_admission(store, admission, "again") is None
    assert store.catalog.versions() == (first,)
    rejected = store.catalog.table("rejections", tables.REJECTIONS)
    assert rejected["reason"].to_list() == ["duplicate_scan"]


def test_labels_whose_commit_met_another_are_taken_the_next_time(store: Workspace) -> None:
    take(store, [offered(store, "a", painted(liver=slice(0, 2)), LIVER)])
    labels = painted(liver=slice(0, 4), spleen=slice(4, 6))
    again = [offered(store, "a", labels, LIVER | {"spleen": State.PRESENT})]
    lost = admit(store, again, gold=False)
    assert lost.candidates, "another liver stands by"
    assert take(store, [offered(store, "b", LABELS, LIVER, seed=2)])
    with pytest.raises(CommitConflict):
        publish_admission(store, lost, "lost")
    version = take(store, again)
    assert version is not None
    rows = store.catalog.annotations(version).filter(pl.col("structure") == "spleen")
    assert rows.filter(pl.col("state") == "present").height == 1
    assert store.catalog.table("candidates", tables.CANDIDATES).height == 2
    assert store.catalog.standing("candidates", tables.CANDIDATES).height == 1
    assert take(store, again) is None, "now it is a duplicate"


def test_the_same_scan_twice_in_one_offer_is_stored_once(store: Workspace) -> None:
    cases = [offered(store, name, LABELS, LIVER) for name in "ab"]
    version = take(store, cases)
    assert version is not None
    assert version.scans == 1


def test_a_rejected_file_becomes_a_row_and_the_others_come_in(store: Workspace) -> None:
    bad = Rejection(source="s", path="bad.nii", reason="not_ct", message="m", remedy="r")
    cases = [IngestedCase(case="bad", rejection=bad), offered(store, "a", LABELS, LIVER)]
    version = take(store, cases)
    assert version is not None
    assert version.scans == 1
    found = store.catalog.table("rejections", tables.REJECTIONS)
    assert found.to_dicts() == [bad.model_dump()]


def test_folds_are_by_patient_and_balanced(store: Workspace) -> None:
    cases = [
        offered(store, f"{patient}{scan}", LABELS, LIVER, seed=10 * i + scan, patient=patient)
        for i, patient in enumerate("abcd")
        for scan in range(2)
    ]
    version = take(store, cases)
    assert version is not None
    scans = list(scans_of(store.catalog.scans(version)))
    folds_of = {
        patient: {s.fold for s in scans if s.patient == patient}
        for patient in {s.patient for s in scans}
    }
    assert all(len(folds) == 1 for folds in folds_of.values())
    assert sorted(fold for (fold,) in folds_of.values()) == [0, 0, 1, 1]


def test_later_scans_of_a_patient_join_the_patients_fold(store: Workspace) -> None:
    take(store, [offered(store, p, LABELS, LIVER, seed=i) for i, p in enumerate("abcd")])
    before = facts(store, "fold")
    late = [
        offered(store, f"{p} again", LABELS, LIVER, seed=20 + i, patient=p)
        for i, p in enumerate("dcba")
    ]
    take(store, late)
    after = facts(store, "fold")
    assert {name: after[name] for name in before} == before, "nobody moves"
    assert all(after[f"{p} again"] == before[p] for p in "abcd")


def test_a_gold_patients_role_covers_all_of_that_patients_scans(store: Workspace) -> None:
    take(store, [offered(store, "a", LABELS, LIVER, seed=1, patient="p")])
    take(store, [offered(store, "other", LABELS, LIVER, seed=5, patient="q")])
    take(store, [offered(store, "b", LABELS, LIVER, seed=2, patient="p")], gold=True)
    roles = facts(store, "gold")
    assert roles["a"] == roles["b"] is not None
    assert roles["other"] is None
    take(store, [offered(store, "c", LABELS, LIVER, seed=3, patient="p")])
    assert facts(store, "gold")["c"] == roles["a"], "later scans of the patient too"


def test_gold_roles_are_kept_when_more_gold_comes(store: Workspace) -> None:
    names = "abcdef"
    cases = [offered(store, n, LABELS, LIVER, seed=i) for i, n in enumerate(names)]
    take(store, cases[:3], gold=True)
    first = facts(store, "gold")
    assert sorted(map(str, first.values())) == ["fit", "select", "test"]
    take(store, cases[3:], gold=True)
    second = facts(store, "gold")
    assert {name: second[name] for name in first} == first
    assert sorted(map(str, second.values())) == sorted(["fit", "select", "test"] * 2)


def test_gold_labels_are_marked_as_trusted(store: Workspace) -> None:
    version = take(store, [offered(store, "a", LABELS, LIVER)], gold=True)
    assert version is not None
    rows = store.catalog.annotations(version).filter(pl.col("state") == "present")
    assert rows["origin"].to_list() == ["gold"]


def test_patient_names_are_nowhere_in_the_catalog(store: Workspace) -> None:
    take(store, [offered(store, "a", LABELS, LIVER, patient="Doe^Jane")])
    assert store.files.folder is not None
    files = [p for p in (store.files.folder / "catalog").rglob("*") if p.is_file()]
    assert files
    assert all(b"Doe^Jane" not in p.read_bytes() for p in files)
