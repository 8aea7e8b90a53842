"""Words that take certainty away: hedges, the past, limits of an examination, false negatives."""

from __future__ import annotations

import re
from enum import Enum


class Said(Enum):
    """How a stretch of words speaks of the lesion that it names."""

    PRESENT = "present"
    ABSENT = "absent"
    UNCERTAIN = "uncertain"


def _any(*words: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![a-z])(?:{'|'.join(words)})(?![a-z])")


HEDGE = _any(
    "possib(?:le|ly|ility)",
    "prob(?:able|ably)",
    "likely",
    "unlikely",
    "suspicious",
    "suspect(?:ed|s)?",
    "suspicion",
    "concern(?:s|ing|ed)?",
    "worrisome",
    "question(?:s|ed|able|ably)?",
    "query",
    "may",
    "might",
    "could",
    "would",
    "should",
    "can ?not",
    "can't",
    "excluded?",
    "excluding",
    "rule",
    "ruled",
    "r/o",
    "versus",
    "vs",
    "equivocal",
    "indeterminate",
    "uncertain",
    "unclear",
    "unsure",
    "presum(?:ed|ably)",
    "apparent(?:ly)?",
    "seem(?:s|ed)?",
    "suggest(?:s|ed|ive|ing|ion)?",
    "differential",
    "if",
    "unless",
    "whether",
    "perhaps",
    "maybe",
    "potential(?:ly)?",
    "favou?r(?:s|ed)?",
    "too small",
    "not (?:fully |well |completely |definitely |further )?characteri[sz]ed",
    "incompletely",
    "hint",
    "impression of",
    "volume averag(?:e|ing)",
    "artifact(?:s|ual)?",
    "pseudo\\w*",
    "mimic(?:s|king)?",
    "evaluate",
    "assess",
    "recommend(?:ed|s)?",
    "doubtful",
    "vague",
    "subtle",
    "statistically",
)
PAST = _any(
    "status post",
    "s/p",
    "post",
    "prior",
    "previous(?:ly)?",
    "former(?:ly)?",
    "resect(?:ed|ion)",
    "remov(?:ed|al)",
    "treated",
    "treatment",
    "ablat(?:ed|ion)",
    "embolized",
    "history",
    "hx",
    "h/o",
    "known",
    "old",
    "ago",
    "resolved",
    "excised",
    "emboli[sz]ation",
    "chemotherapy",
    "radiation",
    "\\w+ectomy",
    "whipple",
    "family",
    "mother",
    "father",
    "no longer",
    "years?",
)
LIMIT = _any(
    "limit(?:s|ed|ation|ations|ing)?",
    "suboptimal(?:ly)?",
    "motion",
    "non ?-? ?contrast",
    "ncct",
    "kub",
    "plain (?:ct|scan|study)",
    "photon starvation",
    "beam hardening",
    "extravasat(?:ed|ion)",
    "no enhancement",
    "refused",
    "c ?-(?= ?(?:ct|scan|$))",
    "non ?-? ?enhanced",
    "unenhanced",
    "non ?-? ?diagnostic",
    "degrad(?:ed|ation)",
    "obscur(?:es|ed|ing)",
    "insensitive",
    "sensitivity",
    "lack of",
    "absence of (?:iv|intravenous|contrast)",
    "(?:without|no) (?:the )?(?:administration of )?(?:iv|intravenous|contrast)",
    "not (?:well |fully |adequately |completely |optimally )?"
    "(?:evaluated|assessed|imaged|included|visuali[sz]ed|covered|distended|seen well)",
    "partial(?:ly)? (?:visuali[sz]ed|imaged|included|seen)",
    "incomplete(?:ly)?",
    "inadequate(?:ly)?",
    "poor(?:ly)?",
    "streak",
    "(?:single|delayed|one) phase",
    "(?:arterial|venous) phase only",
    "only",
    "low ?-? ?dose",
    "can ?not be (?:evaluated|assessed|excluded|ruled out)",
    "not excluded",
    "underdistended",
    "collapsed",
)
_CONTRAST_GIVEN = _any(
    "with and without",
    "without and with",
    "before and after",
    "pre ?-? ?and post",
    "post ?-? ?contrast",
)
_WITHIN_NORMAL = re.compile(r"\bwithin normal limits\b")
_ORAL = re.compile(r"\b(?:without|no) (?:oral|enteric|rectal)(?: or rectal)? contrast\b")
RETRACTED = _any(
    "disregard",
    "erroneous(?:ly)?",
    "in error",
    "wrong\\w*",
    "untrue",
    "not true",
    "false(?:ly)?",
    "retract(?:ed|ion)",
    "template",
    "sample report",
    "example",
    "placeholder",
    "lorem",
    "discrepan(?:t|cy|cies)",
    "misread",
    "missed",
    "overlooked",
    "incorrect(?:ly)?",
    "mistake(?:n|nly)?",
    "misdictat\\w*",
    "ignore",
    "instructions?",
    "prompt(?! (?:and )?(?:symmetric|excretion|normal))",
    "amended",
    "revised",
    "default text",
    "mix ?-? ?up",
    "delete",
    "swapped",
    "correction",
    "corrected",
)
"""Words that put the report itself in doubt, or that speak to a machine."""
_NO = _any(
    "no", "not", "without", "negative for", "free of", "absence of", "absent", "none", "denies",
    "never", "nor", "neither", "lack of", "non",
)  # fmt: skip
_NOT_AFTER = _any("(?:is|are|was|were) not", "not (?:seen|identified|present)", "absent")
_THERE_AFTER_ALL = _any(
    "no doubt", "without (?:a )?doubt", "not without", "no (?:significant |appreciable |definite )?"
    "(?:interval |substantial |relevant )?(?:change|growth|increase|decrease|progression)",
    "not (?:significantly |substantially )?(?:changed|grown|increased|decreased)",
    "no (?:evidence of )?(?:obstruction|invasion|extension|involvement|rupture|bleeding)",
    "no (?:evidence of )?hemorrhage",
    "not only", "no longer than", "not small", "no less than", "no fewer than",
)  # fmt: skip
_OTHERS = _any(
    "no (?:\\w+ )?(?:new|other|additional|further|more|enlarged|enlarging|residual|recurrent)",
    "no longer", "without (?:new|other|additional|residual|recurrent)", "no (?:local )?recurrence",
    "nothing", "no convincing", "no definite(?:ly)?", "no discrete", "no gross", "no obvious",
    "no measurable", "not (?:clearly|definitely|well|reliably|confidently)",
)  # fmt: skip


