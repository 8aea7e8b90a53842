"""A round's frame: which number comes next, what it keeps when it goes on, who is looked at."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from unlabelled_scans import commit_scans

from scalemai_core.errors import UsageError, WorkspaceError
from scalemai_core.records.champion import Appointment
from scalemai_core.records.detection import Detection, DetectionKind
from scalemai_core.records.grid import Grid
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.scan import GoldRole
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import ModelVersion
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.file import parse_settings
from scalemai_core.store.documents.account import account
from scalemai_core.store.workspace import Workspace
from tasks.champion import appointed_before
from tasks.comparisons import as_rows
from tasks.dataset import model_before
from tasks.detection import lesions_beside
from tasks.evaluate import open_gold_test
from tasks.label_index import index_shard, plan_index, unindexed_scans
from tasks.round import (
    begin_with,
    champion_gold_scans,
    gold_scans,
    judged_scans,
    last_round,
    next_round,
    open_round,
    plan_path,
    result_path,
    revisable_scans,
)
from tasks.stage import stage_key

GRID = Grid(shape_zyx=(2, 2, 2), affine=((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    store = Workspace.create(str(tmp_path / "ws"))
    roles = {"a": None, "b": None, "fit": GoldRole.FIT, "sel": GoldRole.SELECT, "t": GoldRole.TEST}
    commit_scans(store, GRID, roles)
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
    assert again.settings.seed == 1, "what its judgements come from stays"
    assert again.settings.train.steps == 9, "how the next model learns may change"
    assert again.settings.compute.workers == 7, "where it runs may change"
    assert again.settings.review.mode == "skip", "and how people come in"
    assert next_round(store.url) == 1
    assert store.read_json(plan_path(1)) == again.model_dump(mode="json"), "and the plan says so"


def test_a_round_keeps_the_first_model_that_it_trained(store: Workspace) -> None:
    opened = open_round.fn(store.url, EngineSettings())
    begun = begin_with.fn(store.url, opened, inputs(store).model)
    again = open_round.fn(store.url, parse_settings({"train": {"steps": 9}}))
    assert (begun.model_key, again.model_key) == ("model", "model")


def test_a_tumour_that_grows_nowhere_is_told_before_there_is_a_round(store: Workspace) -> None:
    with pytest.raises(UsageError, match="liver_tumor"):
        open_round.fn(store.url, parse_settings({"tumours": {"structures": ["liver_tumor"]}}))
    assert last_round(store) == 0


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
    assert champion_gold_scans(given) == ("sel",)
    assert sorted(revisable_scans(given)) == ["a", "b"]


def test_a_scan_that_the_champion_could_not_look_at_compares_no_lesions(store: Workspace) -> None:
    looked = [
        Detection(
            scan_id=name, patient=name, gold=GoldRole.SELECT, site="liver",
            kind=DetectionKind.LOOKED,
        )
        for name in ("a", "b")
    ]  # fmt: skip
    both, first = pl.DataFrame(as_rows(looked)), pl.DataFrame(as_rows(looked[:1]))
    found = lesions_beside(inputs(store), both, first, frozenset({"b"}))
    assert found.select("scan_id", "champion_found").rows() == [("a", 0)]


def test_a_scan_whose_voxels_are_lost_is_set_aside_before_it_would_end_a_training(
    store: Workspace,
) -> None:
    version, given = store.catalog.version(1), plan()
    (shard,) = plan_index.fn(store.url, given, version)
    index_shard.fn(store.url, version, shard, unseen=False)
    assert unindexed_scans.fn(store.url, given, version) == {"a", "b"}


def test_the_folder_of_a_training_that_was_given_up_is_no_earlier_model(store: Workspace) -> None:
    store.files.write_bytes("models/abandoned/fold_0.checkpoint.safetensors", b"")
    model = inputs(store).model
    assert model_before(store, model) is None
    older = model.model_copy(update={"key": "older", "dataset_version": 0})
    store.write_document(older.path, older)
    assert model_before(store, model) == older


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


def test_gold_test_is_opened_once_a_model_and_written_down_before(store: Workspace) -> None:
    given = inputs(store)
    opening = open_gold_test.fn(given)
    assert opening is not None
    assert (opening.round, opening.model, opening.patients) == (1, "model", 1)
    assert opening.person == account()
    assert open_gold_test.fn(given) is not None, "the round goes on"
    assert store.gold_openings.read() == (opening,)
    other = given.model.model_copy(update={"key": "other"})
    open_gold_test.fn(given.model_copy(update={"model": other}))
    assert len(store.gold_openings.read()) == 2


def test_gold_test_stays_closed_where_the_settings_say_so(store: Workspace) -> None:
    closed = inputs(store, parse_settings({"evaluate": {"open_test": False}}))
    assert gold_scans(closed) == ("sel",)
    assert open_gold_test.fn(closed) is None
    assert store.gold_openings.read() == ()


def test_a_round_that_goes_on_names_no_champion_twice(store: Workspace) -> None:
    model = ModelVersion(version=3, key="k", round=1, dataset_version=1)
    assert not appointed_before(store, model, 1)
    entry = Appointment(
        version=3, key="k", before=None, by="round", person="ana", round=1, reason="better",
        moved=datetime.now(UTC),
    )  # fmt: skip
    store.appointments.append("1", entry)
    store.appointments.append("2", entry.model_copy(update={"version": 2, "by": "person"}))
    assert appointed_before(store, model, 1)
    assert not appointed_before(store, model, 2)
