"""One at a time on a workspace: claims in the store, renewed while they are held.

A claim is a numbered document, and making a number that is not there is the only operation that has
to be atomic: a disk links a name once, a bucket puts where nothing is. Whoever made the highest
number holds. Clocks matter only where a holder has vanished: one that is ahead by more than two
thirds of the term takes a claim over too early, and then the holder finds out before it commits.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread

from scalemai_core.errors import ClaimedError, ClaimLostError
from scalemai_core.records.claim import Claim
from scalemai_core.store.documents.account import account
from scalemai_core.store.files import STORE_ERRORS, Files

log = logging.getLogger("scalemai.claim")

ROUND, INGEST = "round", "ingest"
"""What is claimed: the right to play a round, and the right to take scans in."""
TERM_SECONDS = 60.0
"""How long a claim holds after the last sign of life of its holder."""
RENEWALS = 3
"""A term has so many."""
TRIES = 5
"""Races that may be lost to others who give up again."""


class Claims:
    """``claims/<what>/``: at most one claim holds at a time."""

    def __init__(self, files: Files, what: str, term_seconds: float = TERM_SECONDS) -> None:
        self._files = files
        self._what = what
        self._folder = f"claims/{what}"
        self._term = timedelta(seconds=term_seconds)

    def current(self) -> Claim | None:
        """The newest claim, whether it still holds or not."""
        for number in reversed(self._numbers()):
            try:
                data = self._files.read_bytes(self._path(number))
            except FileNotFoundError:  # given up in between
                continue
            return Claim.model_validate_json(data)
        return None

    def holder(self) -> Claim | None:
        """The claim that holds: neither released, nor expired, nor of a process that is gone."""
        claim = self.current()
        return claim if claim is not None and holds(claim) else None

    def take(self, holder: str) -> Claim:
        """Claim the workspace; raises ClaimedError naming who has."""
        for _ in range(TRIES):
            before = self.current()
            if before is not None and holds(before):
                raise ClaimedError(self._refusal(before))
            if before is not None and not before.released:
                log.warning("%s has ended without a word; taken over", _name(before))
            if claim := self._make(before, holder):
                return claim
        raise ClaimedError(f"{self._files.url}: several begin at the same moment; try again")

    def renew(self, claim: Claim) -> Claim:
        """Put the end of the term off; raises ClaimLostError where somebody has taken over."""
        renewed = claim.model_copy(update={"expires": datetime.now(UTC) + self._term})
        self.check(claim.number)
        self._write(renewed)
        return renewed

    def release(self, claim: Claim) -> None:
        """Let others in at once; whoever has taken over meanwhile is not disturbed."""
        self._write(claim.model_copy(update={"released": True}))

    def dismiss(self) -> Claim | None:
        """Take it from whoever holds it, without holding it; they stop before they commit."""
        before = self.current()
        if before is None or before.released:
            return None
        taken = self._make(before, f"nobody: taken from {before.holder}")
        if taken is not None:
            self.release(taken)
        return before

    def check(self, number: int) -> None:
        """Raise ClaimLostError unless this claim is still the newest."""
        newest = self.current()
        if newest is None or newest.number != number:
            by = f" by {_name(newest)}" if newest else ""
            raise ClaimLostError(
                f"the claim on {self._files.url} was taken over{by}: this {self._what} stops and "
                "commits nothing; run it again when the other has ended"
            )

    def _make(self, before: Claim | None, holder: str) -> Claim | None:
        """The next number, or None where another was faster."""
        now = datetime.now(UTC)
        claim = Claim(
            number=before.number + 1 if before else 1,
            token=secrets.token_hex(8),
            what=self._what,
            holder=holder,
            person=account(),
            host=socket.gethostname(),
            pid=os.getpid(),
            machine=machine(),
            started=now,
            expires=now + self._term,
        )
        if not self._files.create(self._path(claim.number), _bytes(claim)):
            return None
        numbers = self._numbers()
        if (
            max(numbers, default=0) != claim.number
        ):  # a number that others have passed and cleared away
            self._files.remove(self._path(claim.number))
            return None
        for number in numbers[:-2]:  # the last one stays: its holder may still want to look
            self._files.remove(self._path(number))
        return claim

    def _refusal(self, claim: Claim) -> str:
        return (
            f"{self._files.url} is taken: {_name(claim)}, since {claim.started:%Y-%m-%d %H:%M:%S} "
            f"UTC, claimed until {claim.expires:%H:%M:%S} UTC and renewed while it runs. Wait for "
            f"its end; if it is gone for certain: 'scalemai claim {self._files.url} --release'"
        )

    def _numbers(self) -> list[int]:
        names = (name.removesuffix(".json") for name in self._files.names(self._folder))
        return sorted(int(name) for name in names if name.isdigit())

    def _write(self, claim: Claim) -> None:
        self._files.write_bytes(self._path(claim.number), _bytes(claim))

    def _path(self, number: int) -> str:
        return f"{self._folder}/{number:08d}.json"


@contextmanager
def claimed(
    files: Files, what: str, holder: str, term_seconds: float = TERM_SECONDS
) -> Iterator[Claim]:
    """Hold a claim while the block runs, a thread renewing it.

    Raises ClaimedError where somebody else holds it. Who loses it inside is told in the log, and by
    ``Claims.check`` before anything is committed.
    """
    claims = Claims(files, what, term_seconds)
    claim = claims.take(holder)
    ended = Event()
    pause = term_seconds / RENEWALS
    keeper = Thread(target=_keep, args=(claims, claim, ended, pause), daemon=True)
    keeper.start()
    try:
        yield claim
    finally:
        ended.set()
        keeper.join()
        claims.release(claim)


def _keep(claims: Claims, claim: Claim, ended: Event, pause: float) -> None:
    while not ended.wait(pause):
        try:
            claim = claims.renew(claim)
        except ClaimLostError as error:
            log.error("%s", error)  # noqa: TRY400 - a person acts on the line, not on a traceback
            return
        except STORE_ERRORS as error:  # until the term ends there are more chances
            log.warning("the claim on the workspace could not be renewed: %s", error)


def holds(claim: Claim) -> bool:
    """Whether a claim keeps others out: a dead process on this machine frees it at once."""
    if claim.released or claim.expires < datetime.now(UTC):
        return False
    ours = claim.machine is not None and claim.machine == machine()
    return not ours or _alive(claim.pid)


def machine() -> str | None:
    """This kernel's run and this space of process numbers, by name; None where it has none.

    A host's name is not enough: containers share one, and each counts its processes from 1.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's process
        return True
    return state[0] != "Z"  # killed, and its parent has not looked yet


def _name(claim: Claim) -> str:
    return f"{claim.holder} of {claim.person} on {claim.host} (process {claim.pid})"


def _bytes(claim: Claim) -> bytes:
    return claim.model_dump_json(indent=1).encode()
