"""Why a round decided as it did: the stored rows and the history of one annotation."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from scalemai_core.errors import UsageError, WorkspaceError
from scalemai_core.judge.expert.population import COLUMNS, usual_by_structure
from scalemai_core.page.judgement.explanation import Explanation
from scalemai_core.page.judgement.history import Happening, answered, changed, decided, standing
from scalemai_core.records.decision import Candidate
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.review import ItemKind
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.catalog import tables
from scalemai_core.store.workspace import Workspace
from tasks.dataset import labelled_scans, model_document
from tasks.decide import DECISIONS, ITEMS, expert_report, trusts
from tasks.round import last_round, plan_path
from tasks.stage import stage_rows
from tasks.verdicts import verdicts_of_round


def decisions_of(
    store: Workspace, scan_id: str, structure: str | None, number: int | None
) -> tuple[int, pl.DataFrame]:
    """The newest round that decided on it (or the one asked for), and its rows of the scan.

    Raises UsageError where there is none.
    """
    mine = _mine(scan_id, structure)
    for candidate in _rounds(store) if number is None else (number,):
        if not store.round(candidate).has(DECISIONS):
            continue
        rows = store.round(candidate).read(DECISIONS, (scan_id,)).filter(mine)
        if rows.height:
            return candidate, rows
    what = f"{structure} of scan {scan_id}" if structure else f"scan {scan_id}"
    when = "any round" if number is None else f"round {number}"
    raise UsageError(
        f"no decision on {what} in {when}: gold that selects or tests is never judged, a whole is "
        "left to its labelled parts, and a round has decided once its expectation is done"
    )


def explain(store: Workspace, scan_id: str, structure: str, number: int | None) -> Explanation:
    """What a round knew of one annotation, and all that happened to it."""
    number, rows = decisions_of(store, scan_id, structure, number)
    plan = round_plan(store, number)
    critic = critic_of(store, plan)
    row = rows.row(0, named=True)
    usual = usual_by_structure([store.round(number).read(DECISIONS, columns=COLUMNS)]).filter(
        pl.col("structure") == structure
    )
    return Explanation(
        number=number,
        row=row,
        usual=usual.row(0, named=True) if usual.height else None,
        expert=expert_report(store, plan),
        settings=plan.settings,
        out_of_fold=trusts(critic, plan),
        repair=_repair(store, plan, critic, row),
        history=tuple(_history(store, scan_id, structure)),
        standing=_standing(store, scan_id, structure),
    )


def round_plan(store: Workspace, number: int) -> RoundPlan:
    """What a round set out to do."""
    return RoundPlan.model_validate(store.read_json(plan_path(number)))


def critic_of(store: Workspace, plan: RoundPlan) -> ModelDocument:
    """The model that predicted in a round; raises WorkspaceError before there is one."""
    if plan.model_key is None:
        raise WorkspaceError(
            f"round {plan.number} of {store.url} has no model yet: it judged nothing"
        )
    return model_document(store, plan.model_key)


def _rounds(store: Workspace) -> Iterator[int]:
    """Newest first."""
    return iter(range(last_round(store), 0, -1))


def _mine(scan_id: str, structure: str | None) -> pl.Expr:
    mine = pl.col("scan_id") == scan_id
    return mine if structure is None else mine & (pl.col("structure") == structure)


def _repair(
    store: Workspace, plan: RoundPlan, critic: ModelDocument, row: dict[str, object]
) -> str:
    """How the proposed mask was made; the ledger tells, if it is still there."""
    rival, scan_id = row["rival"], str(row["scan_id"])
    if rival == Candidate.PREDICTION.value:
        return ""
    base = store.catalog.version(plan.base_version)
    inputs = StageInputs(workspace=store.url, plan=plan, version=base, model=critic)
    rows = stage_rows("judge", inputs, (scan_id,))
    if not rows.height:
        return ""
    mine = _mine(scan_id, str(row["structure"])) & (pl.col("candidate") == rival)
    return "; ".join(rows.filter(mine)["message"].drop_nulls().to_list())


def _history(store: Workspace, scan_id: str, structure: str) -> Iterator[Happening]:
    mine = _mine(scan_id, structure)
    for change in (
        store.catalog.standing("changes", tables.CHANGES, (scan_id,)).filter(mine).to_dicts()
    ):
        yield changed(change)
    for number in _rounds(store):
        tables_of_round = store.round(number)
        if not tables_of_round.has(DECISIONS):
            continue
        for row in tables_of_round.read(DECISIONS, (scan_id,)).filter(mine).to_dicts():
            yield decided(number, row)
        if tables_of_round.has(ITEMS):
            kinds = dict(tables_of_round.read(ITEMS).filter(mine).select("scan_id", "kind").rows())
            for verdict in verdicts_of_round(store, round_plan(store, number)):
                if (verdict.scan_id, verdict.structure) == (scan_id, structure):
                    yield answered(verdict, ItemKind(kinds.get(scan_id, ItemKind.CHOOSE)))


def _standing(store: Workspace, scan_id: str, structure: str) -> str:
    version = store.catalog.latest()
    if version is None:
        return ""
    found = labelled_scans(store.url, version, (scan_id,))[scan_id].annotations.get(structure)
    return standing(version.number, found)
