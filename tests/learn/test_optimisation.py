"""What moves while a network learns: gradients as one vector, the mean of weights, checkpoints."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from memory import STRUCTURES, TAXONOMY, MemoryVolumes, add_case, make_plan
from torch import nn

from scalemai_core.errors import TrainingError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.device import learns_in_bfloat16
from scalemai_core.learn.feed.patches import PatchSource
from scalemai_core.learn.network.architectures import build_network
from scalemai_core.learn.network.segmenter import Segmenter
from scalemai_core.learn.train.checkpoint import Checkpoints
from scalemai_core.learn.train.gradients import Gradients
from scalemai_core.learn.train.process import train
from scalemai_core.learn.train.schedule import rate_share
from scalemai_core.learn.train.state import TrainingState
from scalemai_core.learn.weights import Weights
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import TrainingPlan
from scalemai_core.settings.learning import NetworkSettings, TrainSettings

CPU = torch.device("cpu")
SETTINGS = TrainSettings(
    steps=6,
    batch=2,
    learning_rate=1e-2,
    checkpoint_every=2,
    accumulate=2,
    ema_decay=0.9,
    augment=False,
)


@pytest.fixture(scope="module")
def volumes() -> MemoryVolumes:
    return MemoryVolumes()


@pytest.fixture(autouse=True)
def no_files(volumes: MemoryVolumes) -> None:
    """Checkpoints of other tests are gone."""
    volumes.files.clear()


@pytest.fixture(scope="module")
def plan(volumes: MemoryVolumes) -> TrainingPlan:
    return make_plan([add_case(volumes, seed) for seed in range(3)], train=SETTINGS)


def small_network() -> Segmenter:
    channels = Channels.of(STRUCTURES, TAXONOMY)
    return build_network(NetworkSettings(width=4, levels=2), channels, seed=0)


def quiet(_: TrainingProgress) -> None:
    """Nobody listens."""


def weights_of(
    volumes: MemoryVolumes, plan: TrainingPlan, checkpoints: Checkpoints | None
) -> bytes:
    network = train(plan, volumes, volumes, CPU, quiet, checkpoints)
    return Weights.of(network, plan.channels).to_bytes()


def with_settings(plan: TrainingPlan, **changes: object) -> TrainingPlan:
    return plan.model_copy(update={"train": plan.train.model_copy(update=changes)})


class StopsAfter(Checkpoints):
    """A power cut after the checkpoint of one step."""

    step = 4

    def write(self, state: TrainingState) -> None:
        super().write(state)
        if state.step == self.step:
            raise KeyboardInterrupt


def test_a_run_goes_on_with_the_sample_at_which_it_was_cut_off(
    volumes: MemoryVolumes, plan: TrainingPlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = weights_of(volumes, plan, None)
    with pytest.raises(KeyboardInterrupt):
        weights_of(volumes, plan, StopsAfter(volumes, plan))
    drawn: list[int] = []
    patch = PatchSource.patch
    monkeypatch.setattr(PatchSource, "patch", lambda own, n: drawn.append(n) or patch(own, n))
    assert weights_of(volumes, plan, Checkpoints(volumes, plan)) == whole
    assert drawn == list(range(4 * 2 * 2, 6 * 2 * 2)), "steps x batches x patches"


def test_a_checkpoint_of_another_training_is_refused(
    volumes: MemoryVolumes, plan: TrainingPlan
) -> None:
    state = TrainingState(small_network(), plan.train)
    state.step = 4
    Checkpoints(volumes, plan).write(state)
    other = plan.model_copy(update={"key": "other"})
    volumes.files[other.checkpoint] = volumes.files[plan.checkpoint]
    with pytest.raises(TrainingError, match="belongs to another training"):
        Checkpoints(volumes, other).resume(TrainingState(small_network(), plan.train))
    without_mean = TrainSettings()
    state = TrainingState(small_network(), without_mean)
    Checkpoints(volumes, plan).write(state)
    with pytest.raises(TrainingError, match="no checkpoint of this training"):
        Checkpoints(volumes, plan).resume(TrainingState(small_network(), plan.train))
    volumes.files[plan.checkpoint] = b"\x80\x04pickle"
    with pytest.raises(TrainingError, match="no checkpoint of this training"):
        Checkpoints(volumes, plan).resume(TrainingState(small_network(), plan.train))


def test_the_mean_of_weights_forgets_geometrically_and_never_saw_the_random_start() -> None:
    network = small_network()
    state = TrainingState(network, TrainSettings(ema_decay=0.5, weight_decay=0.0))
    seen: list[torch.Tensor] = []
    for step in range(3):
        for parameter in network.parameters():
            parameter.grad = torch.full_like(parameter, 1.0 + step)
        state.advance(0.1)
        seen.append(network.head.weight.detach().clone())
    shares = torch.tensor([0.25, 0.5, 1.0])
    expected = sum(share * one for share, one in zip(shares / shares.sum(), seen, strict=True))
    assert torch.allclose(state.model.head.weight, expected, atol=1e-6)
    assert state.model is not network
    assert TrainingState(network, TrainSettings()).model is network


def test_accumulated_batches_give_the_mean_of_their_gradients(
    volumes: MemoryVolumes, plan: TrainingPlan
) -> None:
    first_moments: list[torch.Tensor] = []

    class Keep(Checkpoints):
        def write(self, state: TrainingState) -> None:
            first_moments.append(state.tensors()["exp_avg.head.weight"].clone())

    for cases, accumulate in ((plan.cases[:1], 1), (plan.cases[1:2], 1), (plan.cases[:2], 2)):
        own = with_settings(
            plan, steps=2, batch=1, accumulate=accumulate, checkpoint_every=1, clip_norm=1e9
        ).model_copy(update={"cases": cases})
        train(own, volumes, volumes, CPU, quiet, Keep(volumes, own))
    one, other, both = first_moments
    assert not torch.allclose(one, other, atol=1e-4)
    assert torch.allclose(both, (one + other) / 2, atol=1e-5)


def test_gradients_are_added_in_place_and_clipped_together() -> None:
    network = nn.Conv3d(1, 2, 3).to(memory_format=torch.channels_last_3d)
    gradients = Gradients(network.parameters())
    plain = nn.Conv3d(1, 2, 3)
    plain.load_state_dict(network.state_dict())
    image = torch.rand(1, 1, 5, 5, 5)
    for _ in range(2):
        network(image).square().sum().backward()
        plain(image).square().sum().backward()
    expected = nn.utils.clip_grad_norm_(plain.parameters(), 0.5)
    norm = gradients.clip(0.5)
    assert float(norm) == pytest.approx(float(expected), rel=1e-5)
    for own, other in zip(network.parameters(), plain.parameters(), strict=True):
        assert own.grad is not None
        assert other.grad is not None
        assert own.grad.stride() == own.stride()
        assert torch.allclose(own.grad, other.grad, rtol=1e-4)
    gradients.clear()
    assert all(not parameter.grad.any() for parameter in network.parameters())


def test_the_learning_rate_rises_and_falls_to_a_hundredth() -> None:
    shares = [rate_share(step, 100, 0.1) for step in range(100)]
    assert shares[:10] == pytest.approx([(n + 1) / 10 for n in range(10)])
    assert all(later <= earlier for earlier, later in pairwise(shares[10:]))
    assert shares[-1] == pytest.approx(0.01, abs=0.001)


def test_a_training_that_diverges_says_what_to_do(
    plan: TrainingPlan, volumes: MemoryVolumes
) -> None:
    wild = plan.train.model_copy(update={"learning_rate": 1e30, "warmup": 0.0, "mixed": False})
    with pytest.raises(TrainingError, match=r"lower train\.learning_rate"):
        train(plan.model_copy(update={"train": wild}), volumes, volumes, CPU, quiet)


def test_two_slices_are_not_learned_in_bfloat16_on_a_cpu() -> None:
    assert learns_in_bfloat16(CPU, [16, 8, 4])
    assert not learns_in_bfloat16(CPU, [8, 4, 2])
    assert learns_in_bfloat16(torch.device("cuda"), [8, 4, 2])
