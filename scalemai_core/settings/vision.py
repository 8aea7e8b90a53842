"""Settings of the optional second expert, a vision-language model behind a web service."""

from __future__ import annotations

from pydantic import Field

from scalemai_core.settings.endpoint import EndpointSettings


class VisionSettings(EndpointSettings):
    """A second opinion where the learned expert abstains; off until it has a ``url``."""

    key_variable: str = Field(default="SCALEMAI_VISION_KEY", pattern=r"^[A-Z][A-Z0-9_]*$")
    """Name of the environment variable that holds the key, as in ``EndpointSettings``."""
    max_pairs: int = Field(default=200, ge=1)
    """Pairs of masks a round asks about, the most valuable first; a pair is two requests, three
    where one of its masks is empty. Ours."""
    max_projected_dice: float = Field(default=0.8, gt=0, le=1)
    """Dice of the two masks in the picture above which it is not worth asking; section 2.5."""
    picture_px: int = Field(default=512, ge=64, le=2048)
    """Longest side of the pictures; section 2.2."""
