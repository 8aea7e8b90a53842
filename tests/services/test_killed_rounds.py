"""The benchmark of killed rounds, in short: kill -9 changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest
from running_services import ROOT

pytestmark = pytest.mark.services

KILLS = 1


def test_a_round_killed_at_random_moments_ends_with_the_same_digest() -> None:
    script = str(ROOT / "benchmarks" / "killed_rounds.py")
    call = [sys.executable, script, "--kills", str(KILLS), "--seed", "2"]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=1800, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{KILLS} kills" in done.stdout
    assert "0 digests differ" in done.stdout
    assert "finished shards redone: 0" in done.stdout
