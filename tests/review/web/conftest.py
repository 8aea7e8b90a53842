"""A round under review, and its server."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from made_up_room import MadeUp, client_of, logged_in, made_up_app, made_up_review
from starlette.testclient import TestClient


@pytest.fixture
def made(tmp_path: Path) -> MadeUp:
    return made_up_review(tmp_path)


@pytest.fixture
def app(made: MadeUp) -> FastAPI:
    return made_up_app(made)


@pytest.fixture
def stranger(app: FastAPI) -> TestClient:
    return client_of(app)


@pytest.fixture
def ada(app: FastAPI) -> TestClient:
    return logged_in(app, "ada")


@pytest.fixture
def ben(app: FastAPI) -> TestClient:
    return logged_in(app, "ben")
