"""A workspace is claimed by one at a time: on a disk, in a bucket, and after a kill."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from multiprocessing.synchronize import Barrier
from threading import Barrier as ThreadBarrier

import pytest

from scalemai_core.errors import ClaimedError, ClaimLostError
from scalemai_core.records.claim import Claim
from scalemai_core.store.documents import claim as module
from scalemai_core.store.documents.claim import INGEST, ROUND, Claims, claimed, holds, machine
from scalemai_core.store.files import Files

LONG = 1000.0
WRITERS = 6
together: dict[str, Barrier] = {}


def meet_at(barrier: Barrier) -> None:
    """In a writer: where it waits for the others."""
    together["start"] = barrier


def take_in_process(url: str, writer: int) -> int | None:
    """In a writer: the number of its claim, if it got one."""
    claims = Claims(Files(url), ROUND, LONG)
    together["start"].wait()
    try:
        return claims.take(f"round {writer}").number
    except ClaimedError:
        return None
    finally:
        together["start"].wait()  # nobody's process may end before all have tried


def elsewhere(claims: Claims, claim: Claim, **changes: object) -> Claim:
    """The claim as another machine would have written it."""
    other = claim.model_copy(update={"machine": "another machine", "pid": 1, **changes})
    claims._write(other)
    return other


def test_of_processes_that_claim_at_once_one_does(url: str) -> None:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        WRITERS, mp_context=spawn, initializer=meet_at, initargs=(spawn.Barrier(WRITERS),)
    ) as pool:
        running = [pool.submit(take_in_process, url, writer) for writer in range(WRITERS)]
        got = [one.result(timeout=120) for one in running]
    assert sorted(number for number in got if number) == [1]


def test_of_many_that_take_an_expired_claim_over_one_does(url: str) -> None:
    claims = Claims(Files(url), ROUND, LONG)
    for number in (1, 2, 3):
        first = claims.take("round")
        assert first.number == 2 * number - 1
        elsewhere(claims, first, expires=datetime.now(UTC) - timedelta(seconds=1))
        barrier = ThreadBarrier(WRITERS)

        def take(writer: int, barrier: ThreadBarrier = barrier) -> Claim | None:
            barrier.wait()
            try:
                return Claims(Files(url), ROUND, LONG).take(f"writer {writer}")
            except ClaimedError:
                return None

        with ThreadPoolExecutor(WRITERS) as pool:
            (winner,) = [one for one in pool.map(take, range(WRITERS)) if one]
        assert claims.current() == winner
        assert winner.number == 2 * number
        claims.release(winner)


def test_a_second_round_is_told_who_is_at_work_and_what_to_do(url: str) -> None:
    files = Files(url)
    with claimed(files, ROUND, "round 3"):
        with pytest.raises(ClaimedError, match=r"round 3 of .* on .*process") as refused:
            Claims(files, ROUND).take("round 3")
        assert f"scalemai claim {files.url} --release" in str(refused.value)
        assert " UTC" in str(refused.value)
        Claims(files, INGEST).take("ingestion")  # another matter
    assert Claims(files, ROUND).holder() is None
    with claimed(files, ROUND, "round 3") as second:
        assert second.number == 2


def test_a_claim_is_renewed_while_it_is_held(url: str) -> None:
    files = Files(url)
    claims = Claims(files, ROUND)
    with claimed(files, ROUND, "round", term_seconds=0.6) as claim:
        deadline = time.monotonic() + 20
        while (now := claims.current()) and now.expires <= claim.expires:
            assert time.monotonic() < deadline, "never renewed"
            time.sleep(0.05)
        assert now is not None
        assert now.token == claim.token
    assert (left := claims.current()) is not None
    assert left.released


def test_a_holder_on_another_machine_is_waited_for_until_its_term_ends(url: str) -> None:
    claims = Claims(Files(url), ROUND, LONG)
    first = elsewhere(claims, claims.take("round 1"))
    with pytest.raises(ClaimedError, match="round 1"):
        claims.take("round 1")
    elsewhere(claims, first, expires=datetime.now(UTC) - timedelta(seconds=0.1))
    assert claims.take("round 1").number == 2


def test_who_was_taken_over_finds_out_and_does_not_disturb(url: str) -> None:
    claims = Claims(Files(url), ROUND, LONG)
    first = claims.take("slow round")
    claims.check(first.number)
    elsewhere(claims, first, expires=datetime.now(UTC) - timedelta(seconds=0.1))
    second = claims.take("fast round")
    with pytest.raises(ClaimLostError, match=r"taken over by fast round.*commits nothing"):
        claims.check(first.number)
    with pytest.raises(ClaimLostError):
        claims.renew(first)
    claims.release(first)
    assert claims.holder() == second


def test_a_term_that_ended_unnoticed_is_no_loss_while_nobody_came(url: str) -> None:
    claims = Claims(Files(url), ROUND, LONG)
    first = claims.take("stopped by its laptop's lid")
    elsewhere(claims, first, expires=datetime.now(UTC) - timedelta(hours=1))
    claims.check(first.number)
    assert claims.renew(first).expires > datetime.now(UTC)


def test_a_dead_process_of_this_machine_frees_the_workspace_at_once(url: str) -> None:
    if machine() is None:
        pytest.skip("this system does not name its run")
    code = (
        "import sys, time; from scalemai_core.store.documents.claim import Claims\n"
        "from scalemai_core.store.files import Files\n"
        f"Claims(Files({url!r}), 'round', 1000.0).take('killed round')\n"
        "print('taken', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"taken\n"
        with pytest.raises(ClaimedError, match="killed round"):
            Claims(Files(url), ROUND).take("next round")
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert Claims(Files(url), ROUND).take("next round").number == 2


def test_a_process_number_means_nothing_on_another_machine(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = Claims(Files(url), ROUND, LONG).take("round").model_copy(update={"pid": 2**22 - 3})
    assert not holds(claim)
    monkeypatch.setattr(module, "machine", lambda: "another container")
    assert holds(claim)
    monkeypatch.setattr(module, "machine", lambda: None)
    assert holds(claim.model_copy(update={"machine": None}))


def test_a_dismissed_holder_stops_and_others_may_come(url: str) -> None:
    claims = Claims(Files(url), ROUND, LONG)
    assert claims.dismiss() is None
    first = elsewhere(claims, claims.take("round 1"))
    assert claims.dismiss() == first
    assert claims.dismiss() is None
    with pytest.raises(ClaimLostError):
        claims.check(first.number)
    assert claims.take("round 1").number == 3


def test_old_claims_are_cleared_away(url: str) -> None:
    claims = Claims(Files(url), ROUND, LONG)
    for _ in range(5):
        claims.release(claims.take("round"))
    assert Files(url).names("claims/round") == ["00000004.json", "00000005.json"]


def test_a_number_that_others_have_passed_is_not_taken(url: str) -> None:
    claims = Claims(Files(url), ROUND, LONG)
    stale = claims.take("first")
    claims.release(stale)
    for _ in range(3):
        claims.release(claims.take("others"))
    # Who looked when number 1 was the newest now makes number 2, which was cleared away.
    assert claims._make(stale, "late") is None
    assert Files(url).names("claims/round") == ["00000003.json", "00000004.json"]
