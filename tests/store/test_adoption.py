"""Labels offered for a stored scan: they fill what is unknown, else stand by."""

from __future__ import annotations

import numpy as np
from made_up_scans import mask_of, offered, painted

from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.rows import annotations_of
from scalemai_core.store.versions.admission import admit, publish_admission
from scalemai_core.store.workspace import Workspace

FIRST = painted(liver=slice(0, 4))
SECOND = painted(liver=slice(0, 6), spleen=slice(7, 10))
BOTH = {"liver": State.PRESENT, "spleen": State.PRESENT}


def annotations(store: Workspace) -> dict[str, Annotation]:
    version = store.catalog.latest()
    assert version is not None
    return {a.structure: a for a in annotations_of(store.catalog.annotations(version))}


def offer_twice(store: Workspace, *, gold: bool = False) -> tuple[Annotation, Annotation]:
    """Liver first, then liver and spleen of another source; the liver before and after."""
    first = offered(store, "a", FIRST, {"liver": State.PRESENT})
    publish_admission(store, admit(store, [first], gold=False), "first")
    before = annotations(store)["liver"]
    second = offered(store, "a", SECOND, BOTH, source="clinic")
    version = publish_admission(store, admit(store, [second], gold=gold), "second")
    assert version is not None
    assert version.number == 2
    return before, annotations(store)["liver"]


def layer(store: Workspace, annotation: Annotation) -> np.ndarray:
    assert annotation.label_map is not None
    return store.labels.read(annotation.label_map)


def test_unknown_structures_are_filled_by_the_later_source(store: Workspace) -> None:
    offer_twice(store)
    spleen = annotations(store)["spleen"]
    assert spleen.state is State.PRESENT
    assert (spleen.origin, spleen.origin_name) == (Origin.SOURCE, "clinic")
    assert spleen.revision == 1
    np.testing.assert_array_equal(
        mask_of(layer(store, spleen), "spleen"), mask_of(SECOND, "spleen")
    )


def test_known_structures_keep_their_mask_and_the_other_stands_by(store: Workspace) -> None:
    before, after = offer_twice(store)
    assert after.origin_name == "hospital"
    assert after.revision == before.revision
    np.testing.assert_array_equal(mask_of(layer(store, after), "liver"), mask_of(FIRST, "liver"))
    (candidate,) = store.catalog.table("candidates", tables.CANDIDATES).to_dicts()
    assert (candidate["structure"], candidate["origin_name"]) == ("liver", "clinic")
    np.testing.assert_array_equal(store.labels.read(candidate["label_map"]), SECOND)


def test_all_structures_of_a_layer_point_at_the_new_map_and_the_old_one_stays(
    store: Workspace,
) -> None:
    before, after = offer_twice(store)
    assert {annotations(store)[name].label_map for name in BOTH} == {after.label_map}
    assert before.label_map != after.label_map
    np.testing.assert_array_equal(layer(store, before), FIRST)


def test_a_known_empty_structure_fills_as_absent(store: Workspace) -> None:
    first = offered(store, "a", FIRST, {"liver": State.PRESENT})
    publish_admission(store, admit(store, [first], gold=False), "first")
    states = {"stomach": State.ABSENT}
    second = offered(store, "a", painted(), states, source="clinic")
    publish_admission(store, admit(store, [second], gold=False), "second")
    found = annotations(store)
    assert found["stomach"].state is State.ABSENT
    assert found["liver"].state is State.PRESENT
    np.testing.assert_array_equal(layer(store, found["liver"]), FIRST)


def test_gold_takes_the_place_of_other_labels(store: Workspace) -> None:
    before, after = offer_twice(store, gold=True)
    assert after.origin is Origin.GOLD
    assert after.revision == before.revision + 1
    assert after.previous_label_map == before.label_map
    np.testing.assert_array_equal(mask_of(layer(store, after), "liver"), mask_of(SECOND, "liver"))
    assert store.catalog.table("candidates", tables.CANDIDATES).height == 0


def test_offering_the_same_candidate_again_is_a_duplicate(store: Workspace) -> None:
    offer_twice(store)
    again = admit(store, [offered(store, "a", SECOND, BOTH, source="clinic")], gold=False)
    assert [r.reason for r in again.rejections] == ["duplicate_scan"]
    assert again.admitted == 0
