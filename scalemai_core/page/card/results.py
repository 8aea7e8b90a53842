"""What a card says of a model's quality, and of its limits."""

from __future__ import annotations

from collections.abc import Sequence

from scalemai_core.page.card.layout import table
from scalemai_core.page.draw.number import MISSING, count, dice, name, percent, rate
from scalemai_core.records.annotation import Origin
from scalemai_core.records.card import ModelCard, ReportedScore
from scalemai_core.records.detection import SiteReport
from scalemai_core.records.gold import Measured, StructureScore

AUTOMATIC = (Origin.MODEL.value, Origin.RULE.value)

POOR_DICE = 0.7
"""Mean Dice below which a structure is named among the limits. Ours."""


def quality(card: ModelCard) -> str:
    """Every structure in gold ``select`` and ``test``."""
    gold = card.gold
    if gold is None:
        return "Not measured: no gold patient was there."
    tested = {one.structure: one for one in card.test}
    chosen = {one.structure: one for one in gold.structures}
    rows = [
        (name(structure), *_selected(chosen.get(structure)), *_tested(tested.get(structure)))
        for structure in sorted(chosen.keys() | tested.keys())
    ]
    rows_of_all = table(
        ("structure", "patients", "Dice (95 %)", "NSD", "test patients", "test Dice", "test NSD"),
        rows,
    )
    return (
        "Gold `select` decided on promotion, so it may flatter; gold `test` decided nothing "
        f"({count(gold.test_patients)} patients, mean Dice {dice(gold.test_mean_dice)}, mean NSD "
        f"{dice(gold.test_mean_nsd)}; openings by then: {count(gold.test_openings)}). NSD is the "
        "share of the surfaces that lie within the structure's tolerance, table version "
        f"{gold.tolerances}. Intervals are bootstrapped by patient.\n\n{rows_of_all}"
    )


def lesions(sites: Sequence[SiteReport]) -> str:
    """Every site's operating point, and what it finds."""
    rows = [
        (
            name(site.point.site),
            f"{site.point.probability:.2g}",
            percent(site.point.guaranteed_sensitivity),
            f"{site.before_reports.sensitivity.found} of {site.before_reports.sensitivity.total}",
            rate(site.before_reports.false_positives_per_normal_scan),
            count(site.patients),
        )
        for site in sites
    ]
    heads = ("site", "threshold", "guaranteed sensitivity", "found in gold test",
             "false in a normal scan", "patients")  # fmt: skip
    return (
        "The MLflow model tells of candidates from the threshold of their site on; thresholds were "
        "chosen on "
        "gold `fit`, the rest is gold `test`.\n\n" + table(heads, rows)
    )


def limits(card: ModelCard) -> list[str]:
    """What it must not be used for, and where it is known to be weak."""
    seen = card.model.input
    low, high = seen.window_hu
    taught = sum(one.masks for one in card.trained.masks)
    automatic = sum(one.masks for one in card.trained.masks if one.origin in AUTOMATIC)
    return [
        "Research use only; not a medical device.",
        *(_weak(card) if card.gold else ["Nobody measured it: there was no gold."]),
        "It knows the population above and no other: check it on your own scanners, phases, ages "
        "and diseases before you rely on it.",
        f"It sees voxels of {seen.spacing_mm:g} mm in a window of {low:g} to {high:g} HU; what is "
        "finer, or beyond that window, is lost on it.",
        f"{percent(automatic / taught if taught else None)} of the annotations that taught it were "
        "made by models or rules.",
        "Left and right are as the file's header says: a wrong header swaps them.",
    ]


def _weak(card: ModelCard) -> list[str]:
    """Structures that do badly, that few patients have, and that nobody measured."""
    chosen = card.gold.structures if card.gold else ()
    poor = [name(one.structure) for one in chosen if one.dice.new.value < POOR_DICE]
    found = {one.structure for one in chosen if one.dice.new.value < POOR_DICE}
    poor += [
        f"{name(one.structure)} (gold test)"
        for one in card.test
        if one.dice < POOR_DICE and one.structure not in found
    ]
    few = [name(one.structure) for one in chosen if not one.bounded]
    measured = {one.structure for one in (*chosen, *card.test)}
    known = (one for structures in card.model.channels.values() for one in structures)
    unmeasured = [name(one) for one in known if one not in measured]
    said = {
        f"Poor (mean Dice below {POOR_DICE})": poor,
        "Measured on too few patients to say much": few,
        "Nobody measured": unmeasured,
    }
    return [f"{what}: {', '.join(which)}." for what, which in said.items() if which]


def _selected(score: StructureScore | None) -> tuple[str, str, str]:
    if score is None:
        return MISSING, MISSING, MISSING
    return count(score.patients), _interval(score.dice), dice(score.nsd.new.value)


def _tested(score: ReportedScore | None) -> tuple[str, str, str]:
    if score is None:
        return MISSING, MISSING, MISSING
    return count(score.patients), dice(score.dice), dice(score.nsd)


def _interval(measured: Measured) -> str:
    new = measured.new
    return f"{dice(new.value)} ({dice(new.low)}\u2013{dice(new.high)})"
