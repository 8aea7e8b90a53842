"""Folds and gold roles: by patient, balanced, and for ever."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from scalemai_core.records.scan import GoldRole
from scalemai_core.store.versions.roster import assign_folds, assign_gold

PATIENTS = st.lists(st.text("abcdef", min_size=1, max_size=4))


@given(patients=PATIENTS, folds=st.integers(2, 5))
def test_folds_differ_by_at_most_one_patient(patients: list[str], folds: int) -> None:
    assigned = assign_folds(patients, {}, folds)
    assert set(assigned) == set(patients)
    counts = Counter(assigned.values())
    sizes = [counts[fold] for fold in range(folds)]
    assert sum(sizes) == len(set(patients))
    assert max(sizes) - min(sizes) <= 1


@given(early=PATIENTS, late=PATIENTS)
def test_a_patient_keeps_the_fold_whoever_joins(early: list[str], late: list[str]) -> None:
    first = assign_folds(early, {}, 2)
    second = assign_folds([*late, *early], first, 2)
    assert {patient: second[patient] for patient in first} == first
    assert set(second) == set(early) | set(late)


@given(patients=PATIENTS, folds=st.integers(2, 4), seed=st.randoms(use_true_random=False))
def test_the_order_of_patients_decides_nothing(patients: list[str], folds: int, seed) -> None:  # noqa: ANN001
    shuffled = list(patients)
    seed.shuffle(shuffled)
    assert assign_folds(shuffled, {}, folds) == assign_folds(patients, {}, folds)


@given(early=PATIENTS, late=PATIENTS)
def test_gold_roles_are_balanced_disjoint_and_kept(early: list[str], late: list[str]) -> None:
    first = assign_gold(early, {})
    second = assign_gold(late, first)
    assert {patient: second[patient] for patient in first} == first
    counts = Counter(second.values())
    sizes = [counts[role] for role in GoldRole]
    assert max(sizes) - min(sizes) <= 1
