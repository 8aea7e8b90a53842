"""Kill a round anywhere and run it again: what was done stays, and the result is the same."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from small_population import SETTINGS, AfterOneRound, command

from scalemai_core.store.workspace import Workspace
from tasks.round import result_path

pytestmark = pytest.mark.flow

PATIENCE_SECONDS = 600


@pytest.fixture
def settings_file(tmp_path: Path) -> Path:
    """One worker and one scan a shard, so that a stage has many moments to be killed in."""
    tree = SETTINGS | {"compute": SETTINGS["compute"] | {"shard_size": 1, "workers": 1}}
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump(tree))
    return path


def ledger_parts(store: Workspace) -> dict[Path, int]:
    """Every finished ledger part of the second round, and when it was written."""
    folder = Path(store.url) / "rounds" / "2"
    return {path: path.stat().st_mtime_ns for path in folder.glob("*/*.done")}


def run_round(store: Workspace, settings_file: Path) -> subprocess.Popen[str]:
    return command(
        *("round", store.url, "--settings", str(settings_file)), *("--review", "skip", "--json")
    )


def kill_when(process: subprocess.Popen[str], reached: Callable[[], bool]) -> None:
    """Kill -9 the whole process group as soon as a place is reached."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not reached():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < deadline, "the round never came that far"
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_a_round_killed_while_judging_ends_as_if_nothing_had_happened(
    copied: Callable[[str], Workspace], undisturbed: AfterOneRound, settings_file: Path
) -> None:
    store = copied("killed")
    folder = Path(store.url) / "rounds" / "2"
    kill_when(run_round(store, settings_file), lambda: any(folder.glob("judge-*/*.done")))
    done = ledger_parts(store)
    assert any(path.parent.name.startswith("judge-") for path in done)
    assert store.read_json(result_path(2)) is None
    assert len(store.catalog.versions()) == 3, "nothing of it is visible"

    answer, complaints = run_round(store, settings_file).communicate(timeout=PATIENCE_SECONDS)
    result = json.loads(answer)
    assert result["number"] == 2
    assert "Traceback" not in complaints
    after = ledger_parts(store)
    assert {path: after[path] for path in done} == done, "finished shards are not redone"
    assert len(after) > len(done)
    versions = store.catalog.versions()
    assert len(versions) == 4
    expected = undisturbed.store.catalog.version(4)
    assert versions[-1].digest == expected.digest
    assert result["decisions"] == undisturbed.result.decisions
