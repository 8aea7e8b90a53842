"""Sliding windows and their way back to the scan's grid, against the obvious computation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import STRUCTURES, TAXONOMY
from monai.inferers.utils import sliding_window_inference
from torch import Tensor
from torch.nn import functional

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.readout import Readout
from scalemai_core.learn.windows import stream_windows, window_starts
from scalemai_core.records.grid import Grid


def two_channels(image: Tensor) -> Tensor:
    """Differs at every place of a window, so that blending shows."""
    ramp = torch.linspace(0, 1, image[0, 0].numel()).reshape(image.shape[2:])
    foreground = (image[0, 0] * 0.5 + ramp * 0.3).clamp(0, 1)
    return torch.stack([1 - foreground, foreground])


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


def test_streamed_windows_equal_windows_blended_at_once() -> None:
    image_zyx = torch.rand((37, 20, 23), generator=torch.Generator().manual_seed(0))
    slabs = list(stream_windows(image_zyx, (12, 12, 12), 0.5, two_channels))
    assert len(slabs) > 3
    assert max(slab.shape[1] for slab in slabs) <= 12

    def batched(windows: Tensor) -> Tensor:
        return torch.stack([two_channels(window[None]) for window in windows])

    whole = sliding_window_inference(
        image_zyx[None, None], (12, 12, 12), 1, batched, overlap=0.5, mode="gaussian"
    )
    assert isinstance(whole, Tensor)
    streamed = torch.cat(slabs, dim=1)
    torch.testing.assert_close(streamed.sum(0), torch.ones(37, 20, 23), atol=1e-5, rtol=0)
    assert float((streamed - whole[0]).abs().max()) < 0.05


def test_a_volume_within_one_window_is_predicted_once_with_air_around_it() -> None:
    image_zyx = torch.rand((10, 12, 9), generator=torch.Generator().manual_seed(0))
    (slab,) = stream_windows(image_zyx, (12, 12, 12), 0.5, two_channels)
    padded = functional.pad(image_zyx, (1, 2, 0, 0, 1, 1))
    assert torch.equal(slab, two_channels(padded[None, None])[:, 1:11, :, 1:10])


@pytest.mark.parametrize("shape", [(5, 20, 20), (30, 5, 20), (30, 20, 5)])
def test_a_volume_thin_along_one_axis_keeps_its_shape(shape: tuple[int, int, int]) -> None:
    slabs = list(stream_windows(torch.zeros(shape), (12, 12, 12), 0.5, two_channels))
    assert torch.cat(slabs, dim=1).shape == (2, *shape)


@pytest.mark.parametrize("shape", [(21, 18, 16), (9, 8, 8), (4, 5, 6)])
@pytest.mark.parametrize("parts", [[9], [1, 3, 5], [4, 4, 1]])
def test_slices_read_out_in_parts_equal_one_interpolation(
    shape: tuple[int, int, int], parts: list[int]
) -> None:
    channels = Channels.of(STRUCTURES, TAXONOMY)
    generator = torch.Generator().manual_seed(1)
    inner = torch.rand((channels.num_channels, 9, 8, 8), generator=generator)
    readout = Readout(channels, shape, Grid.of((9, 8, 8), np.eye(4)))
    for part in inner.split(parts, dim=1):
        readout.add(part)
    prediction = readout.prediction()
    whole = functional.interpolate(inner[None], shape, mode="trilinear")[0]
    for layer in channels.layers:
        best, channel = whole[layer.span].max(dim=0)
        expected = layer.ids[channel.numpy()]
        assert (prediction.labels[layer.layer] == expected).mean() > 0.999
        for index, name in enumerate(layer.names, start=1):
            mean = best[channel == index].mean().item()
            assert prediction.confidence[name] == pytest.approx(mean, abs=1e-3)


def test_missing_slices_are_noticed() -> None:
    channels = Channels.of(STRUCTURES, TAXONOMY)
    readout = Readout(channels, (8, 4, 4), Grid.of((8, 4, 4), np.eye(4)))
    readout.add(torch.rand((channels.num_channels, 5, 4, 4)))
    with pytest.raises(ValueError, match="of 8 slices"):
        readout.prediction()
