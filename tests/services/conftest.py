"""Tests on real services run where a shell has sourced what ``make services`` wrote."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import Deployed, deployed
from running_services import Room, room
from small_population import write_sources


@pytest.fixture(scope="session", autouse=True)
def _services() -> None:
    """Skip unless services are said to run; those that do not answer are a failure."""
    if "SCALEMAI_SETTINGS" not in os.environ:
        pytest.skip("no real services: run 'make services services-test'")


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with ``population``, ``truth`` and ``gold``."""
    folder = tmp_path_factory.mktemp("sources")
    write_sources(folder)
    return folder


@pytest.fixture(scope="session")
def our_room(_services: None) -> Iterator[Room]:
    """The place of the round that all tests look at."""
    with room() as found:
        yield found


@pytest.fixture(scope="session")
def prefect(our_room: Room) -> Iterator[Deployed]:
    """The deployments of the repository, under names of the tests, run by the worker."""
    with deployed(our_room) as found:
        yield found
