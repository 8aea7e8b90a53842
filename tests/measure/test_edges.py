"""Edges of the image at a mask's border: a block of tissue in fat, drawn well and badly."""

from __future__ import annotations

import numpy as np
import pytest

from scalemai_core.measure.edges import INNER_SHARE, NUM_INSIDE, STEP_HU, Edges, find_edges
from scalemai_core.records.label_map import ImageZYX, LabelsZYX
from scalemai_core.taxonomy.taxonomy import NUM_IDS, load_taxonomy
from scalemai_core.volume.runs import Runs

TAXONOMY = load_taxonomy()
LIVER, SPLEEN, HIP = (TAXONOMY[name].id for name in ("liver", "spleen", "hip_left"))
NO_BONES = np.zeros(NUM_IDS, dtype=np.bool_)
BLOCK = (slice(8, 28), slice(6, 26), slice(10, 34))


def image(shape: tuple[int, int, int] = (40, 36, 44)) -> ImageZYX:
    """A block of 100 HU in fat, with noise."""
    hu = np.full(shape, -100.0)
    hu[BLOCK] = 100.0
    return (hu + np.random.default_rng(1).normal(0.0, 10.0, shape)).astype(np.int16)


def drawn(z: slice, y: slice, x: slice, structure: int = LIVER) -> LabelsZYX:
    labels_zyx = np.zeros((40, 36, 44), dtype=np.uint8)
    labels_zyx[z, y, x] = structure
    return labels_zyx


def edges(labels_zyx: LabelsZYX, image_zyx: ImageZYX) -> Edges:
    return find_edges(
        [Runs.of(labels_zyx)],
        image_zyx,
        (3.0, 3.0, 3.0),
        TAXONOMY.unions,
        densest=NO_BONES,
        reach_mm=3.0,
    )


def test_a_mask_that_ends_where_the_tissue_ends_is_closed() -> None:
    found = edges(drawn(*BLOCK), image())
    assert found.open_share[LIVER] < 0.02
    assert found.open_face[LIVER].max() < 0.05
    assert 12 <= found.texture_hu[LIVER] <= 28
    assert np.isnan(found.open_share[SPLEEN])


def test_a_mask_cut_through_its_tissue_is_open_on_that_side_alone() -> None:
    found = edges(drawn(slice(8, 18), *BLOCK[1:]), image())
    upper = found.open_face[LIVER][0, 1]
    assert upper > 0.9
    assert np.delete(found.open_face[LIVER].ravel(), 1).max() < 0.1
    assert 0.1 < found.open_share[LIVER] < 0.5


@pytest.mark.parametrize(
    "box",
    [
        (slice(12, 24), slice(10, 22), slice(14, 30)),
        (slice(4, 32), slice(2, 30), slice(6, 38)),
    ],
    ids=["too small", "too large"],
)
def test_a_mask_drawn_too_small_or_too_large_is_open_all_around(
    box: tuple[slice, slice, slice],
) -> None:
    assert edges(drawn(*box), image()).open_share[LIVER] > 0.8


def test_what_another_mask_continues_is_not_open() -> None:
    labels_zyx = drawn(slice(8, 18), *BLOCK[1:])
    labels_zyx[18:28, BLOCK[1], BLOCK[2]] = SPLEEN
    found = edges(labels_zyx, image())
    assert found.open_share[LIVER] < 0.02
    assert found.open_share[SPLEEN] < 0.02


def test_a_whole_and_its_parts_are_one_mask() -> None:
    head, tail = (TAXONOMY[f"pancreas_{part}"].id for part in ("head", "tail"))
    pancreas = TAXONOMY["pancreas"].id
    labels_zyx = drawn(slice(8, 18), *BLOCK[1:], structure=head)
    labels_zyx[18:28, BLOCK[1], BLOCK[2]] = tail
    apart, whole = edges(labels_zyx, image()), edges(drawn(*BLOCK), image())
    assert apart.open_share[pancreas] == pytest.approx(whole.open_share[LIVER], abs=0.01)


