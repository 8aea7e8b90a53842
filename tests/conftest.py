"""Which tests stay in one process, and where the real CT scans lie."""

from __future__ import annotations

from pathlib import Path

import pytest

REAL_CT = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A file's tests share a process; files that look at the first round of small phantoms share
    one too, and begin: that round takes longer than most of what is asked about it."""
    shared = {item.path for item in items if "first_round" in getattr(item, "fixturenames", ())}
    for item in items:
        group = "first round" if item.path in shared else str(item.path)
        item.add_marker(pytest.mark.xdist_group(group))
    items.sort(key=lambda item: item.path not in shared)


@pytest.fixture(scope="session")
def real_ct() -> Path:
    """Folder of real CT scans beside the checkout; they never enter the project's tree."""
    if not REAL_CT.is_dir():
        pytest.skip(f"no real CT scans at {REAL_CT}")
    return REAL_CT
