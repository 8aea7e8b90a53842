"""Lines of a structured report whose label is a lesion: ``Liver lesion: none``."""

from __future__ import annotations

from scalemai_core.radiology.exclusion import Understood, understood
from scalemai_core.taxonomy.label import plain
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import load_taxonomy

THERE = frozenset({"yes", "present"})
NOT_THERE = frozenset({"no", "none", "absent", "none seen", "none identified", "not seen"})

_LESIONS = frozenset(lesion for site in lesion_sites(load_taxonomy()) for lesion in site.lesions)


def labelled(label: str, said: str) -> Understood | None:
    """What such a line says; None where its words leave a doubt.

    A structure's own name speaks of that structure; any other label is read as ``no <label>``.
    """
    word = said.strip().rstrip(".").strip()
    if word not in THERE | NOT_THERE:
        return None
    taxonomy = load_taxonomy()
    name = taxonomy.resolve(label)
    if name is not None and plain(label).removesuffix("s") == name and name in _LESIONS:
        pairs = tuple((name, organ) for organ in taxonomy[name].inside)
        return Understood(present=pairs) if word in THERE else Understood(absent=pairs)
    return understood(f"no {label}", None) if word in NOT_THERE else None
