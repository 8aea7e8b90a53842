"""Volumes written a few slices at a time: the same bytes as when written at once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from scalemai_core.store.arrays.volumes import Volumes
from scalemai_core.store.files import Files


@pytest.mark.parametrize(
    "shape", [(61, 130, 257), (5, 6, 7), (96, 64, 64), (1, 1, 1), (49, 64, 65)]
)
@pytest.mark.parametrize("dtype", ["uint8", "int16"])
def test_slices_in_parts_are_stored_as_the_whole(
    tmp_path: Path, shape: tuple[int, int, int], dtype: str
) -> None:
    files = Files(str(tmp_path))
    volumes = Volumes(files)
    voxels_zyx = np.random.default_rng(0).integers(0, 50, shape).astype(dtype)
    volumes.write("whole", voxels_zyx, b"{}")
    writer = volumes.slabs("parts", shape, dtype, b"{}")
    for part in np.array_split(voxels_zyx, [1, 3, 50, 52]):
        writer.add(part)
    assert not volumes.exists("parts"), "nothing is there before the end"
    writer.close()
    assert volumes.exists("parts")
    np.testing.assert_array_equal(volumes.read("parts"), voxels_zyx)
    for document in ("0/c.0.0.0", "0/zarr.json", "zarr.json"):
        assert files.read_bytes(f"parts/{document}") == files.read_bytes(f"whole/{document}")


def test_missing_slices_are_noticed_before_anything_is_written(tmp_path: Path) -> None:
    volumes = Volumes(Files(str(tmp_path)))
    writer = volumes.slabs("parts", (9, 4, 4), "uint8", b"{}")
    writer.add(np.zeros((8, 4, 4), np.uint8))
    with pytest.raises(ValueError, match="8 of 9 slices"):
        writer.close()
    assert list(tmp_path.iterdir()) == []
