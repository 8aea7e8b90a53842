"""Which tests share a process, and where the real CT scans lie."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling

REAL_CT = Path(__file__).resolve().parents[2] / "shared" / "data"


class OneFirstRound(LoadFileScheduling):
    """Tests of a file share a process, and so do all files that ask for the ``first_round``, which
    takes minutes to play."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "first round" if _asks_for_it(self.config.rootpath / file) else file


@cache
def _asks_for_it(file: Path) -> bool:
    return "first_round" in file.read_text()


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> OneFirstRound:
    """With ``-n``, instead of the schedulers that xdist has."""
    return OneFirstRound(config, log)


@pytest.fixture(scope="session")
def real_ct() -> Path:
    """Folder of real CT scans beside the checkout; they never enter the project's tree."""
    if not REAL_CT.is_dir():
        pytest.skip(f"no real CT scans at {REAL_CT}")
    return REAL_CT
