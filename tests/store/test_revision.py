"""Revision: what decisions and verdicts make of one scan's label maps and annotations."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from made_up_scans import GRID, annotation, made_image, mask_of, offered, painted

from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.review import Verdict
from scalemai_core.records.scan import Scan
from scalemai_core.store.versions.resolution import Decided, Revision
from scalemai_core.store.versions.revision import revise_scan
from scalemai_core.store.workspace import Workspace

BEFORE = painted(liver=slice(0, 4), spleen=slice(6, 9))
PREDICTED = painted(liver=slice(0, 7), spleen=slice(8, 9), stomach=slice(9, 10))
DRAWN = painted(liver=slice(1, 3))
ROUND = 3


@pytest.fixture
def scan(store: Workspace) -> Scan:
    case = offered(store, "a", None, {})
    assert case.stored is not None
    store.predictions.write("model", case.stored.scan.scan_id, {Layer.ANATOMY: PREDICTED}, GRID)
    return case.stored.scan


@pytest.fixture
def before(store: Workspace, scan: Scan) -> dict[str, Annotation]:
    name = store.labels.write(BEFORE, scan.scan_id, Layer.ANATOMY, GRID)
    return {
        "liver": annotation(scan.scan_id, "liver", name),
        "spleen": annotation(scan.scan_id, "spleen", name),
        "stomach": annotation(scan.scan_id, "stomach", None).model_copy(update={"label_map": name}),
        "aorta": annotation(scan.scan_id, "aorta", None),
    }


def decided(action: Action, quality: float = 0.9) -> Decided:
    taken = action in (Action.REPLACE, Action.IMPUTE)
    candidate = Candidate.PREDICTION if taken else Candidate.CURRENT
    return Decided(
        action=action,
        otherwise=Action.HOLD if action is Action.REVIEW else action,
        candidate=candidate,
        label_map=None,
        reason="because",
        quality=quality,
    )


def verdict(scan: Scan, structure: str, choice: Candidate, label_map: str | None = None) -> Verdict:
    return Verdict(
        item_id=f"{ROUND}-{scan.scan_id}-{structure}",
        round=ROUND,
        scan_id=scan.scan_id,
        structure=structure,
        reader="reader",
        choice=choice,
        label_map=label_map,
        seconds=5.0,
        created=datetime.now(UTC),
    )


def revise(
    store: Workspace,
    scan: Scan,
    before: dict[str, Annotation],
    decisions: dict[str, Decided] | None = None,
    *verdicts: Verdict,
) -> dict[str, Annotation]:
    revision = Revision(
        scan=scan,
        annotations=before,
        decisions=decisions or {},
        verdicts={v.structure: v for v in verdicts},
        model="model",
        round=ROUND,
    )
    return {a.structure: a for a in revise_scan(store, revision)}


def voxels(store: Workspace, annotation: Annotation) -> LabelsZYX:
    assert annotation.label_map is not None
    return store.labels.read(annotation.label_map)


def test_without_decisions_nothing_changes(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    assert revise(store, scan, before) == before
    kept = {name: decided(Action.KEEP) for name in before}
    after = revise(store, scan, before, kept)
    assert {a.quality for a in after.values() if a.state is State.PRESENT} == {0.9}
    assert {
        name: a.model_copy(update={"quality": None, "weight": 1.0}) for name, a in after.items()
    } == before


def test_replacing_takes_the_predictions_mask_and_remembers_the_old_one(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    after = revise(store, scan, before, {"spleen": decided(Action.REPLACE)})
    spleen = after["spleen"]
    np.testing.assert_array_equal(
        mask_of(voxels(store, spleen), "spleen"), mask_of(PREDICTED, "spleen")
    )
    assert (spleen.origin, spleen.origin_name) == (Origin.MODEL, "model")
    assert (spleen.round, spleen.revision, spleen.reason) == (ROUND, 2, "because")
    assert spleen.previous_label_map == before["spleen"].label_map


def test_old_label_maps_are_never_touched(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    revise(store, scan, before, {"liver": decided(Action.REPLACE)})
    np.testing.assert_array_equal(voxels(store, before["liver"]), BEFORE)


def test_imputing_makes_an_unknown_structure_present(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    after = revise(store, scan, before, {"stomach": decided(Action.IMPUTE)})
    assert after["stomach"].state is State.PRESENT
    assert after["stomach"].revision == 1
    assert after["stomach"].origin is Origin.MODEL
    assert mask_of(voxels(store, after["stomach"]), "stomach").sum() == 6 * 8
    for name in ("liver", "spleen"):
        np.testing.assert_array_equal(
            mask_of(voxels(store, after[name]), name), mask_of(BEFORE, name)
        )
        assert after[name].revision == before[name].revision, "their voxels did not move"
        assert after[name].label_map == after["stomach"].label_map


def test_set_absent_empties_the_mask(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    after = revise(store, scan, before, {"spleen": decided(Action.SET_ABSENT)})
    assert after["spleen"].state is State.ABSENT
    assert not mask_of(voxels(store, after["spleen"]), "spleen").any()


def test_on_hold_keeps_voxels_and_loses_its_weight(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    liver = revise(store, scan, before, {"liver": decided(Action.HOLD)})["liver"]
    assert liver.weight == 0.0
    assert liver.reason == "on hold: because"
    assert (liver.label_map, liver.state, liver.revision) == (
        before["liver"].label_map,
        State.PRESENT,
        1,
    )


def test_a_question_that_nobody_answered_holds(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    after = revise(store, scan, before, {"liver": decided(Action.REVIEW)})
    assert after["liver"].weight == 0.0
    assert after["spleen"].weight == 1.0


def test_any_later_decision_lifts_the_hold(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    held = before | {"liver": before["liver"].model_copy(update={"weight": 0.0})}
    assert revise(store, scan, held, {"liver": decided(Action.KEEP)})["liver"].weight == 0.9
    assert revise(store, scan, held)["liver"].weight == 0.0, "no decision, no change"


@pytest.mark.parametrize("action", [Action.REPLACE, Action.HOLD, Action.REVIEW, Action.SET_ABSENT])
def test_a_readers_word_stands_before_the_tables(
    store: Workspace, scan: Scan, before: dict[str, Annotation], action: Action
) -> None:
    said = verdict(scan, "liver", Candidate.CURRENT)
    liver = revise(store, scan, before, {"liver": decided(action)}, said)["liver"]
    np.testing.assert_array_equal(mask_of(voxels(store, liver), "liver"), mask_of(BEFORE, "liver"))
    assert (liver.origin, liver.origin_name) == (Origin.HUMAN, "reader")
    assert (liver.weight, liver.round) == (1.0, ROUND)


def test_a_reader_may_take_the_prediction(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    said = verdict(scan, "spleen", Candidate.PREDICTION)
    spleen = revise(store, scan, before, {"spleen": decided(Action.REVIEW)}, said)["spleen"]
    np.testing.assert_array_equal(
        mask_of(voxels(store, spleen), "spleen"), mask_of(PREDICTED, "spleen")
    )
    assert spleen.origin is Origin.HUMAN
    assert spleen.weight == 1.0


def test_a_drawn_mask_is_taken_as_drawn(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    drawn = store.labels.write(DRAWN, scan.scan_id, Layer.ANATOMY, GRID)
    said = verdict(scan, "liver", Candidate.READER, drawn)
    liver = revise(store, scan, before, {"liver": decided(Action.REVIEW)}, said)["liver"]
    np.testing.assert_array_equal(mask_of(voxels(store, liver), "liver"), mask_of(DRAWN, "liver"))


def test_drawn_as_empty_means_absent(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    said = verdict(scan, "liver", Candidate.READER, None)
    liver = revise(store, scan, before, {"liver": decided(Action.REVIEW)}, said)["liver"]
    assert liver.state is State.ABSENT
    assert not mask_of(voxels(store, liver), "liver").any()


def test_a_neighbour_that_loses_voxels_gets_a_revision_of_its_own(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    decisions = {"liver": decided(Action.REPLACE, 0.9), "spleen": decided(Action.KEEP, 0.3)}
    after = revise(store, scan, before, decisions)
    spleen = after["spleen"]
    assert mask_of(voxels(store, spleen), "spleen").sum() == 2 * 6 * 8, "the liver won one slab"
    assert spleen.revision == before["spleen"].revision + 1
    assert spleen.previous_label_map == before["spleen"].label_map
    assert "neighbour" in spleen.reason
    assert spleen.origin is Origin.SOURCE, "whose mask it is does not change"


@pytest.mark.parametrize("origin", ["human", "gold"])
def test_automatic_masks_never_take_voxels_from_trusted_neighbours(
    store: Workspace, scan: Scan, before: dict[str, Annotation], origin: str
) -> None:
    trusted = before | {
        "spleen": annotation(scan.scan_id, "spleen", before["spleen"].label_map, origin=origin)
    }
    after = revise(store, scan, trusted, {"liver": decided(Action.REPLACE, 1.0)})
    np.testing.assert_array_equal(
        mask_of(voxels(store, after["spleen"]), "spleen"), mask_of(BEFORE, "spleen")
    )
    assert after["spleen"].revision == trusted["spleen"].revision


def test_other_layers_stay_as_they_are(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    after = revise(store, scan, before, {"liver": decided(Action.REPLACE)})
    assert after["aorta"] == before["aorta"]
    assert set(after) == set(before)


def test_the_same_revision_again_writes_the_same(
    store: Workspace, scan: Scan, before: dict[str, Annotation]
) -> None:
    decisions = {"liver": decided(Action.REPLACE), "stomach": decided(Action.IMPUTE)}
    assert revise(store, scan, before, decisions) == revise(store, scan, before, decisions)
    assert store.scans.write(made_image(), GRID, {}) == scan.scan_id
