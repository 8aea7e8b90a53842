from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from scalemai_core.volume.change import UNJUDGED, Change, Strength, Trust
from scalemai_core.volume.compose import Composed, Touched, compose

NUM = 8
UNIONS = np.eye(NUM, dtype=np.bool_)
UNIONS[1, [2, 3]] = True  # 1 is the parent of 2 and 3
PARENT = {2: 1, 3: 1}
ALL = frozenset(range(1, NUM))
AUTO, TRUSTED, REVIEWED = Trust.AUTOMATIC, Trust.TRUSTED, Trust.REVIEWED
FLAT = np.eye(NUM, dtype=np.bool_)


def row(*ids: int) -> NDArray[np.uint8]:
    return np.array(ids, dtype=np.uint8).reshape(1, 1, -1)


def run(
    base: NDArray[np.uint8],
    *changes: Change,
    present: AbstractSet[int] = ALL,
    strength: Mapping[int, Strength] | None = None,
) -> Composed:
    return compose(base, changes, UNIONS, present=present, base_strength=strength or {})


def ids(composed: Composed) -> list[int]:
    return composed.labels_zyx.ravel().tolist()


def test_a_replaced_structure_leaves_its_old_voxels_and_takes_the_candidates() -> None:
    composed = run(row(4, 4, 4, 0, 0), Change(4, row(0, 0, 4, 4, 0)))
    assert ids(composed) == [0, 0, 4, 4, 0]
    assert composed.touched == {}
    assert composed.denied == {}


def test_a_structure_that_becomes_absent_leaves_background() -> None:
    assert ids(run(row(4, 5, 4), Change(4, None))) == [0, 5, 0]


def test_a_parent_brings_its_parts_under_their_own_ids() -> None:
    composed = run(row(1, 2, 3, 0), Change(1, row(0, 3, 3, 2)))
    assert ids(composed) == [0, 3, 3, 2]
    assert composed.touched == {2: Touched(1, 1), 3: Touched(1, 0)}


def test_the_stronger_of_two_takes_the_voxel_and_a_tie_keeps_the_holder() -> None:
    base, source = row(5), row(4)
    for change, winner in [
        (Change(4, source, worth=0.5), 5),
        (Change(4, source, worth=0.6), 4),
        (Change(4, source, trust=TRUSTED, worth=0.0), 4),
    ]:
        composed = run(base, change)
        assert ids(composed) == [winner]
        assert composed.denied == ({4: 1} if winner == 5 else {})
        assert composed.touched == ({5: Touched(0, 1)} if winner == 4 else {})
    held: dict[int, Strength] = {5: (REVIEWED, 0.1)}
    assert ids(run(base, Change(4, source, trust=TRUSTED, worth=1.0), strength=held)) == [5]


def test_a_vacated_voxel_becomes_what_the_candidate_sees_there() -> None:
    base, source = row(4, 4), row(5, 4)
    composed = run(base, Change(4, source))
    assert ids(composed) == [5, 4]
    assert composed.touched == {5: Touched(gained=1, lost=0)}


def test_a_vacated_voxel_is_background_where_its_heir_may_not_grow() -> None:
    base, source = row(4), row(5)
    change = Change(4, source)
    assert ids(run(base, change, present=ALL - {5})) == [0]
    assert ids(run(base, change, strength={5: (TRUSTED, 0.0)})) == [0]
    assert ids(run(base, change, Change(5, row(0)))) == [0]


def test_a_vacated_voxel_falls_to_the_innermost_present_parent() -> None:
    assert ids(run(row(4), Change(4, row(2)), present={1})) == [1]
    assert ids(run(row(4), Change(4, row(2)), present={1, 2})) == [2]


def test_a_trusted_parent_keeps_the_voxels_its_part_gives_up() -> None:
    base, source = row(2, 2, 2, 2), row(0, 3, 5, 2)
    change = Change(2, source, worth=0.9)
    assert ids(run(base, change)) == [0, 3, 5, 2]
    composed = run(base, change, strength={1: (REVIEWED, 1.0)})
    assert ids(composed) == [1, 3, 1, 2]
    assert 1 not in composed.touched


def test_a_trusted_parent_does_not_lose_a_part_to_an_outsider() -> None:
    held: dict[int, Strength] = {1: (TRUSTED, 0.5)}
    assert ids(run(row(2), Change(4, row(4), worth=1.0), strength=held)) == [2]
    assert ids(run(row(2), Change(3, row(3), worth=1.0), strength=held)) == [3]


def test_a_weaker_change_of_a_parent_respects_a_stronger_one_of_its_part() -> None:
    parent, part = Change(1, row(2, 2, 3)), Change(2, row(2, 0, 0), trust=REVIEWED)
    assert ids(run(row(0, 0, 0), parent, part)) == [2, 1, 3]


def test_a_stronger_change_of_a_parent_overrules_one_of_its_part() -> None:
    parent, part = Change(1, row(3, 0, 3), trust=REVIEWED), Change(2, row(2, 2, 0))
    composed = run(row(2, 0, 0), parent, part)
    assert ids(composed) == [3, 0, 3]
    assert composed.denied == {2: 2}


def test_bad_use_is_refused() -> None:
    base = row(1, 2)
    with pytest.raises(ValueError, match="two changes"):
        run(base, Change(1, base), Change(1, None))
    with pytest.raises(ValueError, match="shape"):
        run(base, Change(1, row(1)))
    with pytest.raises(ValueError, match="above 7"):
        run(base, Change(1, row(1, 8)))


