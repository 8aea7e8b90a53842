"""The mix: exact quotas, every case in turn, nothing but seed and index."""

from __future__ import annotations

from collections import Counter

from memory import grid_of

from scalemai_core.learn.feed.mix import BLOCK, Mix
from scalemai_core.records.training import Part, TrainingCase
from scalemai_core.settings.learning import MixSettings

SHARES = MixSettings(trusted=0.4, reviewed=0.2, pseudo=0.25, synthetic=0.15)


def case(name: str, *parts: Part) -> TrainingCase:
    return TrainingCase(
        scan_id=name,
        patient=name,
        grid=grid_of(),
        label_maps={},
        trusted=Part.TRUSTED in parts,
        reviewed=("liver",) if Part.REVIEWED in parts else (),
        pseudo=("spleen",) if Part.PSEUDO in parts else (),
        tumours=("liver_lesion",) if Part.SYNTHETIC in parts else (),
    )


CASES = [
    case("a", Part.TRUSTED, Part.SYNTHETIC),
    case("b", Part.REVIEWED, Part.PSEUDO),
    case("c", Part.TRUSTED, Part.REVIEWED),
    case("d", Part.PSEUDO),
]


def parts_of(mix: Mix, samples: range) -> Counter[Part]:
    return Counter(mix.draw(index)[0] for index in samples)


def test_every_block_has_exactly_the_shares() -> None:
    mix = Mix(CASES, SHARES, seed=3)
    for block in range(4):
        counts = parts_of(mix, range(block * BLOCK, (block + 1) * BLOCK))
        assert counts == {
            Part.TRUSTED: 40,
            Part.REVIEWED: 20,
            Part.PSEUDO: 25,
            Part.SYNTHETIC: 15,
        }


def test_parts_are_spread_evenly_within_a_block() -> None:
    mix = Mix(CASES, SHARES, seed=3)
    for first in range(0, 2 * BLOCK, 10):
        counts = parts_of(mix, range(first, first + 10))
        for part, share in zip(Part, (4, 2, 2.5, 1.5), strict=True):
            assert abs(counts[part] - share) < 2


def test_a_sample_comes_from_a_case_of_its_part() -> None:
    mix = Mix(CASES, SHARES, seed=0)
    members = {
        Part.TRUSTED: {0, 2},
        Part.REVIEWED: {1, 2},
        Part.PSEUDO: {1, 3},
        Part.SYNTHETIC: {0},
    }
    for index in range(300):
        part, number = mix.draw(index)
        assert number in members[part]


def test_what_the_dataset_lacks_leaves_its_share_to_the_rest() -> None:
    mix = Mix([case("a", Part.TRUSTED), case("b", Part.PSEUDO)], SHARES, seed=0)
    counts = parts_of(mix, range(BLOCK))
    assert counts == {Part.TRUSTED: 62, Part.PSEUDO: 38}


def test_a_dataset_of_parts_without_a_share_is_trained_on_all_the_same() -> None:
    alone = MixSettings(trusted=0, reviewed=1, pseudo=0, synthetic=0)
    mix = Mix([case("a", Part.TRUSTED), case("b", Part.PSEUDO)], alone, seed=0)
    assert parts_of(mix, range(BLOCK)) == {Part.TRUSTED: 50, Part.PSEUDO: 50}


def test_every_case_of_a_part_comes_once_before_any_comes_again() -> None:
    mix = Mix([case(str(n), Part.TRUSTED) for n in range(7)], SHARES, seed=1)
    orders = [[mix.draw(7 * e + n)[1] for n in range(7)] for e in range(40)]
    assert all(sorted(order) == list(range(7)) for order in orders)
    assert len(set(map(tuple, orders))) > 20


def test_a_draw_depends_on_seed_and_index_only() -> None:
    one, other = Mix(CASES, SHARES, seed=1), Mix(CASES, SHARES, seed=1)
    forward = [one.draw(index) for index in range(250)]
    assert forward == [other.draw(index) for index in reversed(range(250))][::-1]
    different = Mix(CASES, SHARES, seed=2)
    assert forward != [different.draw(index) for index in range(250)]


def test_a_few_scans_are_not_drawn_out_of_all_proportion() -> None:
    many = [case(f"t{number}", Part.TRUSTED) for number in range(199)]
    mix = Mix([*many, case("r", Part.REVIEWED)], SHARES, seed=3)
    assert parts_of(mix, range(BLOCK)) == {Part.TRUSTED: 95, Part.REVIEWED: 5}
    lone = Mix([*many * 100, case("r", Part.REVIEWED)], SHARES, seed=3)
    assert parts_of(lone, range(BLOCK)) == {Part.TRUSTED: 99, Part.REVIEWED: 1}
