"""What a round makes of each candidate: the table from candidate, annotation and report to fate.

Method reference, sections 1.6 and 9.5.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence

import polars as pl

from scalemai_core.judge.lesions.scored import above_points
from scalemai_core.judge.lesions.settle import Words, settle
from scalemai_core.records.detection import Detection, DetectionKind
from scalemai_core.records.finding import Finding
from scalemai_core.records.lesion import Lesion, LesionCandidate
from scalemai_core.records.operating_point import OperatingPoint
from scalemai_core.records.settlement import Fate, JudgedCandidate, Outcome
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.taxonomy.site import lesion_sites, site_names
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy

_FATES = {
    Outcome.KEEP: Fate.KEPT,
    Outcome.DELETE: Fate.DELETED,
    Outcome.REVIEW: Fate.REVIEW,
}


FATES = pl.Schema(
    {
        "scan_id": pl.String,
        "site": pl.String,
        "organ": pl.String,
        "candidate_id": pl.String,
        "number": pl.Int64,
        "structure": pl.String,
        "place": pl.String,
        "probability": pl.Float64,
        "log_odds": pl.Float64,
        "volume_mm3": pl.Float64,
        "diameter_mm": pl.Float64,
        "x_mm": pl.Float64,
        "y_mm": pl.Float64,
        "z_mm": pl.Float64,
        "component_hash": pl.String,
        "fate": pl.String,
        "reason": pl.String,
        "sentences": pl.String,
        "audit": pl.Boolean,
    }
)


def fate_table(judged: Iterable[JudgedCandidate]) -> pl.DataFrame:
    """One row a candidate; typed without any, too."""
    return pl.DataFrame([one.model_dump(mode="json") for one in judged], schema=FATES)


def judge_candidates(
    rows: Sequence[Detection],
    points: Mapping[str, OperatingPoint],
    words: Words,
    read_sites: Collection[str],
    settings: LesionSettings,
) -> tuple[list[JudgedCandidate], tuple[Finding, ...]]:
    """Fates of all candidates of one scan, and lesions that its report names and nobody has found.

    ``rows`` compare them with the annotation; ``read_sites`` are those on which a reader has
    decided before. Of sites that nobody compared, and of those, nothing is said to be missing.
    """
    fates = [(row.candidate, _before_report(row, points, read_sites)) for row in rows]
    judged = [_judged(one, *fate) for one, fate in fates if one and fate]
    open_ones = [one for one, fate in fates if one and not fate]
    labelled = [_certain(row, row.lesion) for row in rows if row.lesion is not None]
    counts = Counter(one.organ for one in labelled)
    settled, findings = settle([*open_ones, *labelled], words, counts, settings)
    for candidate, said in zip(open_ones, settled[: len(open_ones)], strict=True):
        one = _judged(candidate, _FATES[said.outcome], said.reason)
        more = {"sentences": " ".join(said.sentences), "audit": said.audit}
        judged.append(one.model_copy(update=more))
    judged.sort(key=lambda one: one.number)
    wanted = {row.site for row in rows} - set(read_sites)
    sites = site_names(load_taxonomy())
    return judged, tuple(one for one in findings if sites[one.structure] in wanted)


def _before_report(
    row: Detection, points: Mapping[str, OperatingPoint], read_sites: Collection[str]
) -> tuple[Fate, str] | None:
    """The fate of a row's candidate where no report is needed for it."""
    if row.kind in (DetectionKind.HIT, DetectionKind.NEUTRAL):
        return Fate.LABELLED, "the annotation has a lesion there"
    if not above_points(row, points):
        return Fate.BELOW, f"below the operating point of {row.site}"
    if row.site in read_sites:
        return Fate.READ, "a reader has decided on this site before"
    return None


def _judged(candidate: LesionCandidate, fate: Fate, reason: str) -> JudgedCandidate:
    return JudgedCandidate(**candidate.model_dump(), fate=fate, reason=reason)


def _certain(row: Detection, lesion: Lesion) -> LesionCandidate:
    """A labelled lesion as a candidate beyond doubt: what a report names may well be that one, and
    no other candidate."""
    taxonomy = load_taxonomy()
    hosts = {site.name: site.hosts for site in lesion_sites(taxonomy)}
    return LesionCandidate(
        **lesion.model_dump(),
        scan_id=row.scan_id,
        site=row.site,
        organ=_host(lesion.place, hosts[row.site], taxonomy),
        candidate_id=f"labelled {row.site} {lesion.number}",
        probability=1.0,
        log_odds=math.inf,
        component_hash="",
    )


def _host(place: str, hosts: Sequence[str], taxonomy: Taxonomy) -> str:
    """The host that a place belongs to; the first one for a place outside of all."""
    if place not in taxonomy:
        return hosts[0]
    around = {place, *(structure.name for structure in taxonomy.ancestors(place))}
    return next((host for host in hosts if host in around), hosts[0])
