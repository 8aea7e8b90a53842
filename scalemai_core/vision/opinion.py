"""A second opinion on two masks: asked in both orders, and worth something where both agree."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from scalemai_core.endpoint.prompt import Reply
from scalemai_core.errors import NoAnswer
from scalemai_core.records.decision import Candidate
from scalemai_core.records.label_map import ImageZYX
from scalemai_core.records.opinion import Opinion, Preference
from scalemai_core.settings.vision import VisionSettings
from scalemai_core.vision.projection import Mask, Plane, Projector, gray_png, overlay_png
from scalemai_core.vision.question import (
    Answer,
    Question,
    field_question,
    pair_question,
    read_answer,
)

MAX_WORDS = 1000
"""Characters of a reply that are kept. Ours."""

Ask = Callable[[Question], Reply]
"""Answers a question, or raises NoAnswer."""

Verdict = tuple[Preference, str]
"""A preference and its reason."""

_PREFERRED = {
    (Answer.FIRST, Answer.SECOND): (Preference.CURRENT, "prefers the present mask in both orders"),
    (Answer.SECOND, Answer.FIRST): (Preference.RIVAL, "prefers the other mask in both orders"),
}
"""By the answers to (current, rival) and (rival, current); the conservative table of 2.3."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two masks of one structure on one scan."""

    scan_id: str
    structure: str
    """One of ``APPEARANCE``."""
    rival: Candidate
    image_zyx: ImageZYX
    spacing_mm_zyx: tuple[float, float, float]
    current_zyx: Mask
    rival_zyx: Mask


@dataclass(slots=True)
class _Talk:
    """What was asked and answered about one pair."""

    ask: Ask
    answers: list[Answer] = field(default_factory=list[Answer])
    replies: list[Reply] = field(default_factory=list[Reply])
    questions: list[Question] = field(default_factory=list[Question])

    def say(self, question: Question) -> Answer:
        self.questions.append(question)
        reply = self.ask(question)
        answer = read_answer(reply.text, question.answers)
        self.replies.append(reply)
        self.answers.append(answer)
        return answer


def second_opinion(pair: Pair, ask: Ask, settings: VisionSettings) -> Opinion:
    """Which mask the model prefers; whatever goes wrong, it abstains and says why."""
    plane, dice = telling_plane(pair, settings)
    talk = _Talk(ask)
    if dice > settings.max_projected_dice:
        preference, reason = Preference.ABSTAINS, "the masks hardly differ in a projection"
    else:
        try:
            preference, reason = _discuss(pair, plane, talk, settings)
        except NoAnswer as error:
            preference, reason = Preference.ABSTAINS, f"no answer: {error}"
    hashes = dict.fromkeys(one for question in talk.questions for one in question.image_hashes)
    return Opinion(
        scan_id=pair.scan_id,
        structure=pair.structure,
        rival=pair.rival,
        opinion=preference,
        reason=reason,
        answers=tuple(answer.value for answer in talk.answers),
        plane=plane.name.lower(),
        projected_dice=dice,
        prompt_hash=talk.questions[-1].prompt_hash if talk.questions else None,
        image_hashes=tuple(hashes),
        model=settings.model,
        served=talk.replies[-1].model if talk.replies else None,
        words=tuple(reply.text[:MAX_WORDS] for reply in talk.replies),
    )


def telling_plane(pair: Pair, settings: VisionSettings) -> tuple[Plane, float]:
    """From the front if that shows a difference, else where it shows most; with the Dice there."""
    found: dict[Plane, float] = {}
    for plane in Plane:
        projector = _projector(pair, plane, settings)
        found[plane] = _dice(projector.shadow(pair.current_zyx), projector.shadow(pair.rival_zyx))
        if found[plane] <= settings.max_projected_dice and plane is Plane.CORONAL:
            break
    best = min(found, key=lambda plane: found[plane])
    return best, found[best]


def _discuss(pair: Pair, plane: Plane, talk: _Talk, settings: VisionSettings) -> Verdict:
    projector = _projector(pair, plane, settings)
    body = projector.body()
    plain = gray_png(body)
    empty = _empty(pair)
    if empty is not None:
        bones = gray_png(projector.skeleton())
        shown = talk.say(field_question(pair.structure, plane, bones, plain))
        if shown is Answer.NO:
            return empty, "the structure lies outside of the scan, where one mask is empty"
        if shown is not Answer.YES:
            return Preference.ABSTAINS, "cannot tell whether the structure was scanned"
    current, rival = (
        overlay_png(body, projector.shadow(mask)) for mask in (pair.current_zyx, pair.rival_zyx)
    )
    one = talk.say(pair_question(pair.structure, plane, plain, (current, rival)))
    if one not in (Answer.FIRST, Answer.SECOND):
        return _undecided(one)
    other = talk.say(pair_question(pair.structure, plane, plain, (rival, current)))
    if other not in (Answer.FIRST, Answer.SECOND):
        return _undecided(other)
    position = (Preference.ABSTAINS, "the answer follows the order in which the masks are shown")
    return _PREFERRED.get((one, other), position)


def _undecided(answer: Answer) -> Verdict:
    if answer is Answer.MALFORMED:
        return Preference.ABSTAINS, "the answer cannot be understood"
    return Preference.ABSTAINS, "prefers neither mask"


def _empty(pair: Pair) -> Preference | None:
    """The one mask without a voxel; None where both have some."""
    if not pair.current_zyx.any():
        return Preference.CURRENT
    return None if pair.rival_zyx.any() else Preference.RIVAL


def _projector(pair: Pair, plane: Plane, settings: VisionSettings) -> Projector:
    return Projector(pair.image_zyx, pair.spacing_mm_zyx, plane, settings.picture_px)


def _dice(one: Mask, other: Mask) -> float:
    """1 where both are empty: there is nothing to choose."""
    total = int(one.sum()) + int(other.sum())
    return 2.0 * int((one & other).sum()) / total if total else 1.0
