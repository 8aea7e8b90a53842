"""Reading and writing volumes: this engine, zarr-python, and a plain copy of the same bytes.

    python benchmarks/volume_speed.py --seed 1 [--url s3://BUCKET/PLACE] [--tiny 200] [--rounds 5]
    python benchmarks/volume_speed.py --seed 1 --codecs

A tiny scan has 16^3 voxels of int16 and a label map of 88 structures, a large one 100 x 512 x 512.
The arms take turns on the same arrays; what the engine stored is read by zarr-python as well. One
copy moves the very objects that the engine stored, as they are, the other the plain voxels. Given
are milliseconds a volume, wall time and processor time of the best turn, and what share of the
first copy's speed is reached. ``--codecs`` tries chunks and codecs on the large scan instead.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from tiny_population import paint
from volume_codecs import codec_table
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

from scalemai_core.records.label_map import Layer
from scalemai_core.store.arrays.layout import Layout
from scalemai_core.store.arrays.stored_array import DOCUMENT, SHARD, StoredArray, write_array
from scalemai_core.store.files import Files
from scalemai_core.synthesize.phantoms import PhantomSettings, make_phantom

LARGE_ZYX = (100, 512, 512)
LARGE = PhantomSettings(spacing_mm=(3.0, 0.75, 0.75), field_mm_zyx=(300.0, 384.0, 384.0))
NAMES = ("scalemai", "zarr-python", "copy of what is stored", "copy of the voxels")
Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to store an array, and to read it."""

    write: Callable[[str, Array], None]
    read: Callable[[str], object]


def arms(files: Files, stored: dict[str, dict[str, bytes]]) -> dict[str, Arm]:
    """``stored``: by array, the objects that the copy writes."""

    def copy(path: str, _voxels: Array) -> None:
        for name, data in stored[path].items():
            files.write_bytes(f"copies/{path}/{name}", data)

    return {
        "scalemai": Arm(
            lambda path, voxels: write_array(files, f"ours/{path}", voxels),
            lambda path: StoredArray(files, f"ours/{path}").read(),
        ),
        "zarr-python": Arm(
            lambda path, voxels: write_by_zarr(f"{files.url}/zarr/{path}", voxels),
            lambda path: np.asarray(zarr.open_array(f"{files.url}/zarr/{path}", mode="r")[...]),
        ),
        "copy of what is stored": Arm(
            copy,
            lambda path: [files.read_bytes(f"copies/{path}/{name}") for name in stored[path]],
        ),
        "copy of the voxels": Arm(
            lambda path, voxels: files.write_bytes(f"raw/{path}", voxels.tobytes()),
            lambda path: files.read_bytes(f"raw/{path}"),
        ),
    }


def write_by_zarr(url: str, voxels_zyx: Array) -> None:
    """The same chunks, codecs and Zarr shard."""
    layout = Layout.of(voxels_zyx)
    image = voxels_zyx.dtype == np.int16
    codec = (
        BloscCodec(cname="lz4hc", clevel=5, shuffle="bitshuffle") if image else ZstdCodec(level=3)
    )
    array = zarr.create_array(
        url,
        shape=layout.shape,
        dtype=layout.dtype,
        chunks=layout.chunk,
        shards=tuple(n * c for n, c in zip(layout.counts, layout.chunk, strict=True)),
        compressors=[codec, Crc32cCodec()],
        fill_value=0,
        dimension_names=["z", "y", "x"],
        config={"write_empty_chunks": True},
        overwrite=True,
    )
    array[...] = voxels_zyx


@dataclass(slots=True)
class Spent:
    """The best turn of one arm."""

    wall_ms: float = np.inf
    cpu_ms: float = np.inf

    def turn(self, work: Sequence[Callable[[], object]]) -> None:
        """Do the work once; times are for one of its parts."""
        wall, cpu = time.perf_counter(), time.process_time()
        for part in work:
            part()
        share = 1000 / len(work)
        self.cpu_ms = min(self.cpu_ms, share * (time.process_time() - cpu))
        self.wall_ms = min(self.wall_ms, share * (time.perf_counter() - wall))


def measure(files: Files, arrays: Sequence[Array], rounds: int) -> dict[tuple[str, str], Spent]:
    """Write and read all arrays by every arm, in turns."""
    paths = [f"{number:05d}" for number in range(len(arrays))]
    stored: dict[str, dict[str, bytes]] = {}
    for path, voxels in zip(paths, arrays, strict=True):
        layout = Layout.of(voxels)
        stored[path] = {SHARD: layout.shard(voxels), DOCUMENT: layout.document()}
    ways = arms(files, stored)
    spent = {(name, what): Spent() for name in NAMES for what in ("write", "read")}
    for _ in range(rounds):
        for name, way in ways.items():
            pairs = zip(paths, arrays, strict=True)
            spent[name, "write"].turn([_call(way.write, path, array) for path, array in pairs])
        for name, way in ways.items():
            spent[name, "read"].turn([_call(way.read, path) for path in paths])
    agree(files, paths, arrays)
    return spent


def _call(work: Callable[..., object], *values: object) -> Callable[[], object]:
    return lambda: work(*values)


def agree(files: Files, paths: Sequence[str], arrays: Sequence[Array]) -> None:
    """Both libraries read what the engine stored."""
    for path, voxels in zip(paths[:5], arrays, strict=False):
        by_zarr = np.asarray(zarr.open_array(f"{files.url}/ours/{path}", mode="r")[...])
        if not np.array_equal(by_zarr, voxels) or not np.array_equal(
            StoredArray(files, f"ours/{path}").read(), voxels
        ):
            raise RuntimeError(f"{path} was not read as it was written")


def report(title: str, spent: dict[tuple[str, str], Spent]) -> Table:
    """A row for each arm."""
    table = Table(title=title)
    for column in ("", "write ms", "cpu ms", "of a copy", "read ms", "cpu ms", "of a copy"):
        table.add_column(column, justify="right")
    for name in NAMES:
        row = [name]
        for what in ("write", "read"):
            own, copy = spent[name, what], spent["copy of what is stored", what]
            share = f"{copy.wall_ms / own.wall_ms:.1%}"
            row += [f"{own.wall_ms:.3f}", f"{own.cpu_ms:.3f}", share]
        table.add_row(*row)
    return table


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--url", help="a place to write to; a temporary folder if not given")
    parser.add_argument("--tiny", type=int, default=200, help="tiny scans a turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--codecs", action="store_true")
    asked = parser.parse_args()
    console = Console(width=110)
    phantom = make_phantom(asked.seed, 0, LARGE)
    noise = np.random.default_rng(asked.seed).normal(0, 12, LARGE_ZYX)
    image_zyx = (phantom.image_zyx + noise).astype(np.int16)
    labels_zyx = phantom.labels[Layer.ANATOMY]
    if asked.codecs:
        console.print(codec_table(image_zyx, labels_zyx, asked.seed, asked.rounds))
        return
    tiny = [paint(asked.seed, number) for number in range(asked.tiny)]
    arrays: dict[str, list[Array]] = {
        "tiny image": [image for image, _ in tiny],
        "tiny label map": [labels[Layer.ANATOMY] for _, labels in tiny],
        "image of 100 x 512 x 512": [image_zyx],
        "its label map": [labels_zyx],
    }
    with tempfile.TemporaryDirectory() as folder:
        place = asked.url or str(Path(folder))
        for title, each in arrays.items():
            files = Files(f"{place}/{title.replace(' ', '-')}")
            console.print(report(f"{title}, seed {asked.seed}", measure(files, each, asked.rounds)))


if __name__ == "__main__":
    main()
