"""Repairs are proposed where they are safe, and touch nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from scalemai_core.judge.repair import propose
from scalemai_core.records.finding import Finding, Severity
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.synthesize.phantoms import Phantom, PhantomSettings, make_phantom
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
LIVER, SPLEEN, LEFT, RIGHT = (
    TAXONOMY[name].id for name in ("liver", "spleen", "kidney_left", "kidney_right")
)


@pytest.fixture(scope="module")
def phantom() -> Phantom:
    return make_phantom(7, 0, PhantomSettings(spacing_mm=5.0, lesions=0.0))


def found(structure: str, rule: str) -> Finding:
    return Finding(
        rule=rule,
        structure=structure,
        severity=Severity.FAULT,
        value=1,
        limit=0,
        unit="",
        message="",
    )


def anatomy(phantom: Phantom) -> LabelsZYX:
    return phantom.labels[Layer.ANATOMY].copy()


def predicted(phantom: Phantom) -> dict[Layer, LabelsZYX]:
    """A model's view: everything a voxel off."""
    return {layer: np.roll(labels, 1, axis=2) for layer, labels in phantom.labels.items()}


def exchanged(labels_zyx: LabelsZYX, one: int, other: int) -> LabelsZYX:
    names = np.arange(256, dtype=np.uint8)
    names[[one, other]] = other, one
    return names[labels_zyx]


def test_a_clean_scan_has_nothing_to_mend(phantom: Phantom) -> None:
    proposal = propose(phantom.labels, predicted(phantom), [], phantom.grid)
    assert proposal.reasons == {}
    assert proposal.labels[Layer.ANATOMY] is phantom.labels[Layer.ANATOMY], "no copy is made"


@pytest.mark.parametrize(("one", "other"), [(LEFT, RIGHT), (LIVER, SPLEEN)])
def test_exchanged_names_come_back_bit_for_bit(phantom: Phantom, one: int, other: int) -> None:
    wrong = {**phantom.labels, Layer.ANATOMY: exchanged(anatomy(phantom), one, other)}
    proposal = propose(wrong, predicted(phantom), [], phantom.grid)
    assert np.array_equal(proposal.labels[Layer.ANATOMY], phantom.labels[Layer.ANATOMY])
    assert set(proposal.reasons) == {TAXONOMY.by_id(one).name, TAXONOMY.by_id(other).name}


def test_a_mask_under_a_name_that_nobody_holds_is_renamed(phantom: Phantom) -> None:
    labels_zyx = anatomy(phantom)
    labels_zyx[labels_zyx == LEFT] = 0
    labels_zyx[labels_zyx == RIGHT] = LEFT
    seen = predicted(phantom)
    seen[Layer.ANATOMY][seen[Layer.ANATOMY] == LEFT] = 0
    proposal = propose({**phantom.labels, Layer.ANATOMY: labels_zyx}, seen, [], phantom.grid)
    mended = proposal.labels[Layer.ANATOMY]
    assert np.array_equal(mended == RIGHT, phantom.labels[Layer.ANATOMY] == RIGHT)


def test_crumbs_are_removed_and_holes_filled(phantom: Phantom) -> None:
    labels_zyx = anatomy(phantom)
    inside = np.argwhere(labels_zyx == LIVER).mean(axis=0).astype(int)
    assert labels_zyx[tuple(inside)] == LIVER
    labels_zyx[tuple(inside)] = 0
    labels_zyx[0, 0, :2] = SPLEEN
    current = {**phantom.labels, Layer.ANATOMY: labels_zyx}
    said = [found("liver", "holes"), found("spleen", "pieces")]
    proposal = propose(current, predicted(phantom), said, phantom.grid)
    mended, true = proposal.labels[Layer.ANATOMY], phantom.labels[Layer.ANATOMY]
    assert mended[tuple(inside)] == LIVER
    assert np.array_equal(mended == SPLEEN, true == SPLEEN)
    others = ~np.isin(mended, [0, LIVER])
    assert np.array_equal(mended[others], true[others]), "nothing else is touched"
    assert set(proposal.reasons) == {"liver", "spleen"}
    assert labels_zyx[0, 0, 0] == SPLEEN, "the annotation itself is not touched"


def test_a_good_half_is_never_thrown_away(phantom: Phantom) -> None:
    labels_zyx = anatomy(phantom)
    places = np.argwhere(labels_zyx == LIVER)[:, 2]
    middle = int(np.median(places))
    cut = labels_zyx[:, :, middle - 1 : middle + 1]
    cut[cut == LIVER] = 0
    current = {**phantom.labels, Layer.ANATOMY: labels_zyx}
    proposal = propose(current, predicted(phantom), [found("liver", "pieces")], phantom.grid)
    assert "liver" not in proposal.reasons
