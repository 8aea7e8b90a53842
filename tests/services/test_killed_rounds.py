"""The benchmark of killed rounds, in short: kill -9 changes nothing."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from running_services import ROOT

KILLS = int(os.environ.get("SCALEMAI_TEST_KILLS", "0"))
"""Each costs minutes: none where nobody asks."""

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif(not KILLS, reason="set SCALEMAI_TEST_KILLS to how many are wanted"),
]


def test_a_round_killed_at_random_moments_ends_with_the_same_digest() -> None:
    script = str(ROOT / "benchmarks" / "killed_rounds.py")
    call = [sys.executable, script, "--kills", str(KILLS), "--seed", "2"]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=1800, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{KILLS} kills" in done.stdout
    assert "0 digests differ" in done.stdout
    assert "finished shards redone: 0" in done.stdout
