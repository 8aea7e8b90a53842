"""A failing process' report to torchrun is whole or not there: half a one would end the run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from torch.distributed.elastic.multiprocessing.errors import error_handler, record

from scalemai_core.learn.train.last_words import LastWords


class Killed(BaseException):
    """Stands for a signal that comes while the report is written."""


@pytest.fixture
def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "error.json"
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(path))
    return path


def fail() -> None:
    raise ValueError("the peer is gone")


def test_the_error_is_where_torchrun_looks_for_it(report: Path) -> None:
    with pytest.raises(ValueError, match="gone"):
        record(fail, LastWords())()
    said = json.loads(report.read_text())["message"]
    assert said["message"] == "ValueError: the peer is gone"
    assert "in fail" in said["extraInfo"]["py_callstack"]
    assert list(report.parent.iterdir()) == [report]


def test_half_a_report_is_none(report: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def half(data: Any, file: Any) -> None:
        file.write(json.dumps(data)[:20])
        raise Killed

    monkeypatch.setattr(error_handler.json, "dump", half)
    with pytest.raises(Killed):
        record(fail, LastWords())()
    assert not report.exists()


def test_without_torchrun_it_is_only_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_ERROR_FILE", raising=False)
    with pytest.raises(ValueError, match="gone"):
        record(fail, LastWords())()
