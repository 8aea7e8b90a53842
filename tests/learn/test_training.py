"""Training and prediction from end to end, on scans in memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from memory import (
    SHAPE,
    STRUCTURES,
    TAXONOMY,
    MemoryVolumes,
    add_case,
    document_of,
    grid_of,
    make_plan,
    paint,
)

from scalemai_core.errors import TrainingError, UsageError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.network.architectures import build_network
from scalemai_core.learn.predict.predictor import Predictor
from scalemai_core.learn.train.process import train
from scalemai_core.learn.weights import Weights
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import TrainingPlan
from scalemai_core.settings.learning import NetworkSettings

CPU = torch.device("cpu")


def quiet(_: TrainingProgress) -> None:
    """Nobody listens."""


def dice(one: np.ndarray, other: np.ndarray) -> float:
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


@pytest.fixture(scope="module")
def trained() -> tuple[MemoryVolumes, TrainingPlan]:
    volumes = MemoryVolumes()
    plan = make_plan([add_case(volumes, seed) for seed in range(6)])
    network = train(plan, volumes, volumes, CPU, quiet)
    volumes.files["a"] = Weights.of(network, plan.channels).to_bytes()
    return volumes, plan


def test_a_trained_model_finds_the_structures_of_an_unseen_scan(
    trained: tuple[MemoryVolumes, TrainingPlan],
) -> None:
    volumes, plan = trained
    predictor = Predictor.load(volumes, document_of(plan, ("a",)), [0], "cpu", 1)
    image_zyx, truth = paint(99)
    prediction = predictor.predict(image_zyx, grid_of())
    for name in STRUCTURES:
        structure = TAXONOMY[name]
        found = prediction.labels[structure.layer] == structure.id
        assert dice(found, truth[structure.layer] == structure.id) > 0.85
    assert all(each.dtype == np.uint8 for each in prediction.labels.values())


def test_a_scan_longer_than_the_window_is_found_along_its_whole_length(
    trained: tuple[MemoryVolumes, TrainingPlan],
) -> None:
    volumes, plan = trained
    predictor = Predictor.load(volumes, document_of(plan, ("a",)), [0], "cpu", 1)
    parts = [paint(99), paint(98), paint(97)]
    image_zyx = np.concatenate([image_zyx for image_zyx, _ in parts])
    prediction = predictor.predict(image_zyx, grid_of(4.0, (3 * SHAPE[0], *SHAPE[1:])))
    structure = TAXONOMY["spleen"]
    found = prediction.labels[structure.layer] == structure.id
    for part, (_, truth) in zip(np.split(found, 3), parts, strict=True):
        assert dice(part, truth[structure.layer] == structure.id) > 0.7


def test_training_twice_gives_the_same_bytes(
    trained: tuple[MemoryVolumes, TrainingPlan],
) -> None:
    volumes, plan = trained
    short = plan.model_copy(update={"train": plan.train.model_copy(update={"steps": 3})})
    one, other = (
        Weights.of(train(short, volumes, volumes, CPU, quiet), plan.channels).to_bytes()
        for _ in range(2)
    )
    assert one == other


def test_a_warm_start_continues_and_gains_channels(
    trained: tuple[MemoryVolumes, TrainingPlan],
) -> None:
    volumes, plan = trained
    wider = Channels.of((*STRUCTURES, "kidney_left"), TAXONOMY)
    network = build_network(plan.network, wider, seed=3)
    Weights.from_bytes(volumes.files["a"], "a").into(network, wider.names)
    stored = Weights.from_bytes(volumes.files["a"], "a")
    names = ["background", *plan.channels[wider.layers[0].layer]]
    for row, name in enumerate(names):
        kept = 0 if row == 0 else 1 + wider.layers[0].names.index(name)
        assert torch.equal(network.head.weight[kept], stored.tensors["head.weight"][row])
    continued = train(plan.model_copy(update={"init": "a"}), volumes, volumes, CPU, quiet)
    assert not torch.equal(continued.head.weight.cpu(), stored.tensors["head.weight"])


def test_an_ensemble_of_one_model_twice_is_that_model(
    trained: tuple[MemoryVolumes, TrainingPlan],
) -> None:
    volumes, plan = trained
    document = document_of(plan, ("a", "a"))
    image_zyx, _ = paint(98)
    single, double = (
        Predictor.load(volumes, document, folds, "cpu", 1).predict(image_zyx, grid_of())
        for folds in ([0], [0, 1])
    )
    for layer in single.labels:
        assert np.array_equal(single.labels[layer], double.labels[layer])


def test_predictions_come_on_the_grid_of_the_scan(
    trained: tuple[MemoryVolumes, TrainingPlan],
) -> None:
    volumes, plan = trained
    predictor = Predictor.load(volumes, document_of(plan, ("a",)), [0], "cpu", 1)
    image_zyx, truth = paint(97)
    fine = image_zyx.repeat(2, axis=0).repeat(2, axis=1).repeat(2, axis=2)
    shape = (2 * SHAPE[0], 2 * SHAPE[1], 2 * SHAPE[2])
    prediction = predictor.predict(fine, grid_of(2.0, shape))
    structure = TAXONOMY["liver"]
    found = prediction.labels[structure.layer] == structure.id
    expected = (truth[structure.layer] == structure.id).repeat(2, 0).repeat(2, 1).repeat(2, 2)
    assert found.shape == shape
    assert dice(found, expected) > 0.8


def test_weights_of_another_network_are_refused(
    trained: tuple[MemoryVolumes, TrainingPlan],
) -> None:
    volumes, plan = trained
    other = plan.model_copy(update={"network": NetworkSettings(width=12, levels=2)})
    with pytest.raises(TrainingError, match="another network"):
        Predictor.load(volumes, document_of(other, ("a",)), [0], "cpu", 1)
    with pytest.raises(TrainingError, match="no weights at b"):
        Predictor.load(volumes, document_of(plan, ("b",)), [0], "cpu", 1)
    with pytest.raises(UsageError, match="1 folds"):
        Predictor.load(volumes, document_of(plan, ("a",)), [1], "cpu", 1)
    with pytest.raises(TrainingError, match="no weights of this engine"):
        Weights.from_bytes(b"\x08\x00\x00\x00\x00\x00\x00\x00notjson!", "c")


@pytest.mark.parametrize("place", [0.01, 0.5, 0.99])
def test_weights_with_one_changed_bit_are_refused(
    trained: tuple[MemoryVolumes, TrainingPlan], place: float
) -> None:
    data = bytearray(trained[0].files["a"])
    data[int(place * len(data))] ^= 1
    with pytest.raises(TrainingError, match="a is damaged"):
        Weights.from_bytes(bytes(data), "a")
