"""Degraded labels: every kind of fault is real, and each layer stays one exclusive map."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.synthesize.degrade import HARMED_DICE, Degraded, degrade
from scalemai_core.synthesize.fault_voxels import apply_fault
from scalemai_core.synthesize.faults import (
    DRAWN_KINDS,
    MAGNITUDES,
    DegradeSettings,
    Fault,
    FaultKind,
    draw_faults,
    present,
)
from scalemai_core.synthesize.phantoms import Phantom, PhantomSettings, make_phantom
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom(3, 1, PhantomSettings())


def spoil(phantom: Phantom, seed: int, **settings: object) -> Degraded:
    rng = np.random.default_rng(seed)
    return degrade(phantom.labels, phantom.grid, rng, DegradeSettings.model_validate(settings))


def dice(phantom: Phantom, degraded: Degraded, name: str) -> float:
    layer, ids = TAXONOMY[name].layer, TAXONOMY.member_ids(name)
    truth, wrong = np.isin(phantom.labels[layer], ids), np.isin(degraded.labels[layer], ids)
    return float(2 * (truth & wrong).sum() / (truth.sum() + wrong.sum()))


@pytest.mark.parametrize("kind", DRAWN_KINDS)
def test_every_kind_of_fault_is_real(phantom: Phantom, kind: FaultKind) -> None:
    scores: list[float] = []
    for seed in range(2):
        degraded = spoil(phantom, seed, kinds=(kind,), unknown_share=0.0)
        drawn = [fault for fault in degraded.faults if fault.kind is not FaultKind.COLLATERAL]
        scores.extend(dice(phantom, degraded, fault.structure) for fault in drawn)
        if kind is not FaultKind.SWAPPED_SIDES:
            assert {fault.kind for fault in drawn} == {kind}
    assert len(scores) >= 15
    assert max(scores) < 0.9
    assert np.mean(np.array(scores) < 0.8) > 0.7


@pytest.mark.parametrize("seed", range(3))
def test_layers_stay_exclusive_maps_of_known_structures(phantom: Phantom, seed: int) -> None:
    degraded = spoil(phantom, seed)
    assert set(degraded.labels) == set(Layer)
    for layer, labels_zyx in degraded.labels.items():
        assert labels_zyx.dtype == np.uint8
        assert labels_zyx.shape == phantom.grid.shape_zyx
        allowed = {structure.id for structure in TAXONOMY.in_layer(layer)} | {0}
        assert set(np.unique(labels_zyx).tolist()) <= allowed


def test_the_truth_is_left_untouched(phantom: Phantom) -> None:
    before = {layer: labels_zyx.copy() for layer, labels_zyx in phantom.labels.items()}
    spoil(phantom, 0, fault_share=1.0)
    for layer, labels_zyx in phantom.labels.items():
        np.testing.assert_array_equal(labels_zyx, before[layer])


def test_the_same_generator_does_the_same_harm(phantom: Phantom) -> None:
    first, again, other = spoil(phantom, 4), spoil(phantom, 4), spoil(phantom, 5)
    assert first.faults == again.faults
    assert first.unknown == again.unknown
    assert first.faults != other.faults
    for layer in Layer:
        np.testing.assert_array_equal(first.labels[layer], again.labels[layer])


@pytest.mark.parametrize("seed", range(4))
def test_whatever_no_fault_names_is_still_good(phantom: Phantom, seed: int) -> None:
    degraded = spoil(phantom, seed)
    named = {fault.structure for fault in degraded.faults} | set(degraded.unknown)
    untouched = set(present(phantom.labels, TAXONOMY)) - named
    assert len(untouched) > 20
    for name in untouched:
        assert dice(phantom, degraded, name) >= HARMED_DICE, name


def test_unknown_structures_leave_no_voxel_and_parts_fall_to_their_parent(
    phantom: Phantom,
) -> None:
    degraded = spoil(phantom, 0, fault_share=0.0, unknown_share=1.0)
    assert set(degraded.unknown) == set(present(phantom.labels, TAXONOMY))
    assert degraded.faults == ()
    left = {int(i) for labels_zyx in degraded.labels.values() for i in np.unique(labels_zyx) if i}
    assert TAXONOMY["pancreas"].id in left
    assert not left & {TAXONOMY[name].id for name in degraded.unknown}
    assert dice(phantom, degraded, "pancreas") == 1.0


def test_absent_structures_too_may_be_left_unknown(phantom: Phantom) -> None:
    rng = np.random.default_rng(0)
    settings = DegradeSettings(unknown_share=1.0)
    degraded = degrade(phantom.labels, phantom.grid, rng, settings, absent=("prostate",))
    assert "prostate" in degraded.unknown


def test_shares_of_faults_and_unknowns_are_as_asked(phantom: Phantom) -> None:
    names = present(phantom.labels, TAXONOMY)
    leaves = [name for name in names if not TAXONOMY.children(name)]
    settings = DegradeSettings(kinds=(FaultKind.HOLES,))
    rng = np.random.default_rng(0)
    counts: Counter[str] = Counter()
    for _ in range(60):
        faults, unknown = draw_faults(names, TAXONOMY, rng, settings)
        counts.update(faults=len(faults), unknown=len(unknown))
        assert not {fault.structure for fault in faults} & set(unknown)
    assert counts["unknown"] / (60 * len(names)) == pytest.approx(0.1, abs=0.02)
    assert counts["faults"] / (60 * len(leaves)) == pytest.approx(0.3 * 0.9, abs=0.03)


def test_an_exchange_is_told_of_both_structures(phantom: Phantom) -> None:
    degraded = spoil(phantom, 1, kinds=(FaultKind.SWAPPED_SIDES,), unknown_share=0.0)
    by_name = {fault.structure: fault for fault in degraded.faults}
    swapped = [fault for fault in degraded.faults if fault.kind is FaultKind.SWAPPED_SIDES]
    assert swapped
    for fault in swapped:
        assert fault.partner == TAXONOMY[fault.structure].pair
        assert fault.partner is not None
        assert by_name[fault.partner].partner == fault.structure


def sphere(radius_mm: float = 18.0) -> tuple[LabelsZYX, Grid]:
    """A spleen as a ball in the middle of an anisotropic grid."""
    grid = Grid.of((24, 60, 60), np.diag([2.0, 2.0, 5.0, 1.0]))
    z, y, x = np.indices(grid.shape_zyx) * np.array([5.0, 2.0, 2.0])[:, None, None, None]
    inside = (z - 60) ** 2 + (y - 60) ** 2 + (x - 60) ** 2 < radius_mm**2
    return (inside * TAXONOMY["spleen"].id).astype(np.uint8), grid


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.DROPPED_COMPONENT,
        FaultKind.UNDER_SEGMENTATION,
        FaultKind.TRUNCATED_SLICES,
        FaultKind.HOLES,
        FaultKind.MISSING,
    ],
)
def test_a_loss_takes_its_share_and_nothing_else(kind: FaultKind) -> None:
    labels_zyx, grid = sphere()
    truth = labels_zyx.copy()
    _, share = MAGNITUDES[kind]
    apply_fault(labels_zyx, Fault(structure="spleen", kind=kind, magnitude=share), grid, TAXONOMY)
    assert np.count_nonzero(labels_zyx) == int((1 - share) * np.count_nonzero(truth))
    assert not (labels_zyx[truth == 0]).any()


@pytest.mark.parametrize("kind", [FaultKind.LEAK, FaultKind.OVER_SEGMENTATION])
def test_a_growth_adds_its_share_and_keeps_what_it_had(kind: FaultKind) -> None:
    labels_zyx, grid = sphere()
    truth = labels_zyx.copy()
    apply_fault(labels_zyx, Fault(structure="spleen", kind=kind, magnitude=0.5), grid, TAXONOMY)
    assert labels_zyx[truth > 0].all()
    assert np.count_nonzero(labels_zyx) == int(np.ceil(1.5 * np.count_nonzero(truth)))


def test_truncated_slices_take_whole_slices_from_one_end() -> None:
    labels_zyx, grid = sphere()
    truth = labels_zyx.copy()
    fault = Fault(structure="spleen", kind=FaultKind.TRUNCATED_SLICES, magnitude=0.5)
    apply_fault(labels_zyx, fault, grid, TAXONOMY)
    kept = [
        np.count_nonzero(now) / max(np.count_nonzero(was), 1)
        for now, was in zip(labels_zyx, truth, strict=True)
    ]
    filled = np.flatnonzero(truth.any(axis=(1, 2)))
    partial = [share for share in kept if 0.0 < share < 1.0]
    assert len(partial) <= 1
    assert kept[filled[0]] == 1.0
    assert kept[filled[-1]] == 0.0


def test_a_shift_moves_by_its_mm_in_any_spacing() -> None:
    labels_zyx, grid = sphere()
    truth = labels_zyx.copy()
    fault = Fault(
        structure="spleen", kind=FaultKind.SHIFT, magnitude=20.0, direction_zyx=(0.0, 1.0, 0.0)
    )
    (done,) = apply_fault(labels_zyx, fault, grid, TAXONOMY)
    way = np.argwhere(labels_zyx).mean(axis=0) - np.argwhere(truth).mean(axis=0)
    moved_mm = way * np.array(grid.spacing_mm_zyx)
    assert np.count_nonzero(labels_zyx) == np.count_nonzero(truth)
    assert np.linalg.norm(moved_mm) <= done.magnitude + 5.0
    assert np.linalg.norm(moved_mm) > 5.0


def test_a_fault_of_a_structure_that_others_took_away_does_nothing() -> None:
    labels_zyx, grid = sphere()
    before = labels_zyx.copy()
    fault = Fault(structure="liver", kind=FaultKind.HOLES, magnitude=0.5)
    assert apply_fault(labels_zyx, fault, grid, TAXONOMY) == ()
    np.testing.assert_array_equal(labels_zyx, before)
