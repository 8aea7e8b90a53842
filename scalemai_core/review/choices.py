"""Which answers an item allows, and which label map a choice stands for."""

from __future__ import annotations

from scalemai_core.errors import ChangedMaskError, UsageError
from scalemai_core.records.answer import Answer
from scalemai_core.records.decision import Candidate
from scalemai_core.records.review import ItemKind, ReviewItem


def choices(item: ReviewItem) -> tuple[Candidate, ...]:
    """What may be chosen, in the order in which it is shown; ``reader`` where one may draw."""
    if item.kind is ItemKind.LESION:
        return (Candidate.CURRENT, Candidate.PREDICTION)
    if item.kind is ItemKind.EDIT:
        return (Candidate.CURRENT, Candidate.READER)
    third = () if item.third is None else (item.third,)
    return (Candidate.CURRENT, item.rival, *third, Candidate.READER)


def told_choice(item: ReviewItem, choice: Candidate) -> Candidate:
    """What a reader is told of a choice: beside the current mask of an audit or of a honeypot
    stands what beside most others does."""
    return Candidate.PREDICTION if _hides_rival(item) and choice is item.rival else choice


def meant_choice(item: ReviewItem, told: Candidate) -> Candidate:
    """The choice behind what a reader was told."""
    return item.rival if _hides_rival(item) and told is Candidate.PREDICTION else told


def _hides_rival(item: ReviewItem) -> bool:
    return item.kind is not item.shown_kind


def check(item: ReviewItem, answer: Answer, *, is_drawn: bool) -> None:
    """Raise UsageError where the item does not allow the answer, ChangedMaskError where the answer
    is to another mask."""
    allowed = choices(item)
    if answer.choice not in allowed:
        names = ", ".join(told_choice(item, one) for one in allowed)
        raise UsageError(
            f"'{told_choice(item, answer.choice)}' is no answer to this item; it takes {names}"
        )
    makes_mask = is_drawn + bool(answer.pieces)
    if (answer.choice is Candidate.READER) != bool(makes_mask):
        raise UsageError("draw a mask or name pieces to delete, and only then answer 'reader'")
    if is_drawn and answer.pieces:
        raise UsageError("delete pieces or draw, not both at once")
    if answer.base_label_map != item.base_label_map:
        raise ChangedMaskError("this answer is to another mask than the item's; load it again")


def chosen_map(item: ReviewItem, choice: Candidate) -> str | None:
    """Label map of a choice that was shown; None for the current mask, the prediction, an empty
    one."""
    if choice in (Candidate.CURRENT, Candidate.PREDICTION):
        return None
    return item.rival_map if choice is item.rival else item.third_map
