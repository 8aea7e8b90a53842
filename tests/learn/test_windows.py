"""Sliding windows and their way back to the scan's grid, against the obvious computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import STRUCTURES, TAXONOMY
from monai.inferers.inferer import SlidingWindowInferer
from torch import Tensor, nn
from torch.nn import functional

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.predict.blend import stream_blocks
from scalemai_core.learn.predict.readout import Labels, Readout
from scalemai_core.learn.predict.sums import Block
from scalemai_core.learn.predict.windows import Windows, window_starts
from scalemai_core.records.grid import Grid

PATCH = (12, 10, 14)
CHANNELS = Channels.of(STRUCTURES, TAXONOMY)


def random_network(seed: int, num_channels: int = 5) -> nn.Module:
    generator = torch.Generator().manual_seed(seed)
    network = nn.Sequential(nn.Conv3d(1, 6, 3, padding=1), nn.ReLU(), nn.Conv3d(6, num_channels, 1))
    for parameter in network.parameters():
        nn.init.normal_(parameter, generator=generator)
    return network.eval().requires_grad_(requires_grad=False)


def noise(shape: tuple[int, ...], seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def streamed(
    image_zyx: Tensor, overlap: float, networks: list[nn.Module], batch: int = 1
) -> Tensor:
    windows = Windows.of(tuple(image_zyx.shape), PATCH, overlap)  # pyright: ignore[reportArgumentType]
    levels = (image_zyx[first:stop] for first, stop in windows.levels())
    whole = torch.full((5, *image_zyx.shape), torch.nan)
    for block in stream_blocks(
        levels, windows, lambda image: (each(image) for each in networks), batch
    ):
        _, z, y, _ = block.sums.shape
        part = whole[:, block.z : block.z + z, block.y : block.y + y]
        assert bool(part.isnan().all()), "a voxel is given once"
        part[...] = block.logits
    return whole


@settings(max_examples=40, deadline=None)
@given(
    size=st.integers(1, 300),
    window=st.integers(1, 96),
    overlap=st.sampled_from([0, 0.25, 0.5, 0.9]),
)
def test_windows_cover_an_axis_and_stay_on_it(size: int, window: int, overlap: float) -> None:
    starts = window_starts(size, window, overlap)
    covered = np.zeros(size, dtype=bool)
    for start in starts:
        assert start == 0 or start + window <= size
        covered[start : start + window] = True
    assert covered.all()
    assert starts == sorted(set(starts))


@pytest.mark.parametrize("overlap", [0.0, 0.25, 0.5, 0.625])
@pytest.mark.parametrize(
    "shape",
    [(37, 20, 23), (61, 29, 12), (12, 10, 14), (5, 30, 9), (30, 5, 40), (30, 23, 5), (7, 6, 5)],
)
def test_streamed_logits_are_those_of_monais_inferer(
    shape: tuple[int, int, int], overlap: float
) -> None:
    image_zyx, network = noise(shape), random_network(1)
    inferer = SlidingWindowInferer(PATCH, 1, overlap, mode="gaussian")
    whole = inferer(image_zyx[None, None], network)
    assert isinstance(whole, Tensor)
    ours = streamed(image_zyx, overlap, [network], batch=2)
    # What waits for the next level is kept to 1.6e-5 of its row's largest.
    torch.testing.assert_close(ours, whole[0], atol=5e-5 * float(whole.abs().max()), rtol=0)


def test_one_level_of_windows_is_exact_to_rounding() -> None:
    image_zyx, network = noise((12, 31, 40)), random_network(2)
    whole = SlidingWindowInferer(PATCH, 1, 0.5, mode="gaussian")(image_zyx[None, None], network)
    assert isinstance(whole, Tensor)
    torch.testing.assert_close(streamed(image_zyx, 0.5, [network]), whole[0], atol=2e-5, rtol=1e-5)


def test_an_ensemble_is_the_mean_of_its_networks_logits() -> None:
    image_zyx, networks = noise((26, 20, 17)), [random_network(seed) for seed in (1, 2, 3)]
    together = streamed(image_zyx, 0.5, networks)
    apart = torch.stack([streamed(image_zyx, 0.5, [network]) for network in networks]).mean(0)
    torch.testing.assert_close(together, apart, atol=5e-5 * float(apart.abs().max()), rtol=0)


def read_out(
    logits: Tensor, shape: tuple[int, int, int], depths: list[int], heights: list[int]
) -> Labels:
    """Label maps of whole logits that are given in blocks of these depths and heights."""
    parts: list[Labels] = []
    readout = Readout(CHANNELS, shape, Grid.of(logits.shape[1:], np.eye(4)), parts.append)
    z = 0
    for depth in depths:
        readout.begin(*readout.complete(z, z + depth))
        y = 0
        for height in heights:
            weights = torch.rand((depth, height, logits.shape[3])) + 0.1
            own = logits[:, z : z + depth, y : y + height]
            readout.add(Block(z, y, own * weights, weights))
            y += height
        z += depth
    readout.seen()
    return {
        layer.layer: np.concatenate([part[layer.layer] for part in parts])
        for layer in CHANNELS.layers
    }


@pytest.mark.parametrize("shape", [(21, 18, 16), (9, 8, 8), (4, 5, 6), (9, 17, 8), (30, 8, 3)])
@pytest.mark.parametrize("depths", [[9], [1, 3, 5], [4, 4, 1]])
@pytest.mark.parametrize("heights", [[8], [1, 2, 5], [5, 3]])
def test_blocks_read_out_in_parts_equal_one_interpolation(
    shape: tuple[int, int, int], depths: list[int], heights: list[int]
) -> None:
    logits = noise((CHANNELS.num_channels, 9, 8, 8), seed=3)
    labels = read_out(logits, shape, depths, heights)
    whole = functional.interpolate(logits[None], shape, mode="trilinear")[0]
    for layer in CHANNELS.layers:
        expected = layer.ids[whole[layer.span].argmax(dim=0).numpy()]
        assert labels[layer.layer].shape == shape
        assert (labels[layer.layer] == expected).mean() > 0.999


def test_missing_slices_are_noticed() -> None:
    readout = Readout(CHANNELS, (8, 4, 4), Grid.of((8, 4, 4), np.eye(4)), lambda labels: None)
    readout.begin(*readout.complete(0, 5))
    readout.add(Block(0, 0, torch.rand((CHANNELS.num_channels, 5, 4, 4)), torch.ones(5, 4, 4)))
    with pytest.raises(ValueError, match="of 8 slices"):
        readout.seen()
