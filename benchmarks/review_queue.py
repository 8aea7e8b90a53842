"""Fifty readers at once on one review queue, while masks change and a server is killed.

    python benchmarks/review_queue.py --readers 50 --items 5000 --requests 12000 --seed 0

Without ``--database`` it starts a PostgreSQL of its own. Prints requests a second and latencies by
kind of request, and ends with an error where an item was decided twice, an acknowledged act was
lost, or an answer was taken on a mask that had changed before it was sent.
"""

from __future__ import annotations

import argparse
import runpy
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from review_readers import LEASE_SECONDS, Course, ReaderAtWork
from review_servers import Caller, Place, Servers

from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.listed_item import ItemStatus
from scalemai_core.records.review import ItemKind, ReviewItem, mask_item
from scalemai_core.records.review_entry import Act
from scalemai_core.review.desk import Desk
from scalemai_core.review.queue.queue import Queue
from scalemai_core.review.ruling import rulings, standing_answers
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.rows import annotation_rows
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

ROUND = 1
STORING_SECONDS = 3.0
DOUBLE, CHANGED = 0.1, 0.02
"""Shares: items read twice; masks changed half way."""


def make_items(number: int, rng: np.random.Generator) -> list[ReviewItem]:
    """Questions about as many masks as are needed, a tenth of them read twice."""
    names = load_taxonomy().names
    return [
        ReviewItem(
            item_id=mask_item(ROUND, f"scan{n // len(names):04d}", names[n % len(names)]),
            round=ROUND,
            kind=ItemKind.CHOOSE,
            scan_id=f"scan{n // len(names):04d}",
            structure=names[n % len(names)],
            priority=float(rng.random()),
            reason="they differ",
            base_label_map=f"map{n}",
            prediction="model",
            reads=1 + int(rng.random() < DOUBLE),
        )
        for n in range(number)
    ]


def commit(store: Workspace, items: list[ReviewItem], changed: frozenset[str]) -> None:
    """A dataset version in which the masks of some items have changed."""
    rows = [
        Annotation(
            scan_id=item.scan_id,
            structure=item.structure,
            state=State.PRESENT,
            label_map=f"{item.base_label_map}{'-new' * (item.item_id in changed)}",
            origin=Origin.SOURCE,
            revision=1 + (item.item_id in changed),
        )
        for item in items
    ]
    store.catalog.commit(
        base=store.catalog.latest(),
        scans=store.catalog.table("scans", tables.SCANS),
        annotations=[annotation_rows(rows)],
        round_number=0,
        message="benchmark",
    )


def disturb(servers: Servers, course: Course, store: Workspace, items: list[ReviewItem]) -> None:
    """At a third change masks, half way kill a server in the middle of its work."""
    while course.sent < course.allowed / 3:
        time.sleep(0.01)
    rng = np.random.default_rng(len(items))
    changed = frozenset(item.item_id for item in items if rng.random() < CHANGED)
    commit(store, items, changed)
    course.changed = changed
    while course.sent < course.allowed / 2:
        time.sleep(0.01)
    servers.kill(0)
    time.sleep(1.0)
    servers.restart(0)


