"""Structures as coded concepts: SNOMED CT where the taxonomy has a code, else a scheme of ours."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.sr.coding import Code

from scalemai_core.taxonomy.structure import Kind, Side, Structure
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SNOMED = "SCT"
OWN = "99SCALEMAI"
"""Private coding scheme: the structure's name is its code."""
SIDES = {Side.LEFT: Code("7771000", SNOMED, "Left"), Side.RIGHT: Code("24028007", SNOMED, "Right")}
_MAX_MEANING = 64
_MAX_VALUE = 16

_ANATOMY = Code("123037004", SNOMED, "Anatomical Structure")
_CATEGORIES = {
    Kind.LESION: Code("49755003", SNOMED, "Morphologically Abnormal Structure"),
    Kind.DEVICE: Code("260787004", SNOMED, "Physical object"),
}


def category(structure: Structure) -> Code:
    """What sort of thing it is."""
    return _CATEGORIES.get(structure.kind, _ANATOMY)


def concept(structure: Structure) -> Code:
    """What it is, without its side."""
    words = structure.name.replace("_", " ")[:_MAX_MEANING]
    if structure.snomed is not None:
        side = f" {structure.side.value}" if structure.side else ""
        return Code(structure.snomed, SNOMED, words.removesuffix(side))
    return Code(f"structure-{structure.id}"[:_MAX_VALUE], OWN, words)


def structure_of(scheme: str, value: str, sides: Sequence[str]) -> str | None:
    """Name of the one structure of a code and its laterality codes; None where none or several."""
    if scheme == OWN:
        found = [s for s in load_taxonomy().structures if concept(s).value == value]
    elif scheme == SNOMED:
        wanted = {side for side, code in SIDES.items() if code.value in sides}
        found = [
            s
            for s in load_taxonomy().structures
            if s.snomed == value and (s.side in wanted if wanted else s.side is None)
        ]
    else:
        found = []
    return found[0].name if len(found) == 1 else None
