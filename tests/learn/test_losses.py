"""The loss against a brute-force one written with plain autograd."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.loss.allowed import EVEN, AllowedSets, allowed_sets
from scalemai_core.learn.loss.marginal import (
    DICE_WEIGHT,
    SMOOTH_VOXELS,
    LossTerms,
    segmentation_loss,
)
from scalemai_core.learn.loss.target import LayerTarget
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
NAMES = ("spleen", "kidney_left", "kidney_right", "liver_segment_1", "liver_segment_2", "aorta")
CHANNELS = Channels.of(NAMES, TAXONOMY)
SHAPE = (3, 4, 5)


def ids(*names: str) -> list[int]:
    return [TAXONOMY[name].id for name in names]


def draw(seed: int, batch: int, anatomy: list[int]) -> tuple[Tensor, list[dict[Layer, np.ndarray]]]:
    rng = np.random.default_rng(seed)
    logits = torch.from_numpy(rng.normal(size=(batch, CHANNELS.num_channels, *SHAPE))).float()
    labels = [
        {
            Layer.ANATOMY: rng.choice([0, *anatomy], size=SHAPE).astype(np.uint8),
            Layer.VESSELS: rng.choice([0, *ids("aorta")], size=SHAPE).astype(np.uint8),
        }
        for _ in range(batch)
    ]
    return logits.requires_grad_(), labels


def targets_of(
    labels: list[dict[Layer, np.ndarray]],
    unknown: list[tuple[str, ...]],
    weights: Mapping[str, float] = EVEN,
) -> list[list[LayerTarget]]:
    return [
        [
            LayerTarget.of(
                layer,
                allowed_sets(layer, missing, TAXONOMY, weights),
                torch.from_numpy(each[layer.layer]),
            )
            for layer in CHANNELS.layers
        ]
        for each, missing in zip(labels, unknown, strict=True)
    ]


def allowed_channels(allowed: AllowedSets, value: int, num: int) -> list[int]:
    target = int(allowed.target[value])
    return [target] if target < num else allowed.sets[target - num].tolist()


def brute_force(
    logits: Tensor,
    labels: list[dict[Layer, np.ndarray]],
    unknown: list[tuple[str, ...]],
    balance: float,
    say: Mapping[str, float] = EVEN,
) -> Tensor:
    """Voxel by voxel, with unknown logits held constant in the Dice.

    Those of which nothing is known are left out.
    """
    total = logits.new_zeros((), dtype=torch.float64)
    dice_losses: list[Tensor] = []
    for layer in CHANNELS.layers:
        entropies: list[Tensor] = []
        groups: list[int] = []
        sums = [[torch.zeros((), dtype=torch.float64) for _ in range(3)] for _ in layer.names]
        for sample, each, missing in zip(logits, labels, unknown, strict=True):
            allowed = allowed_sets(layer, missing, TAXONOMY)
            values = each[layer.layer].reshape(-1).tolist()
            sets = [allowed_channels(allowed, value, layer.num_channels) for value in values]
            rows = sample[layer.span].flatten(1).double()
            z = torch.stack(
                [
                    torch.full_like(row, -torch.inf) if allowed.held[c] else row
                    for c, row in enumerate(rows)
                ]
            )
            held = torch.stack(
                [
                    row.detach() if channel and layer.names[channel - 1] in missing else row
                    for channel, row in enumerate(z)
                ]
            )
            for voxel, channels in enumerate(sets):
                inside = torch.logsumexp(z[channels, voxel], 0)
                entropies.append(torch.logsumexp(z[:, voxel], 0) - inside)
                groups.append(channels[0] if len(channels) == 1 else 0)
            for channel, name in enumerate(layer.names, start=1):
                ambiguous = any(channel in s and len(s) > 1 for s in sets)
                if name in missing or ambiguous:
                    continue
                p = held.softmax(0)[channel]
                y = torch.tensor([float(s == [channel]) for s in sets], dtype=torch.float64)
                for slot, value in enumerate(((p * y).sum(), p.sum(), y.sum())):
                    sums[channel - 1][slot] = sums[channel - 1][slot] + say.get(name, 1) * value
        worth = [1.0, *(say.get(name, 1.0) for name in layer.names)]
        weights = torch.tensor(
            [(len(groups) / groups.count(g)) ** balance * worth[g] for g in groups]
        )
        total = total + (torch.stack(entropies) * weights).sum() / weights.sum()
        dice_losses += [
            1 - (2 * i + SMOOTH_VOXELS) / (p + y + SMOOTH_VOXELS) for i, p, y in sums if y > 0
        ]
    return total + DICE_WEIGHT * torch.stack(dice_losses).mean()


@pytest.mark.parametrize("balance", [0.0, 0.5])
@pytest.mark.parametrize(
    ("unknown", "anatomy"),
    [
        ([(), ()], ["spleen", "kidney_left", "liver_segment_1"]),
        ([("spleen",), ()], ["kidney_left", "kidney_right"]),
        ([("spleen",), ("spleen", "kidney_left")], ["spleen", "kidney_left", "kidney_right"]),
        (
            [("liver_segment_1", "liver_segment_2"), ()],
            ["liver", "liver_segment_1", "spleen", "stomach"],
        ),
        ([("liver", "liver_segment_1"), ("aorta",)], ["liver_segment_2", "kidney_right"]),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["compiled", "vectors"])
def test_loss_and_gradient_equal_brute_force(
    unknown: list[tuple[str, ...]], anatomy: list[str], balance: float, dtype: torch.dtype
) -> None:
    logits, labels = draw(1, 2, ids(*anatomy))
    logits = logits.detach().to(dtype).requires_grad_()
    terms = LossTerms(balance=balance, lesion_balance=balance)
    loss = segmentation_loss(logits, targets_of(labels, unknown), terms)
    (gradient,) = torch.autograd.grad(loss, logits)
    expected = brute_force(logits, labels, unknown, balance)
    (expected_gradient,) = torch.autograd.grad(expected, logits)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    torch.testing.assert_close(gradient, expected_gradient, atol=1e-6, rtol=0)


def test_a_doubted_mask_says_less_in_loss_and_gradient() -> None:
    logits, labels = draw(3, 2, ids("spleen", "kidney_left", "liver_segment_1"))
    unknown: list[tuple[str, ...]] = [("kidney_left",), ()]
    say = {"spleen": 0.3, "aorta": 0.6}
    loss = segmentation_loss(logits, targets_of(labels, unknown, say))
    expected = brute_force(logits, labels, unknown, 0.5, say)
    assert loss.item() == pytest.approx(expected.item(), abs=1e-6)
    assert loss.item() != pytest.approx(
        segmentation_loss(logits, targets_of(labels, unknown)).item()
    )
    torch.testing.assert_close(
        torch.autograd.grad(loss, logits)[0],
        torch.autograd.grad(expected, logits)[0],
        atol=1e-6,
        rtol=0,
    )


def test_with_everything_known_the_entropy_is_plain_cross_entropy() -> None:
    logits, labels = draw(2, 1, ids("spleen", "kidney_left"))
    targets = targets_of(labels, [()])
    plain = logits.new_zeros(())
    for layer in CHANNELS.layers:
        channel = np.searchsorted(layer.ids, labels[0][layer.layer])
        plain = plain + functional.cross_entropy(
            logits[:, layer.span], torch.from_numpy(channel)[None]
        )
    loss = segmentation_loss(logits, targets, LossTerms(balance=0.0, dice_weight=0.0))
    torch.testing.assert_close(loss, plain, atol=1e-6, rtol=0)
    torch.testing.assert_close(
        torch.autograd.grad(loss, logits)[0],
        torch.autograd.grad(plain, logits)[0],
        atol=1e-7,
        rtol=0,
    )


def test_a_structure_of_which_nothing_is_known_gets_exactly_no_gradient() -> None:
    logits, labels = draw(3, 2, ids("kidney_left", "kidney_right"))
    targets = targets_of(labels, [("spleen", "aorta"), ()])
    (gradient,) = torch.autograd.grad(segmentation_loss(logits, targets), logits)
    for layer in CHANNELS.layers:
        for channel, name in enumerate(layer.names, start=layer.start + 1):
            unlabelled = name in {"spleen", "aorta"}
            assert bool((gradient[0, channel] == 0).all()) is unlabelled
            assert bool(gradient[1, channel].any())


def test_parts_of_a_known_parent_learn_from_entropy_and_exactly_nothing_from_dice() -> None:
    logits, labels = draw(3, 1, ids("liver", "spleen", "kidney_left"))
    parts = ("liver_segment_1", "liver_segment_2")
    targets = targets_of(labels, [parts])
    both, entropy = (
        torch.autograd.grad(
            segmentation_loss(logits, targets, LossTerms(dice_weight=weight)), logits
        )[0]
        for weight in (DICE_WEIGHT, 0.0)
    )
    layer = CHANNELS.layers[0]
    rows = [layer.start + 1 + layer.names.index(name) for name in parts]
    assert torch.equal(both[:, rows], entropy[:, rows])
    assert bool(entropy[:, rows].any())
    assert not torch.equal(both, entropy)


def test_a_layer_of_which_nothing_is_known_pulls_nowhere() -> None:
    logits, labels = draw(4, 1, [])
    labels[0] = {layer: np.zeros_like(each) for layer, each in labels[0].items()}
    loss = segmentation_loss(logits, targets_of(labels, [(*NAMES, "liver")]))
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss.item() == pytest.approx(0.0, abs=1e-6)
    assert float(gradient.abs().max()) < 1e-7
