"""What a prediction holds at a time, known before it begins and whatever the scan's length."""

from __future__ import annotations

from math import prod

from scalemai_core.errors import UsageError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.network.segmenter import Segmenter
from scalemai_core.learn.predict.windows import Windows

FLOAT, CODE = 4, 2
"""Bytes of a sum, and of a sum that waits."""
COPIES = 3
"""Times that a window's logits exist while the head computes them: an estimate, rounded up."""
FEATURES = 12
"""Times that a window's features at full resolution exist in the body: likewise."""


def windows_at_once(
    windows: Windows,
    shape_zyx: tuple[int, int, int],
    channels: Channels,
    network: Segmenter,
    memory_mb: int,
) -> int:
    """Windows that may go through the network together.

    Raises UsageError where not even one fits: the width of the scan decides, not its length.
    """
    room = (memory_mb << 20) - _held(windows, shape_zyx, channels)
    window = _window(windows, channels, network)
    if room < window:
        needed = _mb((memory_mb << 20) - room + window)
        raise UsageError(
            f"predicting slices of {windows.y.size} x {windows.x.size} voxels takes about "
            f"{needed} MB, and predict.memory_mb is {memory_mb}: raise it, or take a smaller "
            "input.patch_zyx or a larger input.spacing_mm"
        )
    return min(room // window, len(windows.x.starts))


def _held(windows: Windows, shape_zyx: tuple[int, int, int], channels: Channels) -> int:
    """Sums, the slices that are read and written around them, and a tile."""
    depth, height, _ = windows.patch_zyx
    width, num = windows.x.length, channels.num_channels + 1
    band = num * depth * height * width * FLOAT
    steps = [stop - start for start, stop in map(windows.z.finished, range(len(windows.z.starts)))]
    waiting = num * (depth - min(steps)) * windows.y.length * width * CODE
    _, height, width = shape_zyx
    slices = -(-shape_zyx[0] * max(steps) // windows.z.size)
    # Per native voxel of a level: int16 twice, and a byte a layer for what is being written,
    # what is being made, and what an annotation says.
    around = slices * height * width * (4 + 3 * len(channels.layers))
    tile = num * (height * windows.y.window // windows.y.length + 1) * width * FLOAT
    image = 3 * depth * windows.y.length * windows.x.length * FLOAT
    return band + waiting + around + 3 * tile + image


def _window(windows: Windows, channels: Channels, network: Segmenter) -> int:
    """The network's own for one window."""
    voxels = prod(windows.patch_zyx)
    body = FEATURES * network.way_in.out_channels * voxels // network.stride**3
    return (COPIES * channels.num_channels * voxels + body) * FLOAT


def _mb(num_bytes: int) -> int:
    return -(-num_bytes >> 20)
