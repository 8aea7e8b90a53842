"""The radiology report of a phantom, written from the lesions that were painted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from pydantic import Field

from scalemai_core.records.scan import CaseInfo, Sex
from scalemai_core.settings.section import Section
from scalemai_core.synthesize import wording
from scalemai_core.synthesize.lesions import PaintedLesion

SMALL_MM = 6.0
"""Below, doubt is more frequent."""
SMALL_DOUBT = 4.0
FEW = 3
"""From more lesions of a kind on, they are no longer counted."""
MAX_CONCLUSIONS = 4
_PLURALS = {"mass": "masses", "focus": "foci"}


class ReportSettings(Section):
    """How radiologists report, and how often they are wrong."""

    hedged: float = Field(default=0.1, ge=0, le=1)
    """Share of lesions named with doubt; four times as many of those under 6 mm."""
    silent: float = Field(default=0.2, ge=0, le=1)
    """Share of organs without lesions that are called unremarkable, or not mentioned."""
    limited: float = Field(default=0.05, ge=0, le=1)
    """Share of organs without lesions whose evaluation is called limited."""
    overlooked: float = Field(default=0.03, ge=0, le=1)
    """Share of patients with lesions of whom one organ's lesions are overlooked in silence."""
    denied: float = Field(default=0.0, ge=0, le=1)
    """The same, but denied in so many words: such a report is wrong."""
    suspected: float = Field(default=0.5, ge=0, le=1)
    """Share of reports whose clinical history speaks of lesions."""


def write_report(
    info: CaseInfo,
    lesions: Sequence[PaintedLesion],
    rng: np.random.Generator,
    settings: ReportSettings,
) -> str:
    """Sections of English text that are true of the lesions, but for what ``settings`` allows.

    Lesions that are measured, counted or called single are so; what is not seen is denied in so
    many words, called unremarkable, or left out. An organ that is overlooked is the one whose
    largest lesion is the smallest.
    """
    return _Writer(rng, settings).write(info, lesions)


@dataclass(frozen=True, slots=True)
class _Seen:
    """The lesions of one organ that a reader sees, and how an empty organ is worded."""

    lesions: tuple[PaintedLesion, ...]
    words: str = "denied"


