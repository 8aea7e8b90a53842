"""Lesions that a report names, and how well candidates fit them; method reference, section 9.5."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from scalemai_core.judge.rules.rule import spoken
from scalemai_core.records.lesion import LesionCandidate
from scalemai_core.records.said import Said
from scalemai_core.records.statement import Presence
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.taxonomy.taxonomy import Taxonomy


@dataclass(frozen=True, slots=True)
class Named:
    """One lesion that a report names."""

    structure: str
    """As the report has it."""
    structures: frozenset[str]
    """What it may be: all kinds that the same words speak of, their parts included."""
    organ: str
    place: str | None
    volume_mm3: float | None
    sure: bool
    """Whether it is one: ``a tumour and a cyst`` is stated as ``a lesion of no said kind`` is."""
    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Fit:
    """What speaks against a candidate being a named lesion."""

    score: float
    """Log-probability less what does not fit: what assignment maximizes."""
    other_kind: str = ""
    """In words, empty where it fits."""
    other_lesion: str = ""
    """Size or place so different that it cannot be the same lesion."""


def own_words(words: Sequence[Said], taxonomy: Taxonomy) -> list[Said]:
    """Without what only follows from other words, in the same sentences.

    ``A single cyst`` makes a lesion present, but is not ``a single lesion``; ``a mass`` may be of
    any kind, which leaves no doubt that there is one.
    """
    return [said for said in words if not _follows(said, words, taxonomy)]


def named_lesions(words: Sequence[Said], taxonomy: Taxonomy) -> list[Named]:
    """Every lesion that is said to be present in one organ, none of them twice.

    Kinds of which the same is said in the same sentences are lesions of unsaid kind. A whole is the
    sum of its parts, unless more lesions are said of it than of all of them.
    """
    wholes = [said for said in words if taxonomy.children(said.structure)]
    groups = _alike([said for said in words if said not in wholes])
    lesions = [lesion for group in groups for lesion in _lesions(group, taxonomy)]
    for whole in wholes:
        kinds = {part.name for part in taxonomy.descendants(whole.structure)}
        parts = [lesion for lesion in lesions if lesion.structure in kinds]
        if len(own := _lesions([whole], taxonomy)) > len(parts):
            lesions = [lesion for lesion in lesions if lesion not in parts] + own
    return lesions


def fit(
    candidate: LesionCandidate, lesion: Named, settings: LesionSettings, taxonomy: Taxonomy
) -> Fit:
    """Compare one candidate with one named lesion."""
    score = math.log(candidate.probability)
    kind, other = "", list[str]()
    wholes = {s.name for name in lesion.structures for s in taxonomy.ancestors(name)}
    if candidate.structure not in lesion.structures | wholes:
        kind = f"is taken for {spoken(candidate.structure)}"
        score -= settings.misfit_nats
    if lesion.place is not None and _elsewhere(candidate.place, lesion, taxonomy):
        other.append(f"lies in {spoken(candidate.place)}, not {spoken(lesion.place)}")
        score -= settings.misfit_nats
    if lesion.volume_mm3 is not None:
        ratio = candidate.volume_mm3 / lesion.volume_mm3
        score -= abs(math.log(ratio))
        if abs(math.log(ratio)) > math.log(settings.size_factor):
            other.append(f"has {ratio:.2g} times the volume")
    return Fit(score, kind, " and ".join(other))


def volume_mm3(diameters_mm: Sequence[float]) -> float:
    """Of the ellipsoid with one to three diameters; unknown ones are the mean of the others.

    The geometric mean, so that a sphere is the ellipsoid of one diameter.
    """
    mean_log = float(np.mean(np.log(diameters_mm)))
    return math.pi / 6.0 * math.exp(3.0 * mean_log)


def _follows(said: Said, words: Sequence[Said], taxonomy: Taxonomy) -> bool:
    near = {
        Presence.PRESENT: taxonomy.descendants(said.structure)[1:],
        Presence.UNCERTAIN: taxonomy.ancestors(said.structure),
        Presence.ABSENT: (),
    }[said.presence]
    names = {structure.name for structure in near}
    firm = [w for w in words if w.presence is Presence.PRESENT and w.structure in names]
    return bool(firm) and set(said.sentences) <= {s for other in firm for s in other.sentences}


def _alike(words: Sequence[Said]) -> list[list[Said]]:
    groups: dict[object, list[Said]] = {}
    for said in words:
        same = (said.sentences, said.count, said.enumerated, said.sizes_mm, said.place)
        groups.setdefault(same, []).append(said)
    return list(groups.values())


def _lesions(group: Sequence[Said], taxonomy: Taxonomy) -> list[Named]:
    """As many as the words say, the measured ones first."""
    said = group[0]
    kinds = (part.name for alike in group for part in taxonomy.descendants(alike.structure))
    lesion = Named(
        structure=said.structure,
        structures=frozenset(kinds),
        organ=said.organ,
        place=said.place,
        volume_mm3=None,
        sure=len(group) == 1 or bool(said.sizes_mm),
        sentences=said.sentences,
    )
    volumes = [volume_mm3(diameters) for diameters in said.sizes_mm]
    rest = [None] * (max(said.count or 0, 1) - len(volumes))
    return [replace(lesion, volume_mm3=volume) for volume in (*volumes, *rest)]


def _elsewhere(place: str, lesion: Named, taxonomy: Taxonomy) -> bool:
    """Whether a place is another part of the organ; the organ as a whole may be anywhere in it."""
    parts = {part.name for part in taxonomy.descendants(lesion.organ)}
    if lesion.place is None or place not in parts:
        return False
    line = {place, *(s.name for s in taxonomy.ancestors(place))}
    above = {s.name for s in taxonomy.ancestors(lesion.place)}
    return lesion.place not in line and place not in above
