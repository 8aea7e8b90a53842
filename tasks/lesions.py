"""Lesions in the E-step: candidates, reports, operating points, and the questions they lead to."""

from __future__ import annotations

import logging
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.endpoint.client import Endpoint
from scalemai_core.judge.lesions.ask import (
    ACTIONS,
    ask_candidates,
    ask_unfound,
    draw_actions,
    site_actions,
)
from scalemai_core.judge.lesions.fate import fate_table, judge_candidates
from scalemai_core.judge.lesions.scored import choose_points
from scalemai_core.judge.lesions.settle import Words
from scalemai_core.radiology.reading import read_report
from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.base import Record
from scalemai_core.records.finding import Finding
from scalemai_core.records.label_map import Layer
from scalemai_core.records.operating_point import OperatingPoint
from scalemai_core.records.said import Said
from scalemai_core.records.settlement import JudgedCandidate
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.store.catalog.tables import typed
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.site import Site, lesion_sites, site_names
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.candidates import compare_stored
from tasks.comparisons import COMPARISONS, as_rows, detections_of
from tasks.dataset import dataset, labelled_scans
from tasks.decide import LESION_ACTIONS, LESION_QUESTIONS, round_allowance
from tasks.lesion_answers import CANDIDATES, settled_before
from tasks.shards import Rows, run_shard
from tasks.verdicts import KEY

log = logging.getLogger("scalemai.lesions")

POINTS = "operating-points"
"""Table of a round: where candidates were cut."""

AT_ONCE = 4000
"""Scans whose annotations are held together."""


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def compare_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """Candidates of the critic beside the lesions of gold or of the present annotation."""
    store, settings = Workspace.open(inputs.workspace), inputs.plan.settings.lesions
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)

    def work(scan_id: str) -> Rows:
        return as_rows(compare_stored(store, cases[scan_id], inputs.model, settings))

    return run_shard(store, shard, work)


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def read_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """What a shard's radiology reports say of lesions."""
    store, settings = Workspace.open(inputs.workspace), inputs.plan.settings.radiology
    scans, taxonomy = dataset(inputs.workspace, inputs.version), load_taxonomy()
    ask = None
    if settings.url:
        ask = Endpoint(settings, os.environ.get(settings.key_variable, "")).ask

    def work(scan_id: str) -> Rows:
        reading = read_report(scans[scan_id].report, taxonomy, ask, settings.max_characters)
        return [{"scan_id": scan_id, "said": said.model_dump_json()} for said in reading.said]

    return run_shard(store, shard, work)


def lesion_scans(inputs: StageInputs, scan_ids: tuple[str, ...]) -> tuple[str, ...]:
    """All of them for a model that knows lesions, else none."""
    return scan_ids if Layer.LESIONS in inputs.model.channels else ()


def reported_scans(inputs: StageInputs, scan_ids: tuple[str, ...]) -> tuple[str, ...]:
    """Those of ``lesion_scans`` that have a report."""
    scans = dataset(inputs.workspace, inputs.version)
    return tuple(one for one in lesion_scans(inputs, scan_ids) if scans[one].report)


@task(task_run_name="settle lesion candidates", cache_policy=NO_CACHE)
def settle_lesions(inputs: StageInputs, compared: pl.DataFrame, reported: pl.DataFrame) -> None:
    """Choose operating points, settle what reports settle, and store what to ask of the rest."""
    store, plan = Workspace.open(inputs.workspace), inputs.plan
    tables = store.round(plan.number)
    if tables.has(LESION_ACTIONS):
        return
    settings, compared = plan.settings.lesions, typed(compared, COMPARISONS)
    masks = int(round_allowance(inputs).questions * settings.review_share)
    gold = detections_of(compared.filter(pl.col("gold").is_not_null()))
    points = choose_points(gold, compared["site"].unique().sort(), settings)
    rows = compared.filter(pl.col("gold").is_null())
    words, sites = words_of(reported), _sites(inputs, rows["scan_id"].unique().sort().to_list())
    fates, findings = _judge(rows, points, words, sites, settings)
    judged = fate_table(fates)
    unfound = ask_unfound(findings, settings)
    missing = unfound.head(masks)
    asked = ask_candidates(judged, masks - missing.height, settings)
    tables.write(POINTS, table_of(points.values(), OperatingPoint))
    tables.write(CANDIDATES, judged)
    tables.write(LESION_QUESTIONS, pl.concat([missing, asked]))
    actions = _actions(fates, set(asked["candidate_id"]), words, sites, _lacking(unfound))
    drawn = draw_actions(unfound, missing.height)
    # A mask that is to be drawn is left to its reader. Written last: then all others are there.
    tables.write(LESION_ACTIONS, pl.concat([actions.join(drawn, on=KEY, how="anti"), drawn]))
    for point in points.values():
        log.info("lesions of %s: %s", point.site, point.reason)
    log.info("lesions: %d candidates, %d questions", judged.height, asked.height + missing.height)


