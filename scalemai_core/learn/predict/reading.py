"""What goes into a prediction, a level of windows at a time: image and annotations beside it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalemai_core.learn.intensity import windowed
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.volume.interpolate import needed_slices, resample_slices

T = TypeVar("T")
Triple = tuple[int, int, int]


class Voxels(Protocol):
    """An array, or a stored one that decodes what is sliced."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y, x."""
        ...

    def __getitem__(self, box: tuple[slice, slice, slice], /) -> Any:
        """The voxels of a box."""
        ...


Annotation = Mapping[Layer, Voxels]
"""Label maps of a scan on its grid; a layer may be missing."""


class InnerImage:
    """An image's slices as the network sees them; each is read and resampled once."""

    def __init__(self, image: Voxels, inner_zyx: Triple, window_hu: tuple[float, float]) -> None:
        """``image`` in Hounsfield units; ``inner_zyx`` is the shape of the network's grid."""
        self._image = image
        self._inner_zyx = inner_zyx
        self._window_hu = window_hu
        self._first = 0
        self._held_zyx = np.empty((0, *inner_zyx[1:]), np.float32)

    def read(self, first: int, stop: int) -> Tensor:
        """Slices from ``first`` to behind the last; ``first`` may not fall from call to call."""
        have = self._first + len(self._held_zyx)
        parts = [self._held_zyx[first - self._first :]]
        start = max(first, have)
        if start < stop:
            low, high = needed_slices(self._image.shape[0], self._inner_zyx[0], start, stop)
            native_zyx = np.asarray(self._image[low:high, :, :])
            resampled = resample_slices(
                native_zyx, low, self._image.shape[0], self._inner_zyx, (start, stop)
            )
            parts.append(windowed(resampled, self._window_hu))
        self._held_zyx = np.concatenate(parts)
        self._first = first
        return torch.from_numpy(self._held_zyx)


class LevelInput(NamedTuple):
    """All that is read for one level of windows."""

    image_zyx: Tensor
    annotations: list[dict[Layer, LabelsZYX]]
    """The scan's slices that are complete with the level."""


def read_level(
    image: InnerImage,
    beside: Sequence[Annotation],
    inner: tuple[int, int],
    native: tuple[int, int],
) -> LevelInput:
    """Read the inner slices of the image, and the scan's own of the annotations."""
    whole = slice(None)
    annotations = [
        {layer: np.asarray(labels[slice(*native), whole, whole]) for layer, labels in one.items()}
        for one in beside
    ]
    return LevelInput(image.read(*inner), annotations)


def ahead(steps: Sequence[Callable[[], T]]) -> Generator[T, None, None]:
    """The results of steps in order, each worked in a thread while the one before is used."""
    if len(steps) == 1:  # nothing to do meanwhile
        yield steps[0]()
        return
    with ThreadPoolExecutor(1) as pool:
        pending: deque[Future[T]] = deque()
        for step in steps:
            pending.append(pool.submit(step))
            if len(pending) > 1:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


class Behind:
    """Hands label maps on in a thread: what is written waits for nobody but the one before.

    The last ones are handed on at once: nothing is left to do meanwhile.
    """

    def __init__(self, take: Callable[[dict[Layer, LabelsZYX]], None], num: int) -> None:
        """``num``: how often there will be something to hand on."""
        self._take = take
        self._left = num
        self._pool = ThreadPoolExecutor(1)
        self._pending: Future[None] | None = None

    def __call__(self, labels: dict[Layer, LabelsZYX]) -> None:
        """The next slices; waits until those before are done, and raises what they raised."""
        self.wait()
        self._left -= 1
        if self._left:
            self._pending = self._pool.submit(self._take, labels)
        else:
            self._take(labels)

    def wait(self) -> None:
        """Until nothing is pending."""
        if self._pending is not None:
            pending, self._pending = self._pending, None
            pending.result()

    def close(self) -> None:
        """End the thread."""
        self._pool.shutdown(cancel_futures=True)


def used_ids(labels: Voxels, at_once: int = 48) -> NDArray[np.intp]:
    """The values that a label map holds, a few slices at a time."""
    counts = np.zeros(256, np.int64)
    for z in range(0, labels.shape[0], at_once):
        part = np.asarray(labels[z : z + at_once, :, :])
        counts += np.bincount(part.ravel(), minlength=len(counts))
    return np.flatnonzero(counts)
