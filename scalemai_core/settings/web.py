"""Settings of the review server: where it listens, whom it lets in, and how much it takes."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Self

from pydantic import Field, field_validator, model_validator

from scalemai_core.settings.section import Section


class WebSettings(Section):
    """The server of the review page."""

    host: str = Field(default="127.0.0.1", min_length=1)
    """Address that it binds. Any but this machine's own loopback is refused until people have
    tokens of their own, or a trusted proxy says who they are."""
    port: int = Field(default=8100, ge=0, le=65535)
    """0 takes any free port."""
    allowed_hosts: tuple[str, ...] = ("127.0.0.1", "localhost", "[::1]")
    """Names under which it may be reached, without the port: what a browser may send as ``Host``.
    ``*.example.org`` takes every name below; ``*`` alone is refused."""
    identity_header: str | None = Field(default=None, pattern=r"^[A-Za-z][A-Za-z0-9-]{0,63}$")
    """Header in which a proxy that logs people in names the person; needs ``trusted_proxies``."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses or networks (``10.0.0.5``, ``10.0.0.0/24``) whose identity header is believed;
    from anywhere else it is ignored."""
    session_hours: float = Field(default=12.0, gt=0, le=168, allow_inf_nan=False)
    """After this long a person logs in again: a working day with its breaks. Ours."""
    login_attempts: int = Field(default=10, ge=1)
    """Wrong tokens from one address within ``login_seconds``; then it waits. Ours."""
    login_seconds: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    """Over how long wrong tokens are counted. Ours."""
    max_upload_mb: float = Field(default=64.0, gt=0, allow_inf_nan=False)
    """Largest mask sent back by an editor, as it is sent; a whole scan's mask packs to some MB. No
    more is unpacked than the scan has voxels. Ours."""
    max_json_kb: float = Field(default=64.0, gt=0, allow_inf_nan=False)
    """Largest body of any other request. A delete of 250 pieces takes 25. Ours."""
    plugin_images: bool = False
    """Slicer's MONAI Label plugin fetches an image without its token. If this is on, the address
    that was just told of an item gets its image once, within a minute, by the item's random id."""
    bundle_cache_mb: float = Field(default=256.0, ge=0, allow_inf_nan=False)
    """Packed bundles that are kept until they are asked for. One takes 1 to 4 MB. Ours."""
    prefetch_threads: int = Field(default=2, ge=1, le=64)
    """How many bundles are cut ahead at a time. Ours."""

    @field_validator("allowed_hosts")
    @classmethod
    def _are_names(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if not name.removeprefix("*.") or "*" in name.removeprefix("*."):
                raise ValueError("name the hosts, or all below one as *.example.org")
        return names

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, proxies: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in proxies:
            ip_network(proxy)
        return proxies

    @model_validator(mode="after")
    def _names_its_proxies(self) -> Self:
        if self.identity_header is not None and not self.trusted_proxies:
            raise ValueError("identity_header is believed from trusted_proxies only: name them")
        return self
