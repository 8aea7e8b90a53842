"""Networks by their MONAI names: each is built, trains, predicts and comes back from storage."""

from __future__ import annotations

import inspect
import json
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from memory import STRUCTURES, TAXONOMY, MemoryVolumes, add_case, grid_of, make_plan, paint
from monai.bundle.config_parser import ConfigParser
from pydantic import ValidationError

from scalemai_core.errors import SettingsError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.network.architectures import (
    BODIES,
    body_arguments,
    build_body,
    build_network,
)
from scalemai_core.learn.network.state import unique_state
from scalemai_core.learn.predict.predictor import Predictor
from scalemai_core.learn.train.checkpoint import Checkpoints
from scalemai_core.learn.train.process import train
from scalemai_core.learn.train.state import TrainingState
from scalemai_core.learn.weights import Weights
from scalemai_core.records.model import ModelDocument
from scalemai_core.settings.architectures import ARCHITECTURES
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.file import PRESETS, load_settings
from scalemai_core.settings.learning import (
    InputSettings,
    NetworkSettings,
    PredictSettings,
    TrainSettings,
)

CPU = torch.device("cpu")
CHANNELS = Channels.of(STRUCTURES, TAXONOMY)
SMALL = {
    "SegResNet": {"width": 4, "levels": 2},
    "DynUNet": {"width": 4, "levels": 3, "options": {"res_block": True}},
    "SwinUNETR": {"width": 12, "levels": 4, "options": {"depths": [1, 1, 1, 1]}},
    "MedNeXt": {"width": 4, "levels": 2, "options": {"blocks_down": [1], "blocks_up": [1]}},
    "UNet": {"width": 4, "levels": 2, "options": {"num_res_units": 1}},
}


def small(name: str, **changes: object) -> NetworkSettings:
    return NetworkSettings.model_validate({"name": name, **SMALL[name], **changes})


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_argument_of_a_monai_network_is_either_free_or_the_engines(name: str) -> None:
    known = ARCHITECTURES[name]
    arguments = set(inspect.signature(BODIES[name].__init__).parameters) - {"self"}
    assert known.own | known.free == arguments
    assert not known.own & known.free
    assert set(known.per_level) <= known.free


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_a_network_trains_a_step_is_stored_and_predicts_the_same_again(name: str) -> None:
    size = 64 if name == "SwinUNETR" else 16
    volumes = MemoryVolumes()
    plan = make_plan([add_case(volumes, seed) for seed in range(2)])
    plan = plan.model_copy(
        update={
            "network": small(name),
            "input": InputSettings(spacing_mm=4.0, patch_zyx=(size, size, size)),
            "train": plan.train.model_copy(update={"steps": 1, "batch": 1}),
        }
    )
    started = build_network(plan.network, CHANNELS, plan.seed).state_dict()
    network = train(plan, volumes, volumes, CPU, lambda _: None)
    trained = {key: tensor.clone() for key, tensor in network.state_dict().items()}
    assert any(not torch.equal(started[key], trained[key]) for key in trained)
    volumes.files["w"] = Weights.of(network, plan.channels).to_bytes()
    document = ModelDocument(
        key=plan.key,
        taxonomy_version=str(TAXONOMY.version),
        channels=plan.channels,
        network=plan.network,
        input=plan.input,
        folds=("w",),
        round=1,
        dataset_version=1,
        code_version="test",
    )
    read = ModelDocument.model_validate_json(document.model_dump_json())
    assert read == document
    rebuilt = build_network(read.network, CHANNELS, seed=5)
    Weights.from_bytes(volumes.files["w"], "w").into(rebuilt, read.channels)
    assert all(torch.equal(rebuilt.state_dict()[key], trained[key]) for key in trained)
    stored = Weights.from_bytes(volumes.files["w"], "w").tensors.values()
    learned = sum(tensor.numel() for tensor in stored if tensor.is_floating_point())
    assert rebuilt.num_parameters == learned
    image_zyx, _ = paint(9)
    again = Predictor.load(volumes, read, [0], "cpu", 1).predict(
        image_zyx, grid_of(), PredictSettings(overlap=0.0)
    )
    direct = Predictor([network], CHANNELS, plan.input, CPU).predict(
        image_zyx, grid_of(), PredictSettings(overlap=0.0)
    )
    for layer, labels_zyx in direct.labels.items():
        assert np.array_equal(labels_zyx, again.labels[layer])


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_a_networks_running_mean_and_checkpoint_take_every_tensor_once(name: str) -> None:
    """DynUNet holds tensors under two names, SwinUNETR holds whole numbers."""
    files, train_settings = Files(), TrainSettings(ema_decay=0.5)
    checkpoints = Checkpoints(files, make_plan([]))
    state = TrainingState(build_network(small(name), CHANNELS, seed=0), train_settings)
    first = step(state)
    checkpoints.write(state)
    second = step(state)
    mean = unique_state(state.model)
    for key in mean:
        if mean[key].is_floating_point():
            assert torch.allclose(mean[key], first[key] / 3 + second[key] * 2 / 3, atol=1e-6), key
        else:
            assert torch.equal(mean[key], second[key]), key
    other = TrainingState(build_network(small(name), CHANNELS, seed=1), train_settings)
    checkpoints.resume(other)
    step(other)
    assert all(torch.equal(unique_state(other.model)[key], mean[key]) for key in mean)


