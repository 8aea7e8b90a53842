"""What the model is asked: words and pictures, and how its answer is read."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from enum import StrEnum

from scalemai_core.endpoint.prompt import Prompt
from scalemai_core.vision.appearance import APPEARANCE
from scalemai_core.vision.projection import Plane

SYSTEM = (
    "You check how computer programs have marked organs on CT scans. You see projections: all "
    "slices added up along one direction, like an X-ray. Judge by what the pictures show, and say "
    "NEITHER whenever they do not settle the matter."
)

_FIELD = """\
Both pictures show the same CT scan {looking}: {sides}. Picture 1 shows bones alone, picture 2 \
bones and soft tissue. A CT scan often covers only a part of the body.
First name the bones and other landmarks at the upper and at the lower end. From these, say which \
part of the body was scanned. Then: does this part contain the {name}, at least in part?
The {name} is {appearance}.
End with one line that says exactly
ANSWER: YES
or
ANSWER: NO
or, if the pictures do not tell,
ANSWER: NEITHER"""

_PAIR = """\
All three pictures show the same CT scan {looking}: {sides}. Picture 1 shows the scan alone. Two \
programs marked the {name} in red: picture 2 is overlay 1, picture 3 is overlay 2. An overlay \
without red says that the {name} is not there.
A good overlay of the {name} is {appearance}. Where the picture ends, it may be cut off.
Compare place, size and shape of the red with that and with picture 1: what is missing, what does \
not belong? Then decide which overlay marks the {name} better.
End with one line that says exactly
ANSWER: 1
or
ANSWER: 2
or, if they are equally good, equally bad, or the pictures do not tell,
ANSWER: NEITHER"""

_VERDICT = re.compile(r"^[\s*_`>#]*ANSWER[\s*_`]*:[\s*_`]*(\w+)[\s*_`.]*$", re.IGNORECASE)


class Answer(StrEnum):
    """What an answer comes down to."""

    FIRST = "1"
    SECOND = "2"
    YES = "YES"
    NO = "NO"
    NEITHER = "NEITHER"
    MALFORMED = "malformed"
    """No single last line said what was asked for."""


CHOICES = (Answer.FIRST, Answer.SECOND, Answer.NEITHER)
YES_NO = (Answer.YES, Answer.NO, Answer.NEITHER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question(Prompt):
    """One request: words, pictures in order (PNG), and the answers that are understood."""

    system: str = SYSTEM
    answers: tuple[Answer, ...]

    @property
    def prompt_hash(self) -> str:
        """Of all words, which do not depend on the order of the pictures."""
        return _hash(f"{self.system}\n{self.text}".encode())

    @property
    def image_hashes(self) -> tuple[str, ...]:
        """Of the pictures as sent."""
        return tuple(_hash(picture) for picture in self.pictures)


def field_question(structure: str, plane: Plane, skeleton: bytes, body: bytes) -> Question:
    """Whether the scan shows the place where the structure is; nothing is marked (2.3, step 1)."""
    return Question(
        text=_worded(_FIELD, structure, plane), pictures=(skeleton, body), answers=YES_NO
    )


def pair_question(
    structure: str, plane: Plane, body: bytes, overlays: tuple[bytes, bytes]
) -> Question:
    """Which of two overlays is better (2.3, step 2)."""
    return Question(
        text=_worded(_PAIR, structure, plane), pictures=(body, *overlays), answers=CHOICES
    )


def read_answer(text: str, understood: tuple[Answer, ...]) -> Answer:
    """The verdict of a reply: one ANSWER line, the last one; anything else is malformed.

    A reply that says two things, or goes on after its verdict, is not trusted to mean either.
    """
    lines = [line for line in text.splitlines() if line.strip()]
    verdicts = [found for found in map(_VERDICT.match, lines) if found]
    if len(verdicts) != 1 or verdicts[0].string is not lines[-1]:
        return Answer.MALFORMED
    word = verdicts[0][1].upper()
    return next((answer for answer in understood if answer.value == word), Answer.MALFORMED)


def _worded(template: str, structure: str, plane: Plane) -> str:
    return template.format(
        name=structure.replace("_", " "),
        appearance=APPEARANCE[structure],
        looking=plane.looking,
        sides=plane.sides,
    )


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()
