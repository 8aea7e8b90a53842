"""The reader that everybody writes first: a negation, an organ and a lesion in one sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from scalemai_core.records.statement import Presence, Statement

_NEGATION = re.compile(r"\b(no|not|none|without|neg|negative|neither|never|absent|absence|free)\b")
_LESION = re.compile(
    r"\b(lesions?|mass(es)?|cysts?|tumou?rs?|metastas[ei]s|neoplasm|carcinoma|adenocarcinoma|hcc)\b"
)
_ORGANS = {
    "liver": (r"\b(liver|hepatic)\b", {"liver_lesion": ("liver",)}),
    "pancreas": (r"\bpancrea(s|tic)\b", {"pancreatic_lesion": ("pancreas",)}),
    "kidney": (
        r"\b(kidneys?|renal)\b",
        {
            "kidney_tumor": ("kidney_left", "kidney_right"),
            "kidney_cyst": ("kidney_left", "kidney_right"),
        },
    ),
    "colon": (r"\b(colon|colonic)\b", {"colon_lesion": ("colon",)}),
}


@dataclass(frozen=True, slots=True)
class NaiveReading:
    """What the sentences say, and what a round would delete."""

    statements: tuple[Statement, ...]
    may_delete: frozenset[tuple[str, str]]


def read_report(text: str) -> NaiveReading:
    """Every lesion in a sentence with a negation is absent, any other is present."""
    statements = tuple(
        Statement(
            structure=structure,
            organ=organ,
            presence=Presence.ABSENT if _NEGATION.search(sentence.lower()) else Presence.PRESENT,
            explicit=bool(_NEGATION.search(sentence.lower())),
            sentence=sentence,
            offset=text.index(sentence),
        )
        for sentence in re.split(r"(?<=[.;])\s+|\n+", text)
        if _LESION.search(sentence.lower())
        for pattern, structures in _ORGANS.values()
        if re.search(pattern, sentence.lower())
        for structure, organs in structures.items()
        for organ in organs
    )
    absent = {(one.structure, one.organ) for one in statements if one.explicit}
    present = {(one.structure, one.organ) for one in statements if not one.explicit}
    return NaiveReading(statements=statements, may_delete=frozenset(absent - present))
