"""What cutting a review item's crop out of a scan of 512 x 512 x 300 voxels costs.

    python benchmarks/review_bundle.py --seed 1

One phantom, stored as the engine stores scans; items of 128 x 128 x 128 voxels, a structure each.
"""

from __future__ import annotations

import argparse
import gzip
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from unittest.mock import patch

import numpy as np

from scalemai_core.records.item_view import Box, ItemView
from scalemai_core.records.label_map import Layer
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.review.bundle.boxed import ScanLabels
from scalemai_core.review.bundle.crop import read_crop
from scalemai_core.review.bundle.cut import cut_bundle
from scalemai_core.review.bundle.locator import read_locator
from scalemai_core.review.bundle.view import ItemMaps, view_item
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.files import Files
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.degrade import degrade
from scalemai_core.synthesize.faults import DegradeSettings, present
from scalemai_core.synthesize.phantoms import PhantomSettings, make_phantom
from scalemai_core.taxonomy.taxonomy import load_taxonomy

EDGE = 128
MODEL = "model"
SETTINGS = ReviewSettings()
Result = TypeVar("Result")
PHANTOM = PhantomSettings(spacing_mm=(1.5, 0.75, 0.75), field_mm_zyx=(450.0, 384.0, 384.0))


@dataclass(slots=True)
class Reads:
    """What the store was asked for."""

    requests: int = 0
    num_bytes: int = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Parts of documents that are read meanwhile."""
        read_end, read_ranges = Files.read_end, Files.read_ranges

        def counting_end(files: Files, path: str, num_bytes: int) -> bytes:
            data = read_end(files, path, num_bytes)
            self.requests += 1
            self.num_bytes += len(data)
            return data

        def counting_ranges(
            files: Files, path: str, ranges: Sequence[tuple[int, int]]
        ) -> Iterator[bytes]:
            for data in read_ranges(files, path, ranges):
                self.requests += 1
                self.num_bytes += len(data)
                yield data

        with (
            patch.object(Files, "read_end", counting_end),
            patch.object(Files, "read_ranges", counting_ranges),
        ):
            yield


def make_workspace(folder: Path, seed: int) -> tuple[Workspace, ReviewItem, ItemMaps]:
    """A workspace with one scan, its faulty labels, and a prediction."""
    phantom = make_phantom(seed, 0, PHANTOM)
    store = Workspace.create(str(folder))
    scan_id = store.scans.write(phantom.image_zyx, phantom.grid, {})
    rng = np.random.default_rng(seed)
    wrong = degrade(phantom.labels, phantom.grid, rng, DegradeSettings(unknown_share=0.0))
    layer = Layer.ANATOMY
    base = store.labels.write(wrong.labels[layer], scan_id, layer, phantom.grid)
    store.predictions.write(MODEL, scan_id, phantom.labels, phantom.grid)
    item = ReviewItem(
        item_id="1-scan-liver",
        round=1,
        kind=ItemKind.CHOOSE,
        scan_id=scan_id,
        structure="liver",
        priority=1.0,
        reason="benchmark",
        base_label_map=base,
        prediction=MODEL,
    )
    maps = ItemMaps(ScanLabels(wrong.labels[layer]), ScanLabels(phantom.labels[layer]))
    return store, item, maps


def viewed(
    store: Workspace, item: ReviewItem, maps: ItemMaps
) -> tuple[list[tuple[ReviewItem, ItemView]], list[float]]:
    """An item of every structure that is labelled, and the milliseconds that its view took."""
    grid = store.scans.grid(item.scan_id)
    labels = {Layer.ANATOMY: store.labels.read(str(item.base_label_map))}
    items, took = [], []
    for name in present(labels, load_taxonomy()):
        one = item.model_copy(update={"structure": name})
        start = time.perf_counter()
        view = view_item(one, maps.masks(name), grid, SETTINGS)
        took.append(1000 * (time.perf_counter() - start))
        items.append((one, view.model_copy(update={"box": box_around(view, grid.shape_zyx)})))
    return items, took


def box_around(view: ItemView, shape_zyx: tuple[int, int, int]) -> Box:
    """128^3 voxels with the view's centre in the middle, or near it at the scan's border."""
    z, y, x = (
        min(max(0, centre - EDGE // 2), n - EDGE)
        for centre, n in zip(view.centre_zyx, shape_zyx, strict=True)
    )
    return (z, y, x, z + EDGE, y + EDGE, x + EDGE)


def line(name: str, values: list[float]) -> str:
    """Median and 95th percentile."""
    median, high = np.percentile(values, [50, 95])
    return f"{name:34s} median {median:7.1f}   p95 {high:7.1f}"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--items", type=int, default=50)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store, item, maps = make_workspace(Path(folder) / "workspace", asked.seed)
        measure(store, item, maps, asked.seed, asked.items)


def measure(store: Workspace, item: ReviewItem, maps: ItemMaps, seed: int, num_items: int) -> None:
    """Cut the items one after another, each part timed, then counted."""
    grid = store.scans.grid(item.scan_id)
    items, view_ms = viewed(store, item, maps)
    order = np.random.default_rng(seed).permutation(len(items))
    columns: dict[str, list[float]] = {"view of a structure (ms)": view_ms}
    for number in range(num_items):
        one, view = items[order[number % len(items)]]
        for name, value in costs(store, one, view).items():
            columns.setdefault(name, []).append(value)
    print(f"seed {seed}, {num_items} items of {EDGE}^3 out of {grid.shape_zyx}, warm disk")
    for name, values in columns.items():
        print(line(name, values))


def costs(store: Workspace, item: ReviewItem, view: ItemView) -> dict[str, float]:
    """Of one item."""
    grid = store.scans.grid(item.scan_id)
    data, cut = timed(lambda: cut_bundle(store, item, view, SETTINGS))
    _, crop = timed(lambda: read_crop(store, item, view))
    locator, plane = timed(lambda: read_locator(store, item.scan_id, view.centre_zyx[1], grid))
    _, less = timed(lambda: cut_bundle(store, item, view, SETTINGS, locator))
    small, packed = timed(lambda: gzip.compress(data, compresslevel=1))
    reads = Reads()
    with reads.counted():
        cut_bundle(store, item, view, SETTINGS)
    return {
        "cut (ms)": cut,
        "  of it reading the crop (ms)": crop,
        "  of it reading the locator (ms)": plane,
        "cut, locator at hand (ms)": less,
        "gzip level 1 (ms)": packed,
        "bundle (MB)": len(data) / 1e6,
        "bundle, gzip level 1 (MB)": len(small) / 1e6,
        "parts read": float(reads.requests),
        "read from the store (MB)": reads.num_bytes / 1e6,
    }


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """A result, and the milliseconds that it took."""
    start = time.perf_counter()
    result = work()
    return result, 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    main()
