from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scalemai_core.intake.composition import Composition
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
SHAPE = (2, 3, 4)
NAMES = ("liver", "liver_segment_1", "liver_segment_2", "spleen", "stomach")
masks = st.lists(st.booleans(), min_size=24, max_size=24).map(
    lambda bits: np.array(bits).reshape(SHAPE)
)


def composed(drawn: dict[str, np.ndarray], order: list[str]) -> Composition:
    composition = Composition(TAXONOMY, SHAPE)
    for name in sorted(order, key=lambda name: len(TAXONOMY.ancestors(name))):
        composition.count(name, int(drawn[name].sum()))
        composition.paint(Layer.ANATOMY, drawn[name] * np.uint8(TAXONOMY[name].id))
    return composition


drawn_masks = st.fixed_dictionaries(dict.fromkeys(NAMES, masks))


@given(drawn=drawn_masks, order=st.permutations(NAMES))
@settings(deadline=None)
def test_the_order_of_painting_never_matters(
    drawn: dict[str, np.ndarray], order: list[str]
) -> None:
    one, other = composed(drawn, list(NAMES)), composed(drawn, order)
    np.testing.assert_array_equal(one.labels[Layer.ANATOMY], other.labels[Layer.ANATOMY])


@given(drawn=drawn_masks)
@settings(deadline=None)
def test_every_voxel_goes_to_a_structure_that_claimed_it(drawn: dict[str, np.ndarray]) -> None:
    labels_zyx = composed(drawn, list(NAMES)).labels[Layer.ANATOMY]
    claimed = np.zeros(SHAPE, np.bool_)
    for name, mask in drawn.items():
        assert not (labels_zyx == TAXONOMY[name].id)[~mask].any()
        claimed |= mask
    np.testing.assert_array_equal(labels_zyx != 0, claimed)


@given(drawn=drawn_masks)
@settings(deadline=None)
def test_a_part_never_loses_to_its_parent(drawn: dict[str, np.ndarray]) -> None:
    labels_zyx = composed(drawn, list(NAMES)).labels[Layer.ANATOMY]
    parts = drawn["liver_segment_1"] | drawn["liver_segment_2"]
    assert not (labels_zyx == TAXONOMY["liver"].id)[parts].any()


@given(first=masks, second=masks)
@settings(deadline=None)
def test_lost_and_held_voxels_add_up_to_what_was_claimed(
    first: np.ndarray, second: np.ndarray
) -> None:
    composition = composed({"spleen": first, "stomach": second}, ["spleen", "stomach"])
    lost = {loser: count for loser, _, count in composition.overlaps()}
    held = composition.held()
    for name, mask in (("spleen", first), ("stomach", second)):
        assert held[TAXONOMY[name].id] + lost.get(name, 0) == mask.sum()
    assert sum(lost.values()) == (first & second).sum()
    smaller = min(("spleen", first.sum()), ("stomach", second.sum()), key=lambda pair: pair[1])
    if first.sum() != second.sum():
        assert smaller[0] not in lost