class _Writer:
    """One reader, with habits of their own."""

    def __init__(self, rng: np.random.Generator, settings: ReportSettings) -> None:
        self._rng = rng
        self._settings = settings
        self._in_cm = rng.random() < 0.4  # noqa: PLR2004 - habit
        self._headed = rng.random() < 0.7  # noqa: PLR2004 - habit

    def write(self, info: CaseInfo, lesions: Sequence[PaintedLesion]) -> str:
        """All sections."""
        seen = self._read(lesions)
        liver, pancreas, bowel = (
            " ".join((self._organ(seen[name], name), self._one(wording.BESIDE[beside]))).strip()
            for name, beside in (("liver", "liver"), ("pancreas", "pancreas"), ("colon", "bowel"))
        )
        kidneys = f"{self._kidneys(seen)} {self._one(wording.BESIDE['kidneys'])}".strip()
        others = [self._one(wording.OTHERS[part::2]) for part in (0, 1)]
        paragraphs = [
            *(self._headline("Liver", liver), others[0], self._headline("Pancreas", pancreas)),
            *(self._headline("Kidneys", kidneys), self._headline("Bowel", bowel), others[1]),
        ]
        sections = {
            "CLINICAL HISTORY": f"{_person(info)} {self._history()}",
            "TECHNIQUE": wording.TECHNIQUE.get(info.phase or "", "CT of the upper abdomen."),
            "COMPARISON": self._one(wording.COMPARISON),
            "FINDINGS": "\n" + "\n".join(paragraphs),
            "IMPRESSION": "\n" + self._impression(seen),
        }
        return "\n\n".join(f"{title}: {text}" for title, text in sections.items())

    def _history(self) -> str:
        suspected = self._rng.random() < self._settings.suspected
        return self._one(wording.SUSPECTED if suspected else wording.HISTORY)

    def _read(self, lesions: Sequence[PaintedLesion]) -> dict[str, _Seen]:
        """What the reader sees of each organ."""
        settings, draw = self._settings, float(self._rng.random())
        by_organ = {
            organ: tuple(lesion for lesion in lesions if lesion.organ == organ)
            for organ in wording.ORGANS
        }
        missed = min(
            (organ for organ, own in by_organ.items() if own),
            key=lambda organ: max(lesion.diameter_mm for lesion in by_organ[organ]),
            default="",
        )
        if draw >= settings.overlooked + settings.denied:
            missed = ""
        seen: dict[str, _Seen] = {}
        for organ, own in by_organ.items():
            place = self._rng.random()
            if organ == missed:
                seen[organ] = _Seen((), "silent" if draw < settings.overlooked else "denied")
            elif place < settings.silent:
                seen[organ] = _Seen(own, "silent")
            elif place < settings.silent + settings.limited:
                seen[organ] = _Seen(own, "limited")
            else:
                seen[organ] = _Seen(own)
        return seen

    def _kidneys(self, seen: dict[str, _Seen]) -> str:
        left, right = seen["kidney_left"], seen["kidney_right"]
        both = not left.lesions and not right.lesions and left.words == right.words
        if both and left.words == "denied":
            return self._one(wording.DENIED_BOTH_KIDNEYS)
        sides = (self._organ(own, name) for name, own in seen.items() if name.startswith("kidney"))
        return " ".join(side for side in sides if side)

    def _organ(self, seen: _Seen, organ: str) -> str:
        """All sentences on lesions of an organ."""
        if not seen.lesions:
            words = {"silent": wording.SILENT, "limited": wording.LIMITED}
            template = self._one(words.get(seen.words, wording.DENIED[organ]))
            return template.format(organ=wording.ORGANS[organ])
        sure: list[PaintedLesion] = []
        sentences: list[str] = []
        for lesion in seen.lesions:
            small = lesion.diameter_mm < SMALL_MM
            doubt = self._settings.hedged * (SMALL_DOUBT if small else 1.0)
            if self._rng.random() < doubt:
                sentences.append(self._sentence(self._one(wording.HEDGED), [lesion]))
            else:
                sure.append(lesion)
        for _, same in groupby(sorted(sure, key=_kind), key=_kind):
            group = list(same)
            templates = self._templates(len(group), alone=len(seen.lesions) == 1)
            sentences.insert(0, self._sentence(self._one(templates), group))
        return " ".join(sentences)

    def _templates(self, count: int, *, alone: bool) -> wording.Words:
        if alone:
            return (*wording.ONE, *wording.ALONE)
        if count == 1:
            return wording.ONE
        return wording.FEW if count <= FEW else wording.MANY

    def _sentence(self, template: str, group: Sequence[PaintedLesion]) -> str:
        """A template filled in for lesions of one kind in one place."""
        first = group[0]
        noun = self._one(wording.NOUNS[first.structure, first.attenuation])
        sizes = [self._size(lesion.diameter_mm) for lesion in _largest_first(group)]
        last = noun.rsplit(" ", 1)[-1]
        count = wording.NUMBERS[min(len(group), len(wording.NUMBERS) - 1)]
        return template.format(
            a_size=_with_article(sizes[0]),
            A_size=_capital(_with_article(sizes[0])),
            A_noun=_capital(_with_article(noun)),
            noun=noun,
            nouns=noun.removesuffix(last) + _PLURALS.get(last, last + "s"),
            place=self._one(wording.PLACES[first.place]),
            count=count,
            Count=_capital(count),
            size=sizes[0],
            sizes=" and ".join((", ".join(sizes[:-1]), sizes[-1])),
        )

    def _size(self, diameter_mm: float) -> str:
        """A caliper's reading, of one axis or two."""
        largest = diameter_mm * float(self._rng.uniform(0.95, 1.1))
        axes = [largest]
        if self._rng.random() < 0.25:  # noqa: PLR2004 - habit
            axes.append(largest * float(self._rng.uniform(0.8, 1.0)))
        if self._in_cm:
            return " x ".join(f"{max(mm / 10, 0.1):.1f}" for mm in axes) + " cm"
        return " x ".join(str(max(round(mm), 1)) for mm in axes) + " mm"

    def _impression(self, seen: dict[str, _Seen]) -> str:
        structures = dict.fromkeys(
            lesion.structure
            for organ in seen.values()
            for lesion in _largest_first(organ.lesions)
            if lesion.diameter_mm >= SMALL_MM
        )
        lines = [self._one(wording.CONCLUSIONS[name]) for name in structures]
        lines = lines[:MAX_CONCLUSIONS] or [self._one(wording.NOTHING)]
        return "\n".join(f"{number}. {line}" for number, line in enumerate(lines, start=1))

    def _headline(self, title: str, text: str) -> str:
        return f"{title}: {text}" if self._headed else text

    def _one(self, words: wording.Words) -> str:
        return words[int(self._rng.integers(len(words)))]


def _kind(lesion: PaintedLesion) -> tuple[str, str, str]:
    return (lesion.structure, lesion.attenuation, lesion.place)


def _largest_first(lesions: Sequence[PaintedLesion]) -> list[PaintedLesion]:
    return sorted(lesions, key=lambda lesion: -lesion.diameter_mm)


def _with_article(text: str) -> str:
    an = text[0] in "aeiou8" or text.split(" ")[0].split(".")[0] in {"11", "18"}
    return f"{'an' if an else 'a'} {text}"


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]


def _person(info: CaseInfo) -> str:
    age = "Adult" if info.age_years is None else f"{info.age_years:.0f}-year-old"
    sex = {Sex.FEMALE: "female.", Sex.MALE: "male."}
    return f"{age} {sex[info.sex] if info.sex else 'patient.'}"
