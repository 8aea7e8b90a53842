"""The organs as annotation and prediction show them together."""

from __future__ import annotations

import numpy as np

from scalemai_core.judge.lesions.anatomy import host_voxels, seen_anatomy
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
SHAPE = (4, 6, 10)


def filled(**columns: slice) -> LabelsZYX:
    labels_zyx = np.zeros(SHAPE, dtype=np.uint8)
    for name, where in columns.items():
        labels_zyx[:, :, where] = TAXONOMY[name].id
    return labels_zyx


def test_the_annotation_speaks_first_and_the_prediction_where_it_is_silent() -> None:
    annotated = filled(liver=slice(0, 4))
    predicted = filled(spleen=slice(2, 6), pancreas=slice(6, 8))
    seen = seen_anatomy({Layer.ANATOMY: annotated}, {Layer.ANATOMY: predicted}, SHAPE)
    expected = filled(liver=slice(0, 4), spleen=slice(4, 6), pancreas=slice(6, 8))
    np.testing.assert_array_equal(seen, expected)
    assert seen.dtype == np.uint8


def test_either_alone_is_enough_and_neither_is_an_empty_map() -> None:
    labels = {Layer.ANATOMY: filled(liver=slice(0, 4))}
    np.testing.assert_array_equal(seen_anatomy(labels, {}, SHAPE), labels[Layer.ANATOMY])
    np.testing.assert_array_equal(seen_anatomy({}, labels, SHAPE), labels[Layer.ANATOMY])
    assert not seen_anatomy({}, {}, SHAPE).any()


def test_other_layers_say_nothing_of_organs_and_inputs_are_left_as_they_are() -> None:
    lesions = np.full(SHAPE, TAXONOMY["liver_lesion"].id, dtype=np.uint8)
    organs = filled(liver=slice(0, 4))
    before = organs.copy()
    seen = seen_anatomy({Layer.LESIONS: lesions, Layer.ANATOMY: organs}, {}, SHAPE)
    np.testing.assert_array_equal(seen, before)
    np.testing.assert_array_equal(organs, before)


def test_maps_of_different_grids_meet_on_the_wanted_one() -> None:
    coarse = filled(liver=slice(0, 4))[::2, ::2, ::2]
    fine = np.repeat(filled(spleen=slice(0, 10)), 2, axis=2)
    seen = seen_anatomy({Layer.ANATOMY: coarse}, {Layer.ANATOMY: fine}, SHAPE)
    np.testing.assert_array_equal(seen, filled(liver=slice(0, 4), spleen=slice(4, 10)))


def test_hosts_are_the_organs_with_lesions_their_parts_included() -> None:
    ids = np.arange(len(TAXONOMY.unions), dtype=np.uint8)
    hosts = host_voxels(ids.reshape(1, 1, -1), TAXONOMY).reshape(-1)
    marked = {TAXONOMY.by_id(int(i)).name for i in np.flatnonzero(hosts)}
    named = {host for site in lesion_sites(TAXONOMY) for host in site.hosts}
    assert {"liver", "pancreas", "pancreas_tail", "kidney_left", "kidney_right", "colon"} <= marked
    assert "spleen" not in marked
    assert marked == {part.name for host in named for part in TAXONOMY.descendants(host)}
