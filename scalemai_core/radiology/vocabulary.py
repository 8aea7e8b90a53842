"""The closed vocabulary: words that a sentence may hold and still be understood as a whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from scalemai_core.radiology.anatomy import ELSEWHERE, ORGAN_WORDS
from scalemai_core.radiology.lexicon import KIND_WORDS


class Role(StrEnum):
    """What a word does in the grammar; a letter each, so that a sentence is a string of roles."""

    NO = "n"
    ORGAN = "g"
    ELSEWHERE = "o"
    KIND = "k"
    OTHER_FINDING = "h"
    """A finding that is no lesion and no sign of one."""
    SIGN = "S"
    """A finding that may come with a lesion: understood only where it is excluded."""
    FOCAL = "f"
    SIMPLE = "m"
    """Said of a cyst, it is nothing else."""
    MANY = "q"
    BOTH_SIDES = "b"
    NARROW = "r"
    """Leaves out some lesions: ``suspicious``."""
    PLAIN = "a"
    """Describes an organ; no lesion hides behind it."""
    NORMAL = "N"
    IN = "i"
    THE = "d"
    A = "e"
    IS = "v"
    THERE = "t"
    SEEN = "s"
    ABSENT = "z"
    """After its noun: ``absent``, ``not seen``."""
    COMMA = ","
    OR = "|"
    AND = "&"
    WITH = "w"
    UNKNOWN = "x"


_WORDS = {
    Role.NO: "no|without|no evidence of|without evidence of|no ct evidence of|negative for"
    "|without any|there is no|there are no|there's no"
    "|there is no evidence of|with no|with no evidence of"
    "|no sign of|no signs of|there are no signs of|absence of|free of|is free of|are free of"
    "|demonstrates no|demonstrate no|shows no|show no|contains no|contain no|has no|have no|and no"
    "|nor|or any",
    Role.OTHER_FINDING: "hydronephrosis|hydroureter|hydroureteronephrosis|calculus|calculi|stone"
    "|stones|nephrolithiasis|steatosis|fatty infiltration|gallstones|cholelithiasis|hepatomegaly"
    "|splenomegaly|diverticulosis|ascites|free fluid",
    Role.SIGN: "ductal dilatation|ductal dilation|duct dilatation|duct dilation|dilatation|dilation"
    "|biliary dilatation|biliary dilation|biliary ductal dilatation|biliary ductal dilation"
    "|intrahepatic biliary dilatation|intrahepatic biliary dilation|bile duct dilatation"
    "|intrahepatic biliary ductal dilatation|intrahepatic biliary ductal dilation|stranding"
    "|fat stranding|peripancreatic stranding|perinephric stranding|peripancreatic fat stranding"
    "|pericolonic stranding|fluid|pneumatosis|diverticulitis|peripancreatic fluid|inflammation"
    "|free air|pneumoperitoneum|wall thickening|lymphadenopathy|adenopathy|atrophy|calcification"
    "|calcifications|main pancreatic duct dilatation|obstruction",
    Role.NARROW: "suspicious|solid|enhancing|hypervascular|arterially enhancing|metastatic"
    "|acute|significant|concerning|malignant|cystic|hypodense|hypoattenuating|calcified|primary",
    Role.PLAIN: "size|contour|contours|attenuation|enhancement|morphology|position|caliber"
    "|configuration|appearance|parenchyma|mildly|mild|moderate|moderately|severe"
    "|fatty|steatotic|smooth|homogeneous|homogeneously|symmetric|symmetrically|symmetrical"
    "|symmetrical enhancement|enhance|enhances|enhancement|atrophic|diffuse|diffusely|normally"
    "|excrete|promptly|uniform|uniformly|nonobstructing|small|tiny|trace|distended"
    "|nondistended|patent",
    Role.NORMAL: "normal|unremarkable|within normal limits",
    Role.FOCAL: "focal",
    Role.IN: "in|within|of|involving|throughout",
    Role.SIMPLE: "simple",
    Role.MANY: "multiple|several|few|scattered|two|three|four|five",
    Role.BOTH_SIDES: "bilaterally|bilateral",
    Role.THE: "the",
    Role.A: "a|an|any",
    Role.IS: "is|are|appears|appear",
    Role.THERE: "there is|there are",
    Role.SEEN: "seen|identified|present|detected|noted|demonstrated|visualized|visualised|found"
    "|is seen|are seen|is identified|are identified|is present|are present|is detected"
    "|are detected|is noted|are noted|is demonstrated|are demonstrated|is visualized|is found"
    "|are visualized|is visualised|are visualised|are found|is evident|are evident|evident",
    Role.ABSENT: "is absent|are absent|is not seen|are not seen|is not identified|absent"
    "|are not identified|is not present|are not present|is not detected|are not detected"
    "|not seen|not identified|not present|not detected|none seen|none identified",
    Role.COMMA: ",",
    Role.OR: "or|and/or|/",
    Role.AND: "and|as well as|&",
    Role.WITH: "with|but",
}
_BOWEL = frozenset({"bowel", "large bowel", "small and large bowel", "bowel loops", "appendix"})
"""Not the colon alone, so that no word of these excludes anything there."""
_ROLES: dict[str, Role] = {
    **{word: role for role, row in _WORDS.items() for word in row.split("|") if word},
    "/": Role.OR,
    "&": Role.AND,
    "no": Role.NO,
    **dict.fromkeys(ELSEWHERE | _BOWEL, Role.ELSEWHERE),
    **dict.fromkeys(KIND_WORDS, Role.KIND),
    **dict.fromkeys(ORGAN_WORDS, Role.ORGAN),
    "lymphadenopathy": Role.SIGN,
    "adenopathy": Role.SIGN,
}
ROLES = MappingProxyType(_ROLES)
LEXICON = frozenset(word for phrase in _ROLES for word in phrase.split())
"""Single words of all phrases."""

_TOKEN = re.compile(r"[^\W\d_]+(?:'[a-z]+)?|\d+(?:[.,]\d+)*|[^\w\s]|_|\w")
_LONGEST = max(len(words.split()) for words in _ROLES)


@dataclass(frozen=True, slots=True)
class Word:
    """One word, or a phrase that stands for one."""

    text: str
    role: Role
    start: int
    """Characters from where its sentence begins."""


def tokens(plain: str) -> list[re.Match[str]]:
    """Words, numbers, and every other character by itself."""
    return list(_TOKEN.finditer(plain))


def words(plain: str) -> Iterator[Word]:
    """The longest phrases that are known, from left to right; everything else is unknown."""
    found = tokens(plain)
    at = 0
    while at < len(found):
        for length in range(min(_LONGEST, len(found) - at), 0, -1):
            text = " ".join(match[0] for match in found[at : at + length])
            role = ROLES.get(text.replace(" / ", "/"))
            if role is not None or length == 1:
                yield Word(text, role or Role.UNKNOWN, found[at].start())
                at += length
                break
