"""Candidates against the report: what it excludes is removed, what it names is kept or missed.

Method reference, sections 1.7 and 9.5. Since models confuse kinds of lesions, a candidate is
removed only where the words leave room for no lesion of its site in its organ, of whatever kind.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import (  # pyright: ignore[reportMissingTypeStubs]
    linear_sum_assignment,  # pyright: ignore[reportUnknownVariableType]
)

from scalemai_core.judge.lesions.named import Fit, Named, fit, named_lesions, own_words
from scalemai_core.judge.rules.rule import spoken
from scalemai_core.records.finding import Finding, Severity
from scalemai_core.records.lesion import LesionCandidate
from scalemai_core.records.said import Said
from scalemai_core.records.settlement import Outcome, Settlement
from scalemai_core.records.statement import Presence
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.taxonomy.site import Site, lesion_sites
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy

Places = NDArray[np.int64]

NOT_FOUND = "reported_not_found"

Words = Mapping[tuple[str, str], Said]
"""(lesion structure, organ) -> what is said of it."""


@dataclass(frozen=True, slots=True)
class _Verdict:
    outcome: Outcome
    reason: str
    sentences: tuple[str, ...]


def settle(
    candidates: Sequence[LesionCandidate],
    words: Words,
    labelled: Mapping[str, int],
    settings: LesionSettings,
) -> tuple[tuple[Settlement, ...], tuple[Finding, ...]]:
    """What becomes of each of a scan's candidates, in their order, and what nobody has found.

    ``candidates`` are those at or above their operating points, ``labelled`` how many lesions the
    present labels have in each organ. A finding names an organ in which the report names more
    lesions than either labels or candidates hold.
    """
    taxonomy = load_taxonomy()
    verdicts: dict[str, _Verdict] = {}
    findings: list[Finding] = []
    for site in lesion_sites(taxonomy):
        for organ in site.hosts:
            all_words = [words[name, organ] for name in site.lesions if (name, organ) in words]
            said = own_words(all_words, taxonomy)
            # In an order of their own, so that the outcome does not hang on the order given.
            own = sorted(
                (c for c in candidates if c.site == site.name and c.organ == organ),
                key=lambda c: (-c.log_odds, c.candidate_id),
            )
            case = _Case(site, organ, said, own, settings, taxonomy)
            verdicts |= case.verdicts()
            findings.extend(case.missing(labelled.get(organ, 0)))
    settled = (_settlement(c, verdicts[c.candidate_id], settings) for c in candidates)
    return tuple(settled), tuple(findings)


class _Case:
    """One organ of one scan."""

    def __init__(
        self,
        site: Site,
        organ: str,
        words: Sequence[Said],
        candidates: Sequence[LesionCandidate],
        settings: LesionSettings,
        taxonomy: Taxonomy,
    ) -> None:
        self.organ, self.candidates, self.taxonomy = organ, candidates, taxonomy
        self.words = words
        self.present = [said for said in words if said.presence is Presence.PRESENT]
        self.doubtful = [said for said in words if _is_doubtful(said)]
        self.kinds = {name for name in site.lesions if not taxonomy.children(name)}
        self.excluding = [said for said in words if self._excludes(said)]
        self.lesions = named_lesions(self.present, taxonomy)
        self.pairs = _assigned(candidates, self.lesions, settings, taxonomy)

    def verdicts(self) -> dict[str, _Verdict]:
        """By candidate id."""
        rest = self._rest()
        verdicts = {candidate.candidate_id: rest for candidate in self.candidates}
        for candidate, lesion, found in self.pairs:
            verdicts[candidate.candidate_id] = _named(lesion, found)
        return verdicts

    def missing(self, num_labelled: int) -> Iterator[Finding]:
        """A finding where the report names more than there is."""
        fitting = [lesion for _, lesion, found in self.pairs if not found.other_lesion]
        num = max(num_labelled, len(fitting))
        if num < len(self.lesions):
            unfound = list(self.lesions)
            for lesion in fitting:
                unfound.remove(lesion)
            sentences = dict.fromkeys(s for lesion in unfound for s in lesion.sentences)
            message = f"the report names {len(self.lesions)}, {num} found"
            yield Finding(
                rule=NOT_FOUND,
                structure=unfound[0].structure,
                severity=Severity.DOUBT,
                value=num,
                limit=len(self.lesions),
                unit="lesions",
                message=f'{message} in {spoken(self.organ)}: "{" ".join(sentences)}"',
            )

    def _excludes(self, said: Said) -> bool:
        """Whether words exclude a kind, and no others name or suspect it or a part of it."""
        parts = {part.name for part in self.taxonomy.descendants(said.structure)}
        against = (other for other in self.present + self.doubtful if other.structure in parts)
        is_absent = said.presence is Presence.ABSENT and said.explicit and said.may_delete
        return is_absent and not any(against)

    def _open(self) -> set[str]:
        """Kinds of which there may be more lesions than are named."""
        final = [said for said in self.present if _is_final(said)]
        closed = {
            part.name
            for said in (*self.excluding, *final)
            for part in self.taxonomy.descendants(said.structure)
        }
        return self.kinds - closed

    def _rest(self) -> _Verdict:
        """What becomes of candidates that are no named lesion."""
        if (doubt := self._doubt()) is not None:
            return doubt
        if self.present:
            reason = f"the report says how many there are: {len(self.lesions)}"
            words = [*self.present, *self.excluding]
        else:
            reason = f"the report excludes lesions of {spoken(self.organ)}"
            words = self.excluding
        return _Verdict(Outcome.DELETE, reason, _sentences(words))

    def _doubt(self) -> _Verdict | None:
        """Why nothing may be removed on these words, if so."""
        organ = spoken(self.organ)
        clear = [f for *_, f in self.pairs if not (f.other_lesion or f.other_kind)]
        if not self.words:
            reason, words = f"nothing is reported of lesions in {organ}", self.words
        elif self.doubtful:
            reason, words = f"the report is not certain of {organ}", self.doubtful
        elif not all(map(_is_final, self.present)) or not all(n.sure for n in self.lesions):
            reason, words = "the report names lesions and may not name all", self.present
        elif kinds := self._open():
            names = " and ".join(spoken(kind) for kind in sorted(kinds))
            reason, words = f"the report does not exclude {names} in so many words", self.words
        elif len(clear) < len(self.lesions):
            reason, words = "what the report names is not among the candidates", self.present
        else:
            return None
        return _Verdict(Outcome.REVIEW, reason, _sentences(words))


def _assigned(
    candidates: Sequence[LesionCandidate],
    lesions: Sequence[Named],
    settings: LesionSettings,
    taxonomy: Taxonomy,
) -> list[tuple[LesionCandidate, Named, Fit]]:
    """Each named lesion and the candidate that is it most probably, all of them together."""
    if not candidates or not lesions:
        return []
    fits = [[fit(c, lesion, settings, taxonomy) for lesion in lesions] for c in candidates]
    scores = np.array([[found.score for found in row] for row in fits])
    assign = cast("Callable[..., tuple[Places, Places]]", linear_sum_assignment)
    rows, columns = assign(scores, maximize=True)
    pairs = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(candidates[i], lesions[j], fits[i][j]) for i, j in pairs]


def _is_final(said: Said) -> bool:
    return said.final and said.count is not None and said.count >= len(said.sizes_mm)


def _is_doubtful(said: Said) -> bool:
    """Hedged, or denied in words that nothing may be removed on, as in a contradiction."""
    denied = said.presence is Presence.ABSENT and said.explicit
    return said.presence is Presence.UNCERTAIN or (denied and not said.may_delete)


def _named(lesion: Named, found: Fit) -> _Verdict:
    name = spoken(lesion.structure)
    if against := " and ".join(words for words in (found.other_lesion, found.other_kind) if words):
        reason = f"the report names {name}, but the candidate {against}"
        return _Verdict(Outcome.REVIEW, reason, lesion.sentences)
    return _Verdict(Outcome.KEEP, f"the report names {name} that it fits", lesion.sentences)


def _sentences(words: Sequence[Said]) -> tuple[str, ...]:
    """Each sentence once, in the order of the words."""
    return tuple(dict.fromkeys(sentence for said in words for sentence in said.sentences))


def _settlement(
    candidate: LesionCandidate, verdict: _Verdict, settings: LesionSettings
) -> Settlement:
    probable = candidate.probability >= settings.report_audit_probability
    drawn = _lot(candidate.candidate_id) < settings.report_audit_share
    return Settlement(
        scan_id=candidate.scan_id,
        candidate_id=candidate.candidate_id,
        outcome=verdict.outcome,
        reason=verdict.reason,
        sentences=verdict.sentences,
        audit=verdict.outcome is Outcome.DELETE and probable and drawn,
    )


def _lot(candidate_id: str) -> float:
    """In [0, 1), always the same for a candidate."""
    digest = hashlib.blake2b(b"report audit/" + candidate_id.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") / 2**64
