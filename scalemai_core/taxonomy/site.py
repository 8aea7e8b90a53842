"""Sites: where lesions are looked for, one an organ or a pair of organs."""

from __future__ import annotations

from functools import cache

from scalemai_core.records.base import Record
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.taxonomy import Taxonomy


class Site(Record):
    """Lesions that share their hosts, and therefore one operating point."""

    name: str
    """The first host, its side left out: ``pancreas``, ``liver``, ``kidney``, ``colon``."""
    hosts: tuple[str, ...]
    """Structures in which the lesions grow, as the taxonomy's ``inside``."""
    lesions: tuple[str, ...]
    """Structures of the layer ``lesions``, wholes before their parts, by id."""


@cache
def lesion_sites(taxonomy: Taxonomy) -> tuple[Site, ...]:
    """Every lesion structure in exactly one site; sites by the id of their first lesion."""
    found: dict[tuple[str, ...], list[str]] = {}
    for structure in taxonomy.in_layer(Layer.LESIONS):
        found.setdefault(structure.inside, []).append(structure.name)
    return tuple(
        Site(name=_sideless(hosts[0], taxonomy), hosts=hosts, lesions=tuple(lesions))
        for hosts, lesions in found.items()
    )


def site_names(taxonomy: Taxonomy) -> dict[str, str]:
    """Every lesion structure's site."""
    return {name: site.name for site in lesion_sites(taxonomy) for name in site.lesions}


def _sideless(host: str, taxonomy: Taxonomy) -> str:
    side = taxonomy[host].side
    return host if side is None else host.removesuffix(f"_{side.value}")
