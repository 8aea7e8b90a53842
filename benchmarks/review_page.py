"""Machine time of the review page: from the key of a verdict to the next item on the screen.

A headless browser works through made-up items of 128^3 voxels at two screen sizes. ``drawn`` ends
when the last canvas has its commands, ``painted`` with the frame after the one that shows them.

    python benchmarks/review_page.py --items 50 --seed 1
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import uvicorn
from numpy.typing import NDArray
from playwright.sync_api import Page, expect, sync_playwright

from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.decision import Candidate
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import ItemView
from scalemai_core.records.label_map import Layer
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ItemKind, ReviewItem, mask_item
from scalemai_core.records.scan import Scan
from scalemai_core.review.desk import Desk
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.views import VIEWS, view_table
from scalemai_core.review.web.app import create_app
from scalemai_core.review.web.sessions import secret_hash
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.settings.web import WebSettings
from scalemai_core.store.catalog.rows import annotation_rows, scan_rows
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

EDGE = 128
SPACING_MM = 1.25
ORGANS = (
    "liver", "spleen", "kidney_left", "kidney_right", "stomach",
    "pancreas", "gall_bladder", "duodenum", "colon", "bladder",
)  # fmt: skip
SCREENS = ((1366, 768), (3840, 2160))
CHROMIUM = "/usr/bin/chromium"
TOKEN = "t" * 43
THINKING_SECONDS = 0.8
"""A reader's shortest look; the next items are fetched meanwhile."""
MEASURES = ("verdict-to-drawn", "verdict-to-painted")


def labels(rng: np.random.Generator) -> NDArray[np.uint8]:
    """Ten bumpy balls."""
    zyx = np.indices((EDGE, EDGE, EDGE), dtype=np.float32)
    found = np.zeros((EDGE, EDGE, EDGE), np.uint8)
    for name in ORGANS:
        middle = rng.uniform(20, EDGE - 20, 3).astype(np.float32)
        away = np.sqrt(sum((axis - m) ** 2 for axis, m in zip(zyx, middle, strict=True)))
        bumps = 3 * np.sin(zyx[0] / 4) * np.sin(zyx[1] / 5) * np.sin(zyx[2] / 3)
        found[(away + bumps < rng.uniform(14, 34)) & (found == 0)] = load_taxonomy()[name].id
    return found


def write_scan(store: Workspace, rng: np.random.Generator, grid: Grid) -> list[ReviewItem]:
    """One scan with a question about each organ."""
    current = labels(rng)
    rival = np.roll(current, (2, -3, 4), (0, 1, 2))
    image = np.where(current > 0, 60, -60) + rng.normal(0, 25, current.shape)
    scan_id = store.scans.write(image.astype(np.int16), grid, {})
    base = store.labels.write(current, scan_id, Layer.ANATOMY, grid)
    other = store.labels.write(rival, scan_id, Layer.ANATOMY, grid)
    return [
        ReviewItem(
            item_id=mask_item(1, scan_id, name), round=1, kind=ItemKind.CHOOSE, scan_id=scan_id,
            structure=name, priority=float(rng.uniform()), reason="the masks differ",
            base_label_map=base, prediction=None, rival=Candidate.REPAIRED, rival_map=other,
        )
        for name in ORGANS
    ]  # fmt: skip


def made_up_desk(folder: Path, num_items: int, rng: np.random.Generator) -> Desk:
    """A round of that many questions, and one reader."""
    grid = Grid.of((EDGE, EDGE, EDGE), np.diag([SPACING_MM] * 3 + [1.0]))
    store = Workspace.create(str(folder / "workspace"))
    items: list[ReviewItem] = []
    while len(items) < num_items:
        items.extend(write_scan(store, rng, grid))
    scans = [
        Scan(
            scan_id=scan_id, patient=scan_id, case=scan_id, source="made up", grid=grid,
            source_axes="RAS", source_affine=grid.affine, fold=0,
        )
        for scan_id in {item.scan_id for item in items}
    ]  # fmt: skip
    annotations = [
        Annotation(
            scan_id=item.scan_id, structure=item.structure, state=State.PRESENT,
            label_map=item.base_label_map, origin=Origin.SOURCE, revision=1,
        )
        for item in items
    ]  # fmt: skip
    store.catalog.commit(
        base=None, scans=scan_rows(scans), annotations=[annotation_rows(annotations)],
        round_number=0, message="made up",
    )  # fmt: skip
    views = [
        ItemView(
            item_id=item.item_id,
            centre_zyx=(EDGE // 2, EDGE // 2, EDGE // 2),
            box=(0, 0, 0, EDGE, EDGE, EDGE),
            volumes_ml=(50.0, 60.0, None),
        )
        for item in items
    ]
    store.round(1).write(VIEWS, view_table(views))
    queue = Queue(f"sqlite:///{folder / 'queue.db'}")
    queue.fill(items[:num_items], ())
    queue.add_reader(Reader(name="reader"), secret_hash(TOKEN))
    return Desk(store, queue, 1, ReviewSettings())


@contextmanager
def served(desk: Desk) -> Iterator[str]:
    """The address of the review server, in a thread."""
    app = create_app(lambda: desk, desk.queue, WebSettings())
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def read_all(page: Page, address: str, num_items: int) -> dict[str, list[float]]:
    """Milliseconds of every item that followed a verdict."""
    page.goto(address)
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#structure")).not_to_be_empty()
    for place in range(num_items):
        page.wait_for_timeout(1000 * THINKING_SECONDS)
        page.keyboard.press("ab"[place % 2])
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible(timeout=20_000)
    script = "name => performance.getEntriesByName(name).map(one => one.duration)"
    return {name: page.evaluate(script, name) for name in MEASURES}


def main() -> None:
    """Print a row for each screen and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    print("screen       measure               items   median ms   p95 ms   worst ms")
    for width, height in SCREENS:
        with tempfile.TemporaryDirectory() as folder:
            desk = made_up_desk(Path(folder), asked.items + 1, np.random.default_rng(asked.seed))
            with served(desk) as address, sync_playwright() as playwright:
                browser = playwright.chromium.launch(
                    executable_path=CHROMIUM, args=["--no-sandbox"]
                )
                page = browser.new_page(viewport={"width": width, "height": height})
                found = read_all(page, address, asked.items + 1)
                browser.close()
        for name, ms in found.items():
            p95 = statistics.quantiles(ms, n=20)[-1]
            print(
                f"{width}x{height:<6} {name:<20} {len(ms):>6} {statistics.median(ms):>11.1f}"
                f" {p95:>8.1f} {max(ms):>10.1f}"
            )


if __name__ == "__main__":
    main()
