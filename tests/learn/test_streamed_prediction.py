"""A scan predicted slab by slab, against whole volumes at every step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import torch
from memory import STRUCTURES, TAXONOMY
from monai.inferers.inferer import SlidingWindowInferer
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from scalemai_core.errors import UsageError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.device import mixed_precision
from scalemai_core.learn.intensity import windowed
from scalemai_core.learn.network.architectures import build_network
from scalemai_core.learn.network.segmenter import Segmenter
from scalemai_core.learn.predict.predictor import Predictor
from scalemai_core.learn.predict.reading import InnerImage, used_ids
from scalemai_core.learn.predict.readout import Labels
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.settings.learning import InputSettings, NetworkSettings, PredictSettings
from scalemai_core.volume.interpolate import resample_image

CPU = torch.device("cpu")
CHANNELS = Channels.of((*STRUCTURES, "liver_lesion"), TAXONOMY)
INPUT = InputSettings(spacing_mm=3.0, patch_zyx=(16, 16, 16))


class Counted:
    """An array that remembers how deep the slabs are that are read of it."""

    def __init__(self, voxels_zyx: NDArray[Any]) -> None:
        self._voxels_zyx = voxels_zyx
        self.deepest = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return self._voxels_zyx.shape

    def __getitem__(self, box: tuple[slice, slice, slice]) -> NDArray[Any]:
        part = self._voxels_zyx[box]
        self.deepest = max(self.deepest, len(part))
        return part


def undecided(seed: int) -> Segmenter:
    """A fresh network that does not prefer the background."""
    network = build_network(NetworkSettings(width=8, levels=2), CHANNELS, seed=seed).eval()
    with torch.no_grad():
        network.head.bias.zero_()
        network.head.weight.mul_(3)
    return network


def noise(shape: tuple[int, int, int]) -> NDArray[np.int16]:
    return np.random.default_rng(0).integers(-300, 400, shape).astype(np.int16)


def grid_of(shape: tuple[int, int, int], spacing_zyx: tuple[float, float, float]) -> Grid:
    return Grid.of(shape, np.diag([*spacing_zyx[::-1], 1.0]))


def whole_labels(
    networks: Sequence[Segmenter], image_zyx: NDArray[np.int16], inner: Grid, overlap: float
) -> Labels:
    """The same with MONAI's inferer and every array whole."""

    def mean(image: Tensor) -> Tensor:
        with mixed_precision(CPU):
            return torch.stack([network(image).float() for network in networks]).mean(0)

    image = windowed(resample_image(image_zyx, inner.shape_zyx), INPUT.window_hu)
    inferer = SlidingWindowInferer(INPUT.patch_zyx, 1, overlap, mode="gaussian")
    with torch.inference_mode():
        logits: Any = inferer(torch.from_numpy(image)[None, None], mean)
        native = functional.interpolate(logits, image_zyx.shape, mode="trilinear")[0]
    return {
        layer.layer: layer.ids[native[layer.span].argmax(dim=0).numpy()]
        for layer in CHANNELS.layers
    }


@pytest.mark.parametrize("overlap", [0.25, 0.5, 0.625])
@pytest.mark.parametrize(
    ("shape", "spacing_zyx"),
    [
        ((47, 40, 50), (3.0, 2.0, 2.0)),
        ((90, 33, 40), (1.5, 3.0, 3.0)),
        ((3, 9, 5), (4.0, 4.0, 4.0)),
        ((50, 20, 41), (3.0, 3.0, 3.0)),
    ],
)
def test_streamed_label_maps_are_those_of_whole_volumes(
    shape: tuple[int, int, int], spacing_zyx: tuple[float, float, float], overlap: float
) -> None:
    networks = [undecided(1), undecided(2)]
    grid, image_zyx = grid_of(shape, spacing_zyx), noise(shape)
    predictor = Predictor(networks, CHANNELS, INPUT, CPU)
    found = predictor.predict(image_zyx, grid, PredictSettings(overlap=overlap)).labels
    expected = whole_labels(networks, image_zyx, predictor.inner_grid(grid), overlap)
    assert len(np.unique(expected[Layer.ANATOMY])) > 2
    for layer, labels_zyx in expected.items():
        assert found[layer].shape == shape
        assert (found[layer] == labels_zyx).mean() > 0.9995, "but for ties within rounding"


def test_a_long_scan_is_read_and_given_a_few_slices_at_a_time() -> None:
    image = Counted(noise((150, 20, 20)))
    annotated = Counted(np.zeros((150, 20, 20), np.uint8))
    grid = grid_of((150, 20, 20), (3.0, 3.0, 3.0))
    depths: list[int] = []
    predictor = Predictor([undecided(1)], CHANNELS, INPUT, CPU)
    seen = predictor.stream(
        image,
        grid,
        lambda labels: depths.append(len(labels[Layer.ANATOMY])),
        beside=[{Layer.ANATOMY: annotated}],
    )
    assert sum(depths) == 150
    assert max(depths) <= 16
    assert image.deepest <= 16
    assert annotated.deepest <= 48
    assert seen.lesions is not None
    assert len(seen.evidence) == 1


def test_what_fails_behind_is_raised() -> None:
    def full(labels: Labels) -> None:
        raise OSError("no space left")

    predictor = Predictor([undecided(1)], CHANNELS, INPUT, CPU)
    with pytest.raises(OSError, match="no space left"):
        predictor.stream(noise((40, 16, 16)), grid_of((40, 16, 16), (3.0, 3.0, 3.0)), full)


def test_a_scan_too_wide_for_the_memory_is_refused_whatever_its_length() -> None:
    predictor = Predictor([undecided(1)], CHANNELS, INPUT, CPU)
    for depth in (4, 400):
        grid = grid_of((depth, 3000, 3000), (3.0, 3.0, 3.0))
        with pytest.raises(UsageError, match="memory_mb is 64"):
            predictor.stream(
                np.broadcast_to(np.int16(0), grid.shape_zyx),
                grid,
                lambda labels: None,
                PredictSettings(memory_mb=64),
            )


@pytest.mark.parametrize("num_new", [7, 20, 33])
def test_an_image_in_slabs_is_the_image_resampled_whole(num_new: int) -> None:
    image_zyx = noise((20, 9, 11))
    inner = (num_new, 6, 11)
    whole = windowed(resample_image(image_zyx, inner), INPUT.window_hu)
    image = InnerImage(image_zyx, inner, INPUT.window_hu)
    for first, stop in ((0, 5), (2, 6), (4, 7), (num_new - 1, num_new)):
        np.testing.assert_array_equal(image.read(first, stop).numpy(), whole[first:stop])


def test_ids_are_found_in_slabs() -> None:
    labels_zyx = np.zeros((100, 3, 3), np.uint8)
    labels_zyx[99, 0, 0], labels_zyx[47, 1, 1] = 88, 5
    assert used_ids(labels_zyx).tolist() == [0, 5, 88]