def check(store: Workspace, queue: Queue, items: list[ReviewItem], course: Course) -> None:
    """End what the killed server began, then hold everything against the workspace's log."""
    time.sleep(STORING_SECONDS)
    desk = Desk(store, queue, ROUND, ReviewSettings())
    desk.reconcile()
    log = store.review_log(ROUND).read()
    by_id = {entry.entry_id: entry for entry in log}
    require(course.answers.keys() <= by_id.keys(), "an acknowledged answer was lost")
    for name, (reader, item_id, choice) in course.answers.items():
        entry = by_id[name]
        said = entry.verdict.choice if entry.verdict else None
        require((entry.reader, entry.item_id, said) == (reader, item_id, choice), "answer changed")
    undone = {f"{entry.item_id} {entry.reader}" for entry in log if entry.act is Act.UNDO}
    require(course.undos <= undone, "an acknowledged undo was lost")
    require(course.skips <= set(by_id), "an acknowledged skip was lost")
    require(not course.on_changed, f"taken on changed masks: {course.on_changed}")
    noted = {entry.entry_id for entry in queue.entries(ROUND)}
    require(noted == set(by_id), "queue and log differ")
    found = rulings(items, log)
    of_item = defaultdict(list)
    for entry in log:
        of_item[entry.item_id].append(entry)
    twice = 0
    for item in items:
        own = of_item[item.item_id]
        standing = standing_answers(own)
        undos = {entry.undoes for entry in own}
        kept = [e for e in own if e.act is Act.ANSWER and e.entry_id not in undos]
        require(len(kept) == len(standing), f"{item.item_id}: one reader answered twice")
        disputed = len({(e.verdict.choice) for e in kept[: item.reads] if e.verdict}) > 1
        require(len(kept) <= item.reads + disputed, f"{item.item_id} was decided twice")
        twice += len(kept) > 1
    with tempfile.TemporaryDirectory() as folder:
        anew = Queue(f"sqlite:///{folder}/queue.db")
        anew.fill(items, log)
        require(anew.counts(ROUND) == queue.counts(ROUND), "the log does not rebuild the queue")
        require(anew.open_items(ROUND) == queue.open_items(ROUND), "other items are open")
    decided = sum(one.status is ItemStatus.DECIDED for one in found.values())
    unacknowledged = sum(e.act is Act.ANSWER for e in log) - len(course.answers)
    print(f"items decided {decided} of {len(items)}, read twice {twice}, {queue.counts(ROUND)}")
    print(f"acknowledged: {len(course.answers)} answers, {len(course.undos)} undone (by item)")
    print(
        f"              {len(course.skips)} skips; stored but never acknowledged {unacknowledged}"
    )
    print("none lost, none decided twice, none on a changed mask; the log rebuilds the queue")


def require(holds: object, otherwise: str) -> None:
    """End the benchmark where a promise was broken."""
    if not holds:
        raise SystemExit(otherwise)


def report(course: Course, seconds: float) -> None:
    total = sum(len(own) for own in course.seconds.values())
    print(f"{total} requests in {seconds:.1f} s: {total / seconds:.0f} a second")
    print("request      number   p50 ms   p95 ms   p99 ms   max ms")
    for method, own in sorted(course.seconds.items()):
        marks = " ".join(f"{1000 * np.quantile(own, q):8.1f}" for q in (0.5, 0.95, 0.99, 1.0))
        print(f"{method:<10} {len(own):8d} {marks}")
    for reason, number in course.refused.most_common():
        print(f"{number:6d}  {reason}")


@contextmanager
def database(url: str | None) -> Iterator[str]:
    """The given one, or a PostgreSQL of its own."""
    if url is not None:
        yield url
        return
    root = Path(__file__).resolve().parents[1]
    postgres = runpy.run_path(str(root / "tests" / "review" / "postgres.py"))["postgres"]
    with postgres() as own:
        yield own


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--items", type=int, default=5000)
    parser.add_argument("--requests", type=int, default=12000)
    parser.add_argument("--servers", type=int, default=3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--database")
    chosen = parser.parse_args()
    items = make_items(chosen.items, np.random.default_rng(chosen.seed))
    with tempfile.TemporaryDirectory() as scratch, database(chosen.database) as url:
        folder = Path(scratch)
        store = Workspace.create(str(folder / "workspace"))
        commit(store, items, frozenset())
        queue = Queue(url)
        queue.fill(items, ())
        place = Place(
            workspace=store.url,
            database=url,
            round=ROUND,
            lease_seconds=LEASE_SECONDS,
            storing_seconds=STORING_SECONDS,
        )
        course = Course(chosen.requests)
        with Servers(place, folder, chosen.servers).running() as servers:
            callers = [Caller(servers.addresses, n) for n in range(chosen.readers)]
            readers = [ReaderAtWork(n, c, course, chosen.seed) for n, c in enumerate(callers)]
            threads = [threading.Thread(target=reader.work) for reader in readers]
            trouble = threading.Thread(target=disturb, args=(servers, course, store, items))
            started = time.perf_counter()
            for thread in (*threads, trouble):
                thread.start()
            for thread in (*threads, trouble):
                thread.join()
            seconds = time.perf_counter() - started
        report(course, seconds)
        check(store, queue, items, course)
        queue.close()


if __name__ == "__main__":
    main()
