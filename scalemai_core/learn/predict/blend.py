"""Windows through a network and blended: logits of a volume of any length, a band at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor
from torch.nn import functional

from scalemai_core.learn.predict.sums import Block, Sums
from scalemai_core.learn.predict.windows import Windows

Logits = Callable[[Tensor], Iterable[Tensor]]
"""(windows, 1, z, y, x) image -> (windows, channels, z, y, x) of each network of an ensemble."""


def stream_blocks(
    levels: Iterable[Tensor], windows: Windows, predict: Logits, batch: int = 1
) -> Iterator[Block]:
    """Yield blended logits from the first slice to the last, a band of whole rows at a time.

    ``levels`` are the slices (z, y, x) that ``windows.levels()`` names. Windows are weighted by a
    Gaussian (method reference, section 13.1), networks of an ensemble alike. A block is yielded as
    soon as no later window touches it, and holds until the next is asked for. ``batch`` windows
    go through the network at once.
    """
    sums: Sums | None = None
    for level, image_zyx in enumerate(levels):
        padded_zyx = _with_air(image_zyx, windows)
        for row, y in enumerate(windows.y.starts):
            band_zyx = padded_zyx[:, y : y + windows.y.window]
            for first in range(0, len(windows.x.starts), batch):
                starts = windows.x.starts[first : first + batch]
                parts = [band_zyx[:, :, x : x + windows.x.window] for x in starts]
                for logits in predict(torch.stack(parts)[:, None]):
                    sums = sums or Sums(logits.shape[1], windows, logits.device)
                    sums.add(logits, y, starts)
            if sums is None:
                raise ValueError("an ensemble needs at least one network")
            yield from sums.finish(level, row)


def _with_air(image_zyx: Tensor, windows: Windows) -> Tensor:
    """The slices at least as large as a window."""
    pads: list[int] = []
    for size, axis in zip(image_zyx.shape, (windows.z, windows.y, windows.x), strict=True):
        missing = max(axis.window - size, 0)
        pads = [axis.before, missing - axis.before, *pads]
    return functional.pad(image_zyx, pads) if any(pads) else image_zyx