def words_of(reported: pl.DataFrame) -> dict[str, Words]:
    """What each scan's report says, by structure and organ."""
    words: dict[str, dict[tuple[str, str], Said]] = {}
    if reported.height:
        for scan_id, text in reported.select("scan_id", "said").iter_rows():
            said = Said.model_validate_json(text)
            words.setdefault(scan_id, {})[said.structure, said.organ] = said
    return dict(words)


def table_of(records: Iterable[Record], kind: type[Record]) -> pl.DataFrame:
    """Records as rows; without any, the columns."""
    rows = [record.model_dump(mode="json") for record in records]
    return pl.DataFrame(rows, schema=list(kind.model_fields), infer_schema_length=None)


@dataclass(frozen=True, slots=True)
class _Annotated:
    """One site of one scan, gold apart."""

    scan_id: str
    site: Site
    states: Mapping[str, State]
    """Of the structures that the model can see there."""
    read: bool
    """Whether a reader has decided on it."""

    @property
    def place(self) -> tuple[str, str]:
        """Scan and site."""
        return self.scan_id, self.site.name


def _sites(inputs: StageInputs, scan_ids: Sequence[str]) -> list[_Annotated]:
    store, taxonomy = Workspace.open(inputs.workspace), load_taxonomy()
    of_learned = pl.col("structure").is_in(sorted(inputs.model.channels.get(Layer.LESIONS, ())))
    read = set(settled_before(store, inputs.plan))
    sites = {name: site for site in lesion_sites(taxonomy) for name in site.lesions}
    states: dict[tuple[str, str], dict[str, State]] = {}
    for start in range(0, len(scan_ids), AT_ONCE):
        some = scan_ids[start : start + AT_ONCE]
        known = store.catalog.annotations(inputs.version, some, [*KEY, "state", "origin"])
        for scan_id, structure, state, origin in known.filter(of_learned).iter_rows():
            place = scan_id, sites[structure].name
            states.setdefault(place, {})[structure] = State(state)
            if origin == Origin.HUMAN.value:
                read.add(place)
    return [
        _Annotated(place[0], sites[next(iter(own))], own, read=place in read)
        for place, own in states.items()
    ]


def _judge(
    rows: pl.DataFrame,
    points: Mapping[str, OperatingPoint],
    words: Mapping[str, Words],
    sites: Iterable[_Annotated],
    settings: LesionSettings,
) -> tuple[list[JudgedCandidate], list[tuple[str, Finding]]]:
    """Fates of the candidates of scans that are not gold, and what only reports name.

    One scan's comparisons are records at a time: those of all would be gigabytes.
    """
    read: dict[str, set[str]] = {}
    for one in sites:
        if one.read:
            read.setdefault(one.scan_id, set()).add(one.site.name)
    judged: list[JudgedCandidate] = []
    unfound: list[tuple[str, Finding]] = []
    for (scan_id,), compared in rows.group_by("scan_id", maintain_order=True):
        own, scan = detections_of(compared), str(scan_id)
        said, read_here = words.get(scan, {}), read.get(scan, set())
        fates, findings = judge_candidates(own, points, said, read_here, settings)
        judged += fates
        unfound += [(scan, finding) for finding in findings]
    return judged, unfound


def _lacking(unfound: pl.DataFrame) -> frozenset[tuple[str, str]]:
    """(scan, site) of the masks that lack a lesion."""
    site_of = site_names(load_taxonomy())
    pairs = unfound.select(KEY).iter_rows()
    return frozenset((scan_id, site_of[structure]) for scan_id, structure in pairs)


def _actions(
    judged: Iterable[JudgedCandidate],
    asked: set[str],
    words: Mapping[str, Words],
    sites: Iterable[_Annotated],
    lacking: Collection[tuple[str, str]],
) -> pl.DataFrame:
    by_place: dict[tuple[str, str], list[JudgedCandidate]] = {}
    for candidate in judged:
        by_place.setdefault((candidate.scan_id, candidate.site), []).append(candidate)
    rows: list[dict[str, object]] = []
    for one in sites:
        if not one.read:
            own = by_place.get(one.place, [])
            shown = asked & {candidate.candidate_id for candidate in own}
            said = words.get(one.scan_id, {})
            found = site_actions(
                one.site, one.states, own, shown, said, lacking=one.place in lacking
            )
            rows += [{"scan_id": one.scan_id, **row} for row in found]
    return pl.DataFrame(rows, schema=ACTIONS)
