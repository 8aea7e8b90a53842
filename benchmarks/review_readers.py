"""Readers who hurry through a review queue, and what they saw of it."""

from __future__ import annotations

import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from review_servers import Caller, ServerLostError

from scalemai_core.errors import ChangedMaskError, LeaseLostError, UsageError
from scalemai_core.records.answer import Answer, Receipt
from scalemai_core.records.decision import Candidate
from scalemai_core.records.lease import Lease
from scalemai_core.records.reader import Reader, Role

LEASE_SECONDS = 4.0
PREFER = 0.85
"""Share of answers that keep the current mask."""
UNDO, SKIP, LATE = 0.03, 0.02, 0.005
"""Shares of requests: taking back, passing on, answering when the lease has run out."""
ADJUDICATORS = 10
"""Every so many readers one adjudicates."""


@dataclass
class Course:
    """What happened, as the readers saw it."""

    allowed: int
    lock: threading.Lock = field(default_factory=threading.Lock)
    sent: int = 0
    seconds: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    refused: Counter[str] = field(default_factory=Counter)
    answers: dict[str, tuple[str, str, Candidate]] = field(default_factory=dict)
    """Acknowledged: reader, item and choice by entry."""
    undos: set[str] = field(default_factory=set)
    """Items whose answer was acknowledged to be taken back, with the reader."""
    skips: set[str] = field(default_factory=set)
    changed: frozenset[str] = frozenset()
    """Items whose mask is known to have changed."""
    on_changed: list[str] = field(default_factory=list)

    def may_send(self) -> bool:
        """Count a request; False when there have been enough."""
        with self.lock:
            self.sent += 1
            return self.sent <= self.allowed


class ReaderAtWork:
    """One reader in a thread: takes items, answers, and now and then does something else."""

    def __init__(self, number: int, caller: Caller, course: Course, seed: int) -> None:
        role = Role.READER if number % ADJUDICATORS else Role.ADJUDICATOR
        self.reader = Reader(name=f"reader{number:03d}", role=role)
        self.caller, self.course = caller, course
        self.rng = np.random.default_rng([seed, number])

    def work(self) -> None:
        """Until there have been enough requests, or nothing is left for this reader."""
        while leases := self.ask("take", 2):
            for lease in leases:
                self.handle(lease)
            if self.rng.random() < UNDO * len(leases) and (again := self.ask("undo")):
                with self.course.lock:
                    self.course.undos.add(f"{again.item.item_id} {self.reader.name}")

    def handle(self, lease: Lease) -> None:
        drawn = self.rng.random()
        if drawn < SKIP:
            self.skip(lease, "unsure")
            return
        if drawn < SKIP + LATE:
            time.sleep(LEASE_SECONDS + 0.1)
        choice = Candidate.CURRENT if self.rng.random() < PREFER else Candidate.PREDICTION
        answer = Answer(
            choice=choice, base_label_map=lease.item.base_label_map, seconds=float(drawn)
        )
        known_changed = lease.item.item_id in self.course.changed
        receipt = self.ask("answer", lease.lease_id, answer)
        if not isinstance(receipt, Receipt):
            return
        with self.course.lock:
            said = (self.reader.name, receipt.item_id, choice)
            self.course.answers[receipt.entry_id] = said
            if known_changed:
                self.course.on_changed.append(receipt.item_id)

    def skip(self, lease: Lease, reason: str) -> None:
        receipt = self.ask("skip", lease.lease_id, reason, 1.0)
        if isinstance(receipt, Receipt):
            with self.course.lock:
                self.course.skips.add(receipt.entry_id)

    def ask(self, method: str, *arguments: object) -> Any:
        """Send it, again where the server was lost; None where it was refused."""
        while self.course.may_send():
            started = time.perf_counter()
            try:
                result = self.caller.call(method, self.reader, *arguments)
            except ServerLostError:
                self.course.refused["server lost, sent again"] += 1
                continue
            except (LeaseLostError, ChangedMaskError, UsageError) as error:
                self.refuse(method, error, arguments)
                return None
            finally:
                with self.course.lock:
                    self.course.seconds[method].append(time.perf_counter() - started)
            return result
        return None

    def refuse(self, method: str, error: UsageError, arguments: tuple[object, ...]) -> None:
        with self.course.lock:
            self.course.refused[f"{method}: {type(error).__name__}: {error}"] += 1
        if isinstance(error, ChangedMaskError):  # as the page does: it goes out of sight
            receipt = self.ask("skip", arguments[0], "the mask was changed", 0.0)
            if isinstance(receipt, Receipt):
                with self.course.lock:
                    self.course.skips.add(receipt.entry_id)
