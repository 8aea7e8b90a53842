"""A round's frame: which number comes next, what it keeps when it goes on, who is looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.grid import Grid
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.scan import GoldRole, Scan
from scalemai_core.records.stage import StageInputs
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.file import parse_settings
from scalemai_core.store import tables
from scalemai_core.store.rows import scan_rows
from scalemai_core.store.workspace import Workspace
from tasks.round import (
    gold_scans,
    judged_scans,
    last_round,
    next_round,
    open_round,
    plan_path,
    result_path,
    revisable_scans,
    stage_key,
)

GRID = Grid(shape_zyx=(2, 2, 2), affine=((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    store = Workspace.create(str(tmp_path / "ws"))
    roles = {"a": None, "b": None, "fit": GoldRole.FIT, "sel": GoldRole.SELECT, "t": GoldRole.TEST}
    scans = [
        Scan(
            scan_id=name,
            patient=name,
            case=name,
            source="s",
            grid=GRID,
            source_axes="RAS",
            source_affine=GRID.affine,
            fold=0,
            gold=role,
        )
        for name, role in roles.items()
    ]
    annotations = pl.DataFrame(schema=tables.ANNOTATIONS)
    commit = store.catalog.commit
    commit(base=None, scans=scan_rows(scans), annotations=annotations, round_number=0, message="m")
    return store


def plan(settings: EngineSettings | None = None) -> RoundPlan:
    return RoundPlan(
        number=1,
        base_version=1,
        model_key=None,
        settings=settings or EngineSettings(),
        code_version="1",
        started=datetime.now(UTC),
    )


def inputs(store: Workspace, settings: EngineSettings | None = None) -> StageInputs:
    engine = settings or EngineSettings()
    model = ModelDocument(
        key="model",
        taxonomy_version="1",
        channels={},
        network=engine.network,
        input=engine.input,
        folds=("0", "1"),
        round=1,
        dataset_version=1,
        code_version="1",
    )
    return StageInputs(
        workspace=store.url, plan=plan(engine), version=store.catalog.version(1), model=model
    )


def test_the_first_round_is_number_one_and_starts_from_the_newest_version(
    store: Workspace,
) -> None:
    assert (last_round(store), next_round(store.url)) == (0, 1)
    opened = open_round.fn(store.url, EngineSettings())
    assert (opened.number, opened.base_version, opened.model_key) == (1, 1, None)
    assert last_round(store) == 1


def test_an_unfinished_round_goes_on_with_what_it_began_with(store: Workspace) -> None:
    first = open_round.fn(store.url, parse_settings({"seed": 1, "train": {"steps": 5}}))
    given = {
        "seed": 2,
        "train": {"steps": 9},
        "compute": {"workers": 7},
        "review": {"mode": "skip"},
    }
    again = open_round.fn(store.url, parse_settings(given))
    assert (again.number, again.started) == (first.number, first.started)
    assert (again.settings.seed, again.settings.train.steps) == (1, 5)
    assert again.settings.compute.workers == 7, "where it runs may change"
    assert again.settings.review.mode == "skip", "and how people come in"
    assert next_round(store.url) == 1


def test_after_a_result_comes_the_next_round(store: Workspace) -> None:
    open_round.fn(store.url, EngineSettings())
    store.files.write_bytes(result_path(1), b'{"number": 1}')
    assert next_round(store.url) == 2
    assert open_round.fn(store.url, EngineSettings()).number == 2
    assert store.files.exists(plan_path(2))


def test_an_empty_workspace_is_told_to_ingest_first(tmp_path: Path) -> None:
    empty = Workspace.create(str(tmp_path / "empty"))
    with pytest.raises(WorkspaceError, match="is empty: run 'scalemai ingest"):
        open_round.fn(empty.url, EngineSettings())


def test_gold_that_selects_and_tests_is_hidden_from_the_critic(store: Workspace) -> None:
    given = inputs(store)
    assert sorted(judged_scans(given)) == ["a", "b", "fit"]
    assert sorted(gold_scans(given)) == ["sel", "t"]
    assert sorted(revisable_scans(given)) == ["a", "b"]


def test_a_stages_key_follows_what_bears_on_its_result(store: Workspace) -> None:
    usual = inputs(store)
    other_judge = inputs(store, parse_settings({"judge": {"side_mm": 3.0}}))
    elsewhere = inputs(store, parse_settings({"compute": {"workers": 9, "dask": "local"}}))
    assert stage_key("judge", usual) != stage_key("judge", other_judge)
    assert stage_key("predict", usual) == stage_key("predict", other_judge)
    for stage in ("predict", "judge", "revise", "evaluate"):
        assert stage_key(stage, usual) == stage_key(stage, elsewhere)
    model = usual.model.model_copy(update={"key": "other"})
    assert stage_key("predict", usual.model_copy(update={"model": model})) != stage_key(
        "predict", usual
    )
