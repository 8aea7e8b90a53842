"""The log-odds of lesions, streamed, against the whole probabilities at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from memory import TAXONOMY

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.predict.sums import Block
from scalemai_core.learn.predict.suspicion import Suspicion
from scalemai_core.records.grid import Grid
from scalemai_core.volume.lesion_odds import LesionOdds
from scalemai_core.volume.log_odds import LOG_ODDS

NAMES = ["liver", "spleen", "liver_lesion", "kidney_cyst", "kidney_tumor"]
SHAPE = (7, 5, 6)
GRID = Grid.of(SHAPE, np.diag([2.0, 2.0, 3.0, 1.0]))


def softmax_of_noise(seed: int, channels: Channels) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    noise = 3 * torch.randn((channels.num_channels, *SHAPE), generator=generator)
    return torch.cat([noise[layer.span].softmax(dim=0) for layer in channels.layers])


def streamed(
    channels: Channels, probabilities: torch.Tensor, parts: list[int], grid: Grid
) -> LesionOdds:
    suspicion = Suspicion(channels.layers[-1], grid)
    z = 0
    for part in probabilities.log().split(parts, dim=1):
        weights = torch.full(part.shape[1:], 0.5)
        suspicion.add(Block(z, 0, part * weights, weights))
        z += part.shape[1]
    return suspicion.odds()


@pytest.mark.parametrize("parts", [[7], [1, 2, 4], [3, 3, 1]])
def test_codes_are_the_log_odds_of_any_lesion_and_types_the_likeliest_kind(
    parts: list[int],
) -> None:
    channels = Channels.of(NAMES, TAXONOMY)
    probabilities = softmax_of_noise(3, channels)
    odds = streamed(channels, probabilities, parts, GRID)
    assert odds.grid == GRID
    lesions = channels.layers[1]
    own = probabilities[lesions.span].double().numpy()
    wanted = np.log(own[1:].sum(axis=0)) - np.log(own[0])
    there = odds.codes_zyx > 0
    assert there.mean() > 0.99
    step = LOG_ODDS[2] - LOG_ODDS[1]
    np.testing.assert_allclose(LOG_ODDS[odds.codes_zyx][there], wanted[there], atol=0.51 * step)
    np.testing.assert_array_equal(
        odds.types_zyx[there], lesions.ids[1:][own[1:].argmax(axis=0)][there]
    )


def test_small_probabilities_are_told_apart() -> None:
    channels = Channels.of(["liver_lesion"], TAXONOMY)
    small = torch.tensor([3e-6, 1e-5, 1e-4, 1e-3, 0.5, 1 - 1e-5])
    probabilities = torch.stack([1 - small, small]).reshape(2, 1, 1, 6)
    odds = streamed(channels, probabilities, [1], Grid.of((1, 1, 6), np.eye(4)))
    codes = odds.codes_zyx.ravel()
    assert (np.diff(codes.astype(int)) > 5).all()
    assert codes[0] > 0


def test_missing_rows_are_noticed() -> None:
    channels = Channels.of(NAMES, TAXONOMY)
    with pytest.raises(ValueError, match="voxels were predicted"):
        streamed(channels, softmax_of_noise(1, channels)[:, :5], [5], GRID)