def step(state: TrainingState) -> dict[str, torch.Tensor]:
    """One step along made-up gradients; the weights after it."""
    for parameter in state.network.parameters():
        parameter.grad = torch.ones_like(parameter)
    state.advance(1e-2)
    return {key: tensor.clone() for key, tensor in unique_state(state.network).items()}


@dataclass
class Files:
    """A checkpoint's bytes."""

    data: dict[str, bytes] = field(default_factory=dict)

    def read_bytes(self, path: str) -> bytes:
        if path not in self.data:
            raise FileNotFoundError(path)
        return self.data[path]

    def write_bytes(self, path: str, data: bytes) -> None:
        self.data[path] = data


@pytest.mark.parametrize("name", ["SegResNet", "DynUNet", "MedNeXt", "UNet"])
@pytest.mark.parametrize("stem_stride", [1, 2])
def test_a_network_keeps_the_shape_of_any_image(name: str, stem_stride: int) -> None:
    settings = NetworkSettings.model_validate(
        {"name": name, "stem_stride": stem_stride, "width": 8, "levels": 3}
    )
    network = build_network(settings, CHANNELS, seed=0)
    again = build_network(settings, CHANNELS, seed=0)
    assert all(map(torch.equal, network.state_dict().values(), again.state_dict().values()))
    logits = network(torch.zeros(2, 1, 9, 8, 11))
    assert logits.shape == (2, CHANNELS.num_channels, 9, 8, 11)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_monai_builds_the_same_body_from_a_json_config(name: str) -> None:
    settings = small(name)
    body = {"_target_": f"monai.networks.nets.{name}", **body_arguments(settings)}
    parser = ConfigParser(json.loads(json.dumps({"body": body})))
    theirs, ours = parser.get_parsed_content("body"), build_body(settings)
    shapes = {key: tensor.shape for key, tensor in ours.state_dict().items()}
    assert {key: tensor.shape for key, tensor in theirs.state_dict().items()} == shapes


def test_swin_unetr_gets_axes_that_it_can_halve_five_times() -> None:
    network = build_network(small("SwinUNETR", stem_stride=2), CHANNELS, seed=0).eval()
    assert network.multiple == 64
    with torch.inference_mode():
        assert network(torch.zeros(1, 1, 70, 66, 65)).shape[2:] == (70, 66, 65)


def test_a_model_stored_before_there_were_options_still_loads() -> None:
    old = {"name": "SegResNet", "width": 16, "levels": 4, "stem_stride": 1}
    assert NetworkSettings.model_validate(old) == NetworkSettings()
    assert NetworkSettings().options == {}


def test_options_reach_monai_and_change_the_network() -> None:
    plain, wide = small("MedNeXt"), small("MedNeXt", options={"kernel_size": 5})
    assert body_arguments(plain)["kernel_size"] == 3
    assert body_arguments(wide)["kernel_size"] == 5
    few = build_network(plain, CHANNELS, seed=0).num_parameters
    assert build_network(wide, CHANNELS, seed=0).num_parameters > few


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"options": {"in_channels": 3}}, "'in_channels' is set by the engine; free .* norm"),
        ({"options": {"colour": 3}}, "'colour' is no argument of SegResNet; free .* dropout_prob"),
        ({"options": {"blocks_down": [1, 2]}}, "'blocks_down' needs 4 entries"),
        ({"name": "SwinUNETR", "width": 16}, "multiple of 12"),
        ({"name": "SwinUNETR", "width": 24, "levels": 5}, "levels 4, not 5"),
        ({"name": "DynUNet", "levels": 2}, "levels 3 to 6, not 2"),
        ({"name": "NoNet"}, "'SegResNet', 'DynUNet', 'SwinUNETR', 'MedNeXt' or 'UNet'"),
    ],
)
def test_what_cannot_be_built_is_refused_with_the_settings(
    changes: dict[str, object], told: str
) -> None:
    with pytest.raises(ValidationError, match=told):
        NetworkSettings.model_validate(changes)


def test_a_value_that_monai_refuses_is_an_error_of_the_settings() -> None:
    settings = small("SegResNet", options={"act": "none of these"})
    with pytest.raises(SettingsError, match=r"cannot build SegResNet .*act"):
        build_network(settings, CHANNELS, seed=0)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_presets_network_has_room_for_all_structures_and_fits_its_patch(preset: str) -> None:
    settings: EngineSettings = load_settings(preset)
    leaves = [structure.name for structure in TAXONOMY.leaves]
    channels = Channels.of(leaves, TAXONOMY)
    with torch.device("meta"):
        network = build_network(settings.network, channels, seed=0)
        logits = network(torch.zeros(1, 1, *settings.input.patch_zyx))
    assert logits.shape[2:] == settings.input.patch_zyx
    assert logits.shape[1] == channels.num_channels
    assert not any(edge % network.multiple for edge in settings.input.patch_zyx)
