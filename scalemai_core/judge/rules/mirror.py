"""The rule on a whole body that is its own mirror image: what has no partner gives it away."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from scalemai_core.judge.rules.frame import LOOKED_AT, RIGHT, middle_mm, spine_mm
from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.rule import Hit, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings

RIGHT_SIDED = ("liver", "gall_bladder", "postcava")
LEFT_SIDED = ("spleen", "stomach", "heart", "aorta", "pancreas_tail")
"""Organs without a partner; in nearly everybody their middle lies on this side of the spine."""

FEWEST_SIGNS = 3
SIGN_SHARE = 0.75
"""Share of the organs that must agree: one stray mask mirrors nobody."""


def mirrored(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """Liver, spleen, stomach and heart do not all lie on the other side at once.

    Either image and labels are mirrored together, or the patient has situs inversus: no rule can
    tell, a person can. One finding, and only a doubt, since each mask may be as good as any.
    """
    wrong, right = _signs(masks, settings.side_mm)
    if not _agree(wrong, right):
        return
    message = (
        f"the whole scan looks mirrored: {', '.join(spoken(name) for name in wrong)} "
        "on the other side; a turned image, or situs inversus"
    )
    share = len(wrong) / (len(wrong) + len(right))
    yield Hit(wrong[0], Severity.DOUBT, share, SIGN_SHARE, message)


def is_mirrored(masks: Masks, limit_mm: float) -> bool:
    """Whether the organs without a partner agree that left and right are exchanged."""
    return _agree(*_signs(masks, limit_mm))


def _agree(wrong: list[str], right: list[str]) -> bool:
    signs = len(wrong) + len(right)
    return len(wrong) >= FEWEST_SIGNS and len(wrong) >= SIGN_SHARE * signs


@lru_cache(maxsize=LOOKED_AT)
def _signs(masks: Masks, limit_mm: float) -> tuple[list[str], list[str]]:
    """Organs on the wrong side, and on the right one; those near the middle say nothing."""
    spine, middle = spine_mm(masks), middle_mm(masks)
    wrong: list[str] = []
    right: list[str] = []
    if spine is None:
        return wrong, right
    for names, sign in ((RIGHT_SIDED, 1.0), (LEFT_SIDED, -1.0)):
        for structure in masks.shown(*names):
            row = structure.id
            from_mm = float(spine[row, RIGHT]) if middle is None else middle
            beyond_mm = sign * (float(masks.centroid_mm[row, RIGHT]) - from_mm)
            if abs(beyond_mm) > limit_mm:
                (right if beyond_mm > 0 else wrong).append(structure.name)
    return wrong, right
