"""What the report says of lesions: what became of candidates, and what gold says of the model."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from scalemai_core.measure.detection.strata import EARLY_MM, MIN_LESIONS
from scalemai_core.page.draw.number import count, name, percent, rate
from scalemai_core.page.report.curves import draw_froc, draw_roc
from scalemai_core.records.detection import (
    DetectionReport,
    DiagnosisReport,
    Rate,
    SiteReport,
    Work,
)
from scalemai_core.records.round import LesionTally
from scalemai_core.records.settlement import Fate

_FATES = {
    Fate.LABELLED: ("labelled already", "the annotation has a lesion there"),
    Fate.BELOW: ("improbable", "below the operating point of its site"),
    Fate.READ: ("read before", "a reader decided on its site in an earlier round"),
    Fate.KEPT: ("confirmed by a report", "which names a lesion that it fits"),
    Fate.DELETED: ("excluded by a report", "removed, and known to be nothing"),
    Fate.REVIEW: ("left to people", "no report settles it; asked if there is time"),
}
_STRATA = {"size": "By longest diameter", "place": "By place", "kind": "By kind"}
_SIZES = {
    "<= 5 mm": "up to 5\u00a0mm",
    "5-10 mm": "5 to 10\u00a0mm",
    "10-20 mm": "10 to 20\u00a0mm",
    "20-40 mm": "20 to 40\u00a0mm",
    "> 40 mm": "over 40\u00a0mm",
    "early": f"early: up to {EARLY_MM:.0f}\u00a0mm",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FateRow:
    """What became of some candidates."""

    title: str
    candidates: int
    meaning: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StratumRow:
    """Some of a site's lesions, and how many of them were found."""

    title: str
    rate: Rate
    enough: bool
    """Whether there are enough for more than counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StrataGroup:
    """A site's lesions by one property."""

    title: str
    rows: tuple[StratumRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """What patients have and what the model says; kinds that nobody has or is told left out."""

    titles: tuple[str, ...]
    counts: tuple[tuple[int, ...], ...]
    """Rows are what patients have, columns what the model says."""
    accuracy: float | None
    accuracy_of_lesions: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """A site with its pictures, whose words are escaped; what nobody could measure is empty."""

    site: SiteReport
    reported: bool
    """Whether reports changed anything."""
    froc: Markup
    roc: Markup
    strata: tuple[StrataGroup, ...]
    diagnosis: Matrix | None

    @property
    def estimated(self) -> bool:
        """Whether any stratum has more than counts."""
        return any(row.enough for group in self.strata for row in group.rows)

    @property
    def shown(self) -> bool:
        """Whether there is more to show than a row of numbers."""
        return bool(self.froc or self.roc or self.strata or self.diagnosis)


def tally_sentence(tally: LesionTally) -> str:
    """What a round made of candidates: how many were open, and who settled them."""
    if not tally.candidates:
        return "The model found no candidate for a lesion."
    kept, deleted, left = (
        tally.fates.get(fate, 0) for fate in (Fate.KEPT, Fate.DELETED, Fate.REVIEW)
    )
    is_open = kept + deleted + left
    if not is_open:
        return (
            f"Of {_things(tally.candidates, 'lesion candidate')} none was open: all are labelled, "
            "improbable or read before."
        )
    verb = "was" if is_open == 1 else "were"
    people = "were shown none" if not tally.asked else f"were shown {count(tally.asked)}"
    taken = f" and took {count(tally.confirmed)} for lesions" if tally.asked else ""
    return (
        f"Of {_things(tally.candidates, 'lesion candidate')} {count(is_open)} {verb} open: reports "
        f"confirmed {count(kept)} and excluded {count(deleted)}; {count(left)} "
        f"{'was' if left == 1 else 'were'} left to people, who {people}{taken}."
    )


def unfound_sentence(tally: LesionTally) -> str:
    """The lesions that only reports know of."""
    where = (
        "In 1 organ a report names"
        if tally.unfound == 1
        else (f"In {count(tally.unfound)} organs reports name")
    )
    return f"{where} lesions that neither the labels nor the model show."


def fate_rows(tally: LesionTally) -> tuple[FateRow, ...]:
    """Fates that some candidate met, in the order in which they are settled."""
    return tuple(
        FateRow(title=title, candidates=tally.fates[fate], meaning=meaning)
        for fate, (title, meaning) in _FATES.items()
        if tally.fates.get(fate)
    )


def site_views(report: DetectionReport) -> tuple[SiteView, ...]:
    """All sites that were looked at, in the report's order."""
    diagnoses = {one.site: one for one in report.diagnoses}
    views: list[SiteView] = []
    for site in report.sites:
        diagnosis = diagnoses.get(site.point.site)
        views.append(
            SiteView(
                site=site,
                reported=site.before_reports != site.after_reports,
                froc=Markup(draw_froc(site)),
                roc=Markup(draw_roc(site, diagnosis)),
                strata=strata_groups(site),
                diagnosis=None if diagnosis is None else matrix(diagnosis),
            )
        )
    return tuple(views)


def matrix(diagnosis: DiagnosisReport) -> Matrix | None:
    """The table of a site; None without patients."""
    if diagnosis.accuracy is None:
        return None
    own = range(len(diagnosis.classes))
    used = [
        place
        for place in own
        if any(diagnosis.counts[place]) or any(row[place] for row in diagnosis.counts)
    ]
    return Matrix(
        titles=tuple(name(diagnosis.classes[place]) for place in used),
        counts=tuple(tuple(diagnosis.counts[row][column] for column in used) for row in used),
        accuracy=diagnosis.accuracy,
        accuracy_of_lesions=diagnosis.accuracy_of_lesions,
    )


def strata_groups(site: SiteReport) -> tuple[StrataGroup, ...]:
    """Strata with lesions; a property that all lesions share tells nothing and is left out."""
    groups: list[StrataGroup] = []
    for by, title in _STRATA.items():
        rows = tuple(
            StratumRow(
                title=_SIZES.get(one.name, name(one.name)),
                rate=one.rate,
                enough=one.rate.total >= MIN_LESIONS,
            )
            for one in site.strata
            if one.by == by and one.rate.total
        )
        if len(rows) > 1:
            groups.append(StrataGroup(title=title, rows=rows))
    return tuple(groups)


def site_line(site: SiteReport) -> str:
    """A site's gold test in one line: found, and false positives before and after reports."""
    before, after = site.before_reports, site.after_reports
    title = name(site.point.site)
    if not before.sensitivity.total:
        return f"{title}: no lesion to find"
    reported = "" if before == after else f"; with reports {_found(after)}"
    return f"{title}: {_found(before)}{reported}"


def _found(work: Work) -> str:
    found = work.sensitivity
    return (
        f"{count(found.found)} of {count(found.total)} lesions ({percent(found.estimate)}), "
        f"{rate(work.false_positives_per_scan)} false positives a scan"
    )


def _things(number: int, thing: str) -> str:
    return f"{count(number)} {thing}" + ("" if number == 1 else "s")