@st.composite
def compositions(
    draw: st.DrawFn,
) -> tuple[NDArray[np.uint8], list[Change], frozenset[int], dict[int, Strength]]:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shape = (draw(st.integers(1, 3)), 4, 6)
    base, *sources = rng.integers(0, NUM, (4, *shape), dtype=np.uint8)
    strength = st.tuples(st.sampled_from(Trust), st.sampled_from([0.25, 0.5, 0.75]))
    changed = draw(st.lists(st.integers(1, NUM - 1), unique=True, max_size=5))
    changes: list[Change] = []
    for structure in changed:
        source = draw(st.sampled_from([None, 0, 1, 2]))
        trust, worth = draw(strength)
        changes.append(Change(structure, None if source is None else sources[source], trust, worth))
    present = draw(st.frozensets(st.integers(1, NUM - 1)))
    base_strength = draw(st.dictionaries(st.integers(1, NUM - 1), strength))
    return base, changes, present, base_strength


def naive_flat(
    base: NDArray[np.uint8],
    changes: Sequence[Change],
    present: AbstractSet[int],
    base_strength: Mapping[int, Strength],
) -> NDArray[np.uint8]:
    """The rules in words, voxel by voxel, where no structure has parts."""
    by_id = {c.structure: c for c in changes}
    result = np.zeros_like(base)
    for at in np.ndindex(base.shape):
        old = int(base[at])
        claims = [
            (c.strength, 0, c.structure)
            for c in changes
            if c.source_zyx is not None and c.source_zyx[at] == c.structure
        ]
        if old > 0 and old not in by_id:
            claims.append((base_strength.get(old, UNJUDGED), 1, old))
        if claims:
            result[at] = max(claims)[2]
        elif old in by_id and (source := by_id[old].source_zyx) is not None:
            heir = int(source[at])
            trust = base_strength.get(heir, UNJUDGED)[0]
            if heir in present and heir not in by_id and trust <= by_id[old].trust:
                result[at] = heir
    return result


@settings(max_examples=120, deadline=None)
@given(compositions())
def test_without_parts_the_result_is_what_the_rules_say_of_each_voxel(
    case: tuple[NDArray[np.uint8], list[Change], frozenset[int], dict[int, Strength]],
) -> None:
    base, changes, present, strength = case
    composed = compose(base, changes, FLAT, present=present, base_strength=strength)
    assert np.array_equal(composed.labels_zyx, naive_flat(base, changes, present, strength))


@settings(max_examples=120, deadline=None)
@given(compositions(), st.randoms(use_true_random=False))
def test_the_order_of_changes_does_not_matter(case: tuple, random: object) -> None:
    base, changes, present, strength = case
    shuffled = sorted(changes, key=lambda _: random.random())  # pyright: ignore[reportAttributeAccessIssue]
    one = compose(base, changes, UNIONS, present=present, base_strength=strength)
    two = compose(base, shuffled, UNIONS, present=present, base_strength=strength)
    assert np.array_equal(one.labels_zyx, two.labels_zyx)
    assert (one.touched, one.denied) == (two.touched, two.denied)


@settings(max_examples=120, deadline=None)
@given(compositions())
def test_what_holds_never_loses_a_voxel_to_what_is_not_stronger(case: tuple) -> None:
    base, changes, present, strength = case
    composed = compose(base, changes, UNIONS, present=present, base_strength=strength)
    changed = {c.structure for c in changes}
    strongest = max((c.strength for c in changes), default=(AUTO, -1.0))
    for s, held in strength.items():
        if s in changed or PARENT.get(s) in changed or held < strongest:
            continue
        before = np.isin(base, np.flatnonzero(UNIONS[s]))
        assert np.isin(composed.labels_zyx[before], np.flatnonzero(UNIONS[s])).all()


@settings(max_examples=120, deadline=None)
@given(compositions())
def test_voxels_that_no_change_speaks_of_stay_and_the_account_is_right(case: tuple) -> None:
    base, changes, present, strength = case
    original = base.copy()
    composed = compose(base, changes, UNIONS, present=present, base_strength=strength)
    assert np.array_equal(base, original)
    labels = composed.labels_zyx
    spoken_of = np.zeros(base.shape, dtype=np.bool_)
    for c in changes:
        for labels_zyx in (base, c.source_zyx):
            if labels_zyx is not None:
                spoken_of |= np.isin(labels_zyx, np.flatnonzero(UNIONS[c.structure]))
    assert np.array_equal(labels[~spoken_of], base[~spoken_of])
    for s in sorted(ALL - {c.structure for c in changes}):
        before, after = (np.isin(m, np.flatnonzero(UNIONS[s])) for m in (base, labels))
        won, lost = int((after & ~before).sum()), int((before & ~after).sum())
        assert composed.touched.get(s, Touched(0, 0)) == Touched(gained=won, lost=lost)
    for c in changes:
        if c.source_zyx is not None:
            wanted = np.isin(c.source_zyx, np.flatnonzero(UNIONS[c.structure]))
            lacking = wanted & ~np.isin(labels, np.flatnonzero(UNIONS[c.structure]))
            assert composed.denied.get(c.structure, 0) == lacking.sum()
