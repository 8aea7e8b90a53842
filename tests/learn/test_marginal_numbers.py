"""The loss among processes and threads, with lesions, and with numbers at the edge."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from torch import Tensor

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.loss import marginal
from scalemai_core.learn.loss.allowed import allowed_sets
from scalemai_core.learn.loss.exponential import exponential
from scalemai_core.learn.loss.marginal import LossTerms, segmentation_loss
from scalemai_core.learn.loss.target import LayerTarget
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
CHANNELS = Channels.of(TAXONOMY.names, TAXONOMY)
LESIONS = next(layer for layer in CHANNELS.layers if layer.layer is Layer.LESIONS)


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def draw(
    seed: int, batch: int, shape: tuple[int, ...] = (6, 7, 8)
) -> tuple[Tensor, list[list[LayerTarget]]]:
    """A batch that holds a few of every layer's structures, and knows less in every sample."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(batch, CHANNELS.num_channels, *shape)) * 3
    targets = [
        [
            LayerTarget.of(
                layer,
                allowed_sets(layer, layer.names[-2 * sample :] if sample else (), TAXONOMY),
                torch.from_numpy(rng.choice(layer.ids[:5], shape)),
            )
            for layer in CHANNELS.layers
        ]
        for sample in range(batch)
    ]
    return torch.from_numpy(logits).float().requires_grad_(), targets


def test_two_processes_get_the_loss_of_the_whole_batch_and_their_part_of_its_gradient(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    logits, targets = draw(1, 4)
    loss = segmentation_loss(logits, targets)
    (gradient,) = torch.autograd.grad(loss, logits)
    meeting, brought = threading.Barrier(2, timeout=60), [torch.zeros(0)] * 2

    def sum_over(sums: Tensor) -> Tensor:
        brought[int(threading.current_thread().name[-1])] = sums
        meeting.wait()
        total = brought[0] + brought[1]
        meeting.wait()
        return total

    def process(rank: int) -> tuple[Tensor, Tensor]:
        own = logits[rank::2].detach().clone().requires_grad_()
        part = segmentation_loss(own, targets[rank::2])
        return part.detach(), torch.autograd.grad(part, own)[0]

    monkeypatch.setattr(marginal, "_sum_over_processes", sum_over)
    with ThreadPoolExecutor(2, thread_name_prefix="rank") as pool:
        parts = list(pool.map(process, range(2)))
    for rank, (part, own) in enumerate(parts):
        torch.testing.assert_close(part, loss.detach(), atol=1e-6, rtol=0)
        torch.testing.assert_close(own, gradient[rank::2], atol=1e-9, rtol=1e-6)


@pytest.mark.usefixtures("two_threads")
def test_the_number_of_threads_changes_no_bit() -> None:
    logits, targets = draw(2, 1, (40, 40, 50))
    results: list[tuple[Tensor, Tensor]] = []
    for threads in (2, 1):
        torch.set_num_threads(threads)
        loss = segmentation_loss(logits, targets)
        results.append((loss.detach(), torch.autograd.grad(loss, logits)[0]))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.equal(results[0][1], results[1][1])


@pytest.mark.parametrize("offset", [-300.0, 90.0, 1000.0])
def test_logits_of_any_size_give_what_their_differences_give(offset: float) -> None:
    logits, targets = draw(3, 1)
    expected = segmentation_loss(logits, targets)
    moved = (logits.detach() + offset).requires_grad_()
    loss = segmentation_loss(moved, targets)
    torch.testing.assert_close(loss, expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(
        torch.autograd.grad(loss, moved)[0],
        torch.autograd.grad(expected, logits)[0],
        atol=1e-6,
        rtol=0,
    )


def test_a_logit_that_is_no_number_is_heard_of() -> None:
    logits, targets = draw(4, 1)
    with torch.no_grad():
        logits[0, 5, 2, 2, 2] = torch.nan
    assert bool(segmentation_loss(logits, targets).isnan())


def test_strided_logits_are_read_right() -> None:
    logits, targets = draw(5, 2)
    expected = torch.autograd.grad(segmentation_loss(logits, targets), logits)[0]
    last = logits.detach().to(memory_format=torch.channels_last_3d).requires_grad_()
    own = torch.autograd.grad(segmentation_loss(last, targets), last)[0]
    assert torch.equal(own, expected)


def test_a_mask_of_weight_zero_moves_nothing_where_it_lies() -> None:
    layer = CHANNELS.layers[0]
    logits = draw(6, 1)[0].detach()[:, layer.span].clone().requires_grad_()
    labels_zyx = torch.full(logits.shape[2:], int(layer.ids[1]), dtype=torch.uint8)
    labels_zyx[0] = int(layer.ids[2])
    doubted = allowed_sets(layer, (), TAXONOMY, {layer.names[0]: 0.0})
    targets = [[LayerTarget.of(layer, doubted, labels_zyx)]]
    terms = LossTerms(dice_weight=0.0)
    (gradient,) = torch.autograd.grad(segmentation_loss(logits, targets, terms), logits)
    assert not gradient[:, :, 1:].any()
    assert bool(gradient[:, :, 0].all())


def test_channels_without_a_target_are_refused() -> None:
    logits, targets = draw(8, 1)
    with pytest.raises(ValueError, match="do not cover"):
        segmentation_loss(logits, [targets[0][:-1]])


def lesion_slopes(terms: LossTerms) -> tuple[Tensor, Tensor, Tensor]:
    """What pulls a lesion's logit inside and outside its mask; what pulls at other layers."""
    logits, targets = draw(7, 1)
    (gradient,) = torch.autograd.grad(segmentation_loss(logits, targets, terms), logits)
    target = targets[0][CHANNELS.layers.index(LESIONS)]
    rows = gradient[0, LESIONS.span].flatten(1)
    inside = target.target == 1
    return rows[1, inside], rows[1, ~inside], gradient[0, : LESIONS.start]


def test_recall_pulls_less_at_false_voxels_of_lesions_and_nowhere_else() -> None:
    even, keen = (lesion_slopes(LossTerms(lesion_recall=recall)) for recall in (0.5, 0.8))
    assert float(keen[1].sum()) < float(even[1].sum())
    assert torch.equal(even[2], keen[2])


def test_balance_and_share_of_lesions_raise_their_pull() -> None:
    plain = lesion_slopes(LossTerms())
    heavier = lesion_slopes(LossTerms(lesion_share=4.0))
    assert float(heavier[0].sum()) < float(plain[0].sum())
    balanced = lesion_slopes(LossTerms(lesion_balance=1.0))
    assert torch.equal(balanced[2], plain[2])
    assert not torch.equal(balanced[0], plain[0])


def test_the_exponential_is_exact_to_float32() -> None:
    x = np.linspace(-86.5, 88, 20_001).astype(np.float32)
    own = np.array([exponential(each) for each in x], dtype=np.float64)
    np.testing.assert_allclose(own, np.exp(x.astype(np.float64)), rtol=3e-7)
    assert np.isnan(exponential(np.float32(np.nan)))
