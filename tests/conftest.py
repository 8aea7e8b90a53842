"""Where the real CT scans lie."""

from __future__ import annotations

from pathlib import Path

import pytest

REAL_CT = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def real_ct() -> Path:
    """Folder of real CT scans beside the checkout; they never enter the project's tree."""
    if not REAL_CT.is_dir():
        pytest.skip(f"no real CT scans at {REAL_CT}")
    return REAL_CT
