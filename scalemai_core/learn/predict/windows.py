"""Where sliding windows lie: the windows of MONAI's inferer, and what is complete behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

Triple = tuple[int, int, int]


class Axis(NamedTuple):
    """The windows along one axis; a short axis gets air on both sides, as in training."""

    size: int
    window: int
    starts: list[int]
    """First voxels of the windows, the air counted."""
    before: int
    """Voxels of air in front."""

    @classmethod
    def of(cls, size: int, window: int, overlap: float) -> Axis:
        """Windows that cover ``size`` voxels."""
        missing = max(window - size, 0)
        return cls(size, window, window_starts(size, window, overlap), missing // 2)

    @property
    def length(self) -> int:
        """Voxels, the air counted."""
        return max(self.size, self.window)

    def finished(self, number: int) -> tuple[int, int]:
        """Voxels that no window behind this one touches, the air counted."""
        following = [*self.starts[1:], self.length]
        return self.starts[number], following[number]

    def clip(self, start: int, stop: int) -> slice:
        """What of these voxels is not air."""
        return slice(max(start, self.before), min(stop, self.before + self.size))


@dataclass(frozen=True, slots=True)
class Windows:
    """Where the windows of a volume lie: those of MONAI's ``SlidingWindowInferer``."""

    z: Axis
    y: Axis
    x: Axis

    @classmethod
    def of(cls, shape_zyx: Triple, patch_zyx: Triple, overlap: float) -> Windows:
        """Raises ValueError for a volume without voxels."""
        if not all(shape_zyx):
            raise ValueError("a volume without voxels has no windows")
        z, y, x = (
            Axis.of(n, window, overlap) for n, window in zip(shape_zyx, patch_zyx, strict=True)
        )
        return cls(z, y, x)

    @property
    def patch_zyx(self) -> Triple:
        """Voxels of a window."""
        return (self.z.window, self.y.window, self.x.window)

    def levels(self) -> list[tuple[int, int]]:
        """Slices of the volume that each level of windows looks at, from first to behind last."""
        return [(start, min(start + self.z.window, self.z.size)) for start in self.z.starts]

    def completed(self) -> list[tuple[int, int]]:
        """Slices of the volume that are complete with each level, from first to behind last."""
        kept = [self.z.clip(*self.z.finished(level)) for level in range(len(self.z.starts))]
        return [(own.start - self.z.before, own.stop - self.z.before) for own in kept]


def window_starts(size: int, window: int, overlap: float) -> list[int]:
    """First voxels of windows that cover an axis, the last one flush with its end."""
    if size <= window:
        return [0]
    step = max(1, int(window * (1 - overlap)))
    return [*range(0, size - window, step), size - window]
