"""One small workspace for all flow tests: made once, copied by whoever changes it."""

from __future__ import annotations

import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import Answered, Scalemai
from prefect.testing.utilities import prefect_test_harness
from small_population import AfterOneRound, offer, small_settings, write_sources

from flows.cli import main
from flows.em_round import em_round
from flows.ingest import ingest
from scalemai_core.records.round import RoundResult
from scalemai_core.store.workspace import KEY_VARIABLE, Workspace

PATIENT_KEY = "key"
"""Of every workspace here: folds and gold roles follow the patients' hashes, in the tests each time
the same."""


@pytest.fixture(scope="module", autouse=True)
def patient_key() -> Iterator[None]:
    """Also of workspaces that a command makes, here or in a process of its own."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(KEY_VARIABLE, PATIENT_KEY)
        yield


@pytest.fixture(scope="session")
def prefect() -> Iterator[None]:
    """A Prefect server of its own for all flows in this process."""
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ``population``, ``truth`` and ``gold``."""
    folder = tmp_path_factory.mktemp("sources")
    write_sources(folder)
    return folder


@pytest.fixture(scope="session")
def first_round(
    prefect: None, sources: Path, tmp_path_factory: pytest.TempPathFactory
) -> AfterOneRound:
    """Never changed by a test: take ``copied`` to go on from here."""
    store = Workspace.create(str(tmp_path_factory.mktemp("round") / "ws"), patient_key=PATIENT_KEY)
    settings = small_settings(review={"mode": "simulate"})
    assert ingest(offer(store.url, sources / "population"), settings.compute)
    assert ingest(offer(store.url, sources / "gold", gold=True), settings.compute)
    result = em_round(store.url, settings, str(sources / "truth"))
    assert isinstance(result, RoundResult)
    return AfterOneRound(store=store, result=result, sources=sources)


@pytest.fixture
def copied(first_round: AfterOneRound, tmp_path: Path) -> Callable[[str], Workspace]:
    """Make a copy of the workspace after its first round."""

    def copy(name: str) -> Workspace:
        shutil.copytree(first_round.store.url, tmp_path / name)
        return Workspace.open(str(tmp_path / name))

    return copy


@pytest.fixture(scope="session")
def undisturbed(
    first_round: AfterOneRound, tmp_path_factory: pytest.TempPathFactory
) -> AfterOneRound:
    """The same workspace after an undisturbed second round without people."""
    place = tmp_path_factory.mktemp("undisturbed") / "ws"
    shutil.copytree(first_round.store.url, place)
    result = em_round(str(place), small_settings(review={"mode": "skip"}))
    assert isinstance(result, RoundResult)
    store = Workspace.open(str(place))
    return AfterOneRound(store=store, result=result, sources=first_round.sources)


@pytest.fixture
def scalemai(
    prefect: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Scalemai]:
    """Run a command in this process, with the Prefect server of the tests."""
    engine = logging.getLogger("scalemai")
    before = (list(engine.handlers), engine.level, engine.propagate)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))

    def run(*arguments: object) -> Answered:
        monkeypatch.setattr(sys, "argv", ["scalemai", *map(str, arguments)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
        said = capsys.readouterr()
        return Answered(code, said.out, said.err)

    yield run
    engine.handlers[:], engine.propagate = before[0], before[2]
    engine.setLevel(before[1])
