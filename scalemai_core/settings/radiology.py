"""Settings of the optional second reading of reports, by a language model behind a web service."""

from __future__ import annotations

from pydantic import Field

from scalemai_core.settings.endpoint import EndpointSettings


class RadiologySettings(EndpointSettings):
    """The second pass over reports; off until it has a ``url``, and then rules stand alone."""

    key_variable: str = Field(default="SCALEMAI_RADIOLOGY_KEY", pattern=r"^[A-Z][A-Z0-9_]*$")
    """Name of the environment variable that holds the key, as in ``EndpointSettings``."""
    max_tokens: int = Field(default=4000, ge=16)
    """Longest answer: a long report makes some forty statements. Ours."""
    max_characters: int = Field(default=20_000, ge=100)
    """Longest report that is sent; longer ones are read by rules alone. Ours."""
