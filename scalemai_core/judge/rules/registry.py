"""The verifier: every rule by name, and one call that runs them all."""

from __future__ import annotations

from scalemai_core.judge.rules.company import containment, overlap, part_whole, symmetry
from scalemai_core.judge.rules.content import density, empty_but_present, micro, mixed, sex, volume
from scalemai_core.judge.rules.form import count, gaps, holes, pieces, truncated
from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.mirror import mirrored
from scalemai_core.judge.rules.outline import outline
from scalemai_core.judge.rules.place import position, side
from scalemai_core.judge.rules.presence import missing, reach
from scalemai_core.judge.rules.report import report
from scalemai_core.judge.rules.rule import Check, Rule
from scalemai_core.judge.rules.spine import midline, order
from scalemai_core.records.finding import Finding
from scalemai_core.settings.judgement import JudgeSettings

_TABLE: tuple[tuple[str, Check, str, str, str], ...] = (
    ("empty_but_present", empty_but_present, "ml", "section 0.3", "none"),
    ("sex", sex, "ml", "section 1.5 A", "the recorded sex is wrong, or differs from anatomy"),
    ("volume", volume, "ml", "section 1.5 F", "child, atrophy, resection, giant organ or tumour"),
    (
        "hu",
        density,
        "HU",
        "section 1.5 F",
        "metal, calcification, contrast agent, severe steatosis",
    ),
    ("mixed", mixed, "HU", "section 1.5 F", "metal, streaks, a very noisy scan, gas in an abscess"),
    ("micro", micro, "mm", "section 11.5", "tiny lesion that other phases or scans confirm"),
    ("pieces", pieces, "share", "section 1.5 B", "accessory spleen, split or resected organ"),
    ("count", count, "pieces", "section 1.5 F", "accessory spleen, emphysema, split organ"),
    ("truncated", truncated, "share", "section 1.5 F", "resection plane, organ pressed flat"),
    (
        "outline",
        outline,
        "share",
        "ours",
        "neighbour of like density without fat between them, noise, motion, infiltrating tumour",
    ),
    ("gaps", gaps, "mm", "section 1.5 F", "accessory spleen, slices lost in the scan"),
    ("holes", holes, "share", "section 1.5 F", "cyst or tumour left out of the organ on purpose"),
    ("side", side, "mm", "section 1.5 A", "situs inversus, crossed or transplanted kidney"),
    ("position", position, "mm", "section 1.5 A, F", "situs inversus, hernia, transplant, ptosis"),
    ("midline", midline, "mm", "section 1.5 F", "severe scoliosis, scan of one half of the body"),
    ("mirrored", mirrored, "share", "section 1.5 A", "situs inversus"),
    ("order", order, "mm", "section 1.5 F", "none"),
    (
        "missing",
        missing,
        "ml",
        "section 1.5 A",
        "resection, agenesis, numeric variant of the spine",
    ),
    ("reach", reach, "mm", "section 1.5 A", "low conus, high bifurcation, misnamed vertebrae"),
    ("symmetry", symmetry, "ratio", "section 1.5 F", "atrophy, amputation, fractured vertebra"),
    ("containment", containment, "share", "section 1.5 B, F", "exophytic lesion, host cut away"),
    ("part_whole", part_whole, "share", "section 1.5 F", "parts drawn by another source"),
    ("report", report, "ml", "section 9.5", "report of another examination, or overlooked in it"),
    ("overlap", overlap, "mm3", "section 1.5 A", "organ invaded by or wrapped around the vessel"),
)

RULES: dict[str, Rule] = {
    name: Rule(name=name, check=check, unit=unit, source=source, waiver=waiver)
    for name, check, unit, source, waiver in _TABLE
}
"""The verifier's rules by name (method reference, sections 1.5 A, B and F)."""


def verify(masks: Masks, settings: JudgeSettings) -> list[Finding]:
    """All findings on one candidate's masks, rule by rule."""
    return [
        Finding(
            rule=rule.name,
            structure=hit.structure,
            severity=hit.severity,
            value=hit.value,
            limit=hit.limit,
            unit=rule.unit,
            message=hit.message,
        )
        for rule in RULES.values()
        for hit in rule.check(masks, settings)
    ]