def limits(plain: str) -> bool:
    """Whether words say that the examination cannot show everything."""
    if LIMIT.search(plain) is None:
        return False
    rest = _WITHIN_NORMAL.sub(" ", _ORAL.sub(" ", plain))
    return LIMIT.search(rest) is not None and _CONTRAST_GIVEN.search(rest) is None


_THAN_BEFORE = re.compile(
    r"(?<![a-z])(?:previous(?:ly)?|prior|formerly)[^.;\d]{0,20}\d+(?:[.,]\d+)?"
    r"(?: ?x ?\d+(?:[.,]\d+)?){0,2} ?[cm]m"
    r"|(?:compared|comparison|since|from|than|to|with)(?: to| with)?(?: the)? (?:prior|previous)"
    r"(?: study| exam| examination| ct| scan)?(?![a-z])"
)
"""A present lesion compared with itself."""


def said(stretch: str, before: str, sentence: str) -> Said:
    """How a mention is meant: ``before`` are the words of its stretch in front of it."""
    past = PAST.search(_THAN_BEFORE.sub(" ", sentence))
    if "?" in sentence or past or HEDGE.search(stretch) or _OTHERS.search(stretch):
        return Said.UNCERTAIN
    if _THERE_AFTER_ALL.search(stretch):
        return Said.PRESENT
    negated = _NO.search(before) is not None or _NOT_AFTER.search(stretch) is not None
    return Said.ABSENT if negated else Said.PRESENT
