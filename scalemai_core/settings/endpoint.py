"""Settings of a model behind a web service, whatever it is asked."""

from __future__ import annotations

from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from scalemai_core.settings.section import Section


class EndpointSettings(Section):
    """One OpenAI-compatible service; off until it has a ``url``."""

    url: str = ""
    """Base address of an OpenAI-compatible service, such as ``http://host:8000/v1``; empty: off."""
    model: str = ""
    """Name by which the service knows the model."""
    key_variable: str = Field(default="SCALEMAI_KEY", pattern=r"^[A-Z][A-Z0-9_]*$")
    """Name of the environment variable that holds the key, wherever shards are worked; without it
    no key is sent. The key itself is never a setting, since settings are stored."""
    max_tokens: int = Field(default=800, ge=16)
    """Longest answer. Ours."""
    timeout_s: float = Field(default=60.0, gt=0)
    """Seconds an answer may take, connecting included. Ours."""
    tries: int = Field(default=3, ge=1, le=10)
    """Attempts at a question that a busy or broken service turned down. Ours."""
    give_up_after: int = Field(default=5, ge=1)
    """Failures in a row after which a shard asks no more. Ours."""

    @field_validator("url")
    @classmethod
    def _plain(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname):
            raise ValueError("must be an address such as http://host:8000/v1")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("must hold no name, key or query: keys come from the environment")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.url and not self.model:
            raise ValueError("a url needs a model")
        return self