def test_the_scan_s_own_border_is_no_cut() -> None:
    image_zyx = image()[14:]
    found = edges(drawn(*BLOCK)[14:], image_zyx)
    assert found.open_face[LIVER].max() < 0.1


def test_marrow_without_its_cortex_is_open_for_a_bone_only() -> None:
    image_zyx = image()
    cortex = drawn(*BLOCK) > 0
    marrow = (slice(10, 26), slice(8, 24), slice(12, 32))
    cortex[marrow] = False
    image_zyx[cortex] += 300
    labels_zyx = drawn(*marrow, structure=HIP)
    bones = np.arange(NUM_IDS) == HIP
    as_bone = find_edges(
        [Runs.of(labels_zyx)],
        image_zyx,
        (3.0, 3.0, 3.0),
        TAXONOMY.unions,
        densest=bones,
        reach_mm=3.0,
    )
    assert as_bone.open_share[HIP] > 0.9
    assert edges(labels_zyx, image_zyx).open_share[HIP] < 0.1


def test_distances_are_mm_so_that_a_soft_edge_on_a_fine_grid_is_an_edge() -> None:
    coarse = np.repeat(image(), 3, axis=2)
    fine_zyx = (
        np.stack([np.roll(coarse, step, axis=2) for step in (-1, 0, 1)]).mean(0).astype(np.int16)
    )
    cut = [Runs.of(np.repeat(drawn(*BLOCK), 3, axis=2))]
    spacing = (3.0, 3.0, 1.0)
    near, far = (
        find_edges(cut, fine_zyx, spacing, TAXONOMY.unions, densest=NO_BONES, reach_mm=reach)
        for reach in (1.0, 3.0)
    )
    assert far.open_face[LIVER][2].max() < 0.05
    assert far.texture_hu[LIVER] >= near.texture_hu[LIVER]


def test_runs_give_the_faces_that_voxels_give() -> None:
    rng = np.random.default_rng(2)
    labels_zyx = rng.choice([0, LIVER, SPLEEN], (9, 8, 11), p=[0.4, 0.5, 0.1]).astype(np.uint8)
    image_zyx = rng.integers(-60, 60, labels_zyx.shape).astype(np.int16)
    found, own = edges(labels_zyx, image_zyx), labels_zyx == LIVER
    for axis in range(3):
        here, ahead = (np.moveaxis(own, axis, 0)[part] for part in (slice(-1), slice(1, None)))
        hu, free = (
            np.moveaxis(image_zyx, axis, 0).astype(int),
            np.moveaxis(labels_zyx, axis, 0) == 0,
        )
        step = np.abs(np.diff(hu, axis=0)) // STEP_HU
        below = np.cumsum(np.bincount(step[here & ahead])) / np.count_nonzero(here & ahead)
        usual = int(np.argmax(below >= INNER_SHARE))
        leaves = [np.count_nonzero(one) for one in (ahead & ~here, here & ~ahead)]
        out = (ahead & free[:-1], here & free[1:])
        shares = [np.count_nonzero(step[one] <= usual) / below[usual] for one in out]
        assert found.open_face[LIVER][axis] == pytest.approx(
            np.minimum(shares, leaves) / max(leaves)
        )


def test_a_sample_of_a_large_structure_has_its_texture() -> None:
    rng = np.random.default_rng(3)
    labels_zyx = np.zeros((70, 75, 80), dtype=np.uint8)
    labels_zyx[2:-2, 2:-2, 2:-2] = LIVER
    assert np.count_nonzero(labels_zyx) > 8 * NUM_INSIDE
    image_zyx = rng.normal(0.0, 100.0, labels_zyx.shape).astype(np.int16)
    found = edges(labels_zyx, image_zyx)
    # Two independent voxels differ by less than 1.81 standard deviations four times in five.
    assert found.texture_hu[LIVER] == pytest.approx(181.0, abs=2 * STEP_HU)
    assert found.open_face[LIVER] == pytest.approx(np.ones((3, 2)), abs=0.03)


def test_ids_that_no_structure_has_are_refused() -> None:
    with pytest.raises(ValueError, match="ids above 88"):
        edges(drawn(*BLOCK, structure=200), image())
