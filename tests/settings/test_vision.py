"""The second expert is off by default, and a key can be put nowhere in its settings."""

from __future__ import annotations

import pytest

from scalemai_core.errors import SettingsError
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.file import parse_settings


def test_it_is_off_until_it_has_an_address() -> None:
    assert EngineSettings().vision.url == ""


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000/v1/", "https://models.example.org/v1"])
def test_an_address_and_a_model_turn_it_on(url: str) -> None:
    settings = parse_settings({"vision": {"url": url, "model": "m"}})
    assert settings.vision.url == url.rstrip("/")


@pytest.mark.parametrize(
    "vision",
    [
        {"url": "http://host/v1"},
        {"url": "file:///secret-1", "model": "m"},
        {"url": "host:8000/v1", "model": "m"},
        {"url": "https://me:secret-1@host/v1", "model": "m"},
        {"url": "https://host/v1?key=secret-1", "model": "m"},
        {"key_variable": "sk-secret-1"},
        {"key": "secret-1"},
    ],
)
def test_what_cannot_work_or_would_be_stored_is_refused_unseen(vision: dict[str, str]) -> None:
    with pytest.raises(SettingsError) as error:
        parse_settings({"vision": vision})
    assert "secret-1" not in str(error.value)
    assert "secret-1" not in str(error.value.__cause__)
