"""Which structures get a channel, and what a label value allows."""

from __future__ import annotations

import pytest

from scalemai_core.learn.channels import Channels, LayerChannels, channel_titles
from scalemai_core.learn.loss.allowed import allowed_sets
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()


def anatomy_of(*names: str) -> LayerChannels:
    return Channels.of(names, TAXONOMY).layers[0]


def meaning(layer: LayerChannels, unknown: tuple[str, ...], value: str | None) -> set[str]:
    """Names that a label value allows; None stands for background."""
    allowed = allowed_sets(layer, unknown, TAXONOMY)
    target = int(allowed.target[0 if value is None else TAXONOMY[value].id])
    num = layer.num_channels
    channels = [target] if target < num else allowed.sets[target - num].tolist()
    return {("background", *layer.names)[channel] for channel in channels}


def held(layer: LayerChannels, unknown: tuple[str, ...]) -> set[str]:
    """Channels that the softmax leaves out."""
    out = allowed_sets(layer, unknown, TAXONOMY).held
    return {name for name, is_out in zip(layer.names, out[1:], strict=True) if is_out}


def test_a_parent_with_an_annotated_part_has_no_channel() -> None:
    channels = Channels.of(["liver", "liver_segment_1", "pancreas", "spleen"], TAXONOMY)
    assert set(channels.names[Layer.ANATOMY]) == {"pancreas", "spleen", "liver_segment_1"}


def test_layers_follow_one_another_and_start_with_background() -> None:
    channels = Channels.of(["spleen", "aorta", "liver_lesion"], TAXONOMY)
    assert [layer.layer for layer in channels.layers] == list(Layer)
    assert [layer.span for layer in channels.layers] == [slice(0, 2), slice(2, 4), slice(4, 6)]
    assert channels.num_channels == 6
    assert channels.ids_of(Layer.VESSELS).tolist() == [0, TAXONOMY["aorta"].id]
    assert Channels.from_names(channels.names, TAXONOMY).names == channels.names
    assert channel_titles(channels.names)[:2] == ["anatomy/background", "anatomy/spleen"]


def test_a_layer_nobody_annotated_has_no_channels() -> None:
    channels = Channels.of(["spleen"], TAXONOMY)
    assert [layer.layer for layer in channels.layers] == [Layer.ANATOMY]
    with pytest.raises(KeyError):
        channels.ids_of(Layer.LESIONS)


def test_background_is_none_of_what_is_known() -> None:
    layer = anatomy_of("spleen", "kidney_left")
    assert meaning(layer, ("spleen",), None) == meaning(layer, (), None) == {"background"}
    assert held(layer, ()) == set()
    assert held(layer, ("spleen",)) == {"spleen"}


def test_a_voxel_on_hold_says_no_more_than_background() -> None:
    layer = anatomy_of("spleen", "kidney_left")
    assert meaning(layer, ("spleen",), "spleen") == {"background"}
    assert meaning(layer, ("spleen",), "kidney_left") == {"kidney_left"}


def test_a_parent_voxel_is_one_of_its_parts() -> None:
    layer = anatomy_of("liver_segment_1", "liver_segment_2", "liver_segment_3", "spleen")
    segments = ("liver_segment_1", "liver_segment_2")
    assert meaning(layer, segments, "liver") == set(segments)
    assert meaning(layer, (), "liver") == {*segments, "liver_segment_3"}


def test_parts_of_a_known_parent_are_not_in_the_background() -> None:
    layer = anatomy_of("liver_segment_1", "liver_segment_2", "spleen")
    unknown = ("liver_segment_1", "liver_segment_2")
    assert meaning(layer, unknown, None) == {"background"}
    assert held(layer, unknown) == set()
    assert held(layer, ("liver", *unknown)) == set(unknown)


def test_a_part_without_channel_is_its_parent() -> None:
    assert meaning(anatomy_of("pancreas", "spleen"), (), "pancreas_head") == {"pancreas"}


def test_a_structure_without_any_channel_is_background_for_sure() -> None:
    assert meaning(anatomy_of("spleen", "stomach"), ("spleen",), "colon") == {"background"}
