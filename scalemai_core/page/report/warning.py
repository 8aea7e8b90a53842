"""What a person must know before trusting a round, gravest first."""

from __future__ import annotations

from dataclasses import dataclass

from scalemai_core.page.draw.number import count, name, percent
from scalemai_core.page.report.summary import UNCHANGED
from scalemai_core.records.detection import DetectionReport
from scalemai_core.records.round import RoundResult

_VACUOUS = 0.2
"""An error rate of one in five is no guarantee. Ours."""

_REASONS = 3
"""Reasons for scans set aside that are spelt out."""


@dataclass(frozen=True, slots=True)
class Warned:
    """Something a person must know before trusting the round: what is so, and what it means."""

    title: str
    meaning: str


def notice(result: RoundResult) -> Warned | None:
    """The first line of every report where the expert had no gold; None where it had."""
    if result.expert.source == "stand-in":
        return Warned(
            "No gold: the expert learned from stand-ins",
            "Masks on which annotation and model agree stood in for a truth, and a stricter bound "
            "decides where it may act. Its qualities are only as right as that agreement.",
        )
    if result.expert.source == "none":
        return Warned(
            "No gold: the expert had nothing to learn from",
            "Nothing was changed automatically; only people decide. Its qualities say nothing in "
            "this round.",
        )
    return None


def warnings(result: RoundResult, detection: DetectionReport | None = None) -> tuple[Warned, ...]:
    """What weakens the numbers of a round and of its model's lesions, gravest first."""
    known = (
        _labels_warning(result),
        _deletion_warning(detection),
        _in_sample_warning(result),
        _expert_warning(result),
        _failure_warning(result),
        _audit_warning(result),
        _gold_warning(result),
        _target_warning(detection),
        _promotion_warning(result),
    )
    return tuple(warned for warned in known if warned is not None)


def _labels_warning(result: RoundResult) -> Warned | None:
    truth = result.truth
    if truth is None or truth.mean_dice_after >= truth.mean_dice_before - UNCHANGED:
        return None
    return Warned(
        "The labels became worse",
        "Mean Dice to truth fell in this round. Look at the masks made worse before going on from "
        f"dataset version {result.dataset_version}; version {result.base_version} is still there.",
    )


def _in_sample_warning(result: RoundResult) -> Warned | None:
    if result.out_of_fold:
        return None
    return Warned(
        "Predictions are in-sample",
        "The model saw the annotations it criticises, so agreement is flattering and no mask is "
        "replaced automatically. Out-of-fold predictions need two labelled patients a fold.",
    )


def _failure_warning(result: RoundResult) -> Warned | None:
    if result.failed_scans == 0 and not result.set_aside:
        return None
    reasons = "; ".join(
        f"{reason} ({count(scans)})" for reason, scans in list(result.set_aside.items())[:_REASONS]
    )
    lost = result.failed_scans or sum(result.set_aside.values())
    return Warned(
        f"{count(lost)} of {count(result.scans)} scans failed",
        "They kept their annotations and took no part; the ledger holds the reasons. "
        f"{sentence(reasons) if reasons else ''}".strip(),
    )


def _audit_warning(result: RoundResult) -> Warned | None:
    bound = result.audit_upper_bound
    if not result.audit_population or (bound is not None and bound <= _VACUOUS):
        return None
    meaning = "Nobody audited an automatic decision, so nothing bounds their error rate."
    if bound is not None:
        meaning = (
            f"After a look at {count(result.audited)} of {count(result.audit_population)} "
            f"automatic changes their error rate may be as high as {percent(bound)}; a larger "
            "audit says more."
        )
    return Warned("The audit proves little", meaning)


def _gold_warning(result: RoundResult) -> Warned | None:
    if result.gold is not None:
        return None
    return Warned("There is no gold", "No trusted mask measured the model.")


def _promotion_warning(result: RoundResult) -> Warned | None:
    if result.promoted:
        return None
    reason = sentence(result.promotion_reason or "The champion stays")
    return Warned(f"Model {result.model_version} was not promoted", reason)


def _expert_warning(result: RoundResult) -> Warned | None:
    expert = result.expert
    if expert.source == "none" or any(family.enabled for family in expert.families):
        return None
    return Warned(
        "The expert may act in no family of structures",
        "It learned, but no family has the patients or the accuracy to prove it: nothing was "
        "replaced or filled in without a person.",
    )


def _deletion_warning(detection: DetectionReport | None) -> Warned | None:
    lost = {
        site.point.site: site.deleted_lesions
        for site in (detection.sites if detection else ())
        if site.deleted_lesions
    }
    if not lost:
        return None
    total = sum(lost.values())
    where = ", ".join(f"{name(site)} {count(number)}" for site, number in lost.items())
    return Warned(
        f"Reports deleted {count(total)} true lesion{'' if total == 1 else 's'}",
        f"In gold test, candidates that are lesions were removed on a report's word ({where}). "
        "The same happens unseen in the round: audit more of what reports delete.",
    )


def _target_warning(detection: DetectionReport | None) -> Warned | None:
    points = [site.point for site in (detection.sites if detection else ())]
    missed = [point for point in points if not point.reached]
    if not missed:
        return None
    where = ", ".join(f"{name(one.site)} {percent(one.guaranteed_sensitivity)}" for one in missed)
    sites = f"{count(len(missed))} of {count(len(points))} sites"
    return Warned(
        f"Too few lesions are sure to be found at {sites}",
        f"Operating points guarantee less than the {percent(missed[0].target_sensitivity)} wanted: "
        f"{where}. The section on lesions says why.",
    )


def sentence(words: str) -> str:
    """With a capital letter and one full stop."""
    words = words.strip().rstrip(".")
    return words[:1].upper() + words[1:] + "."
