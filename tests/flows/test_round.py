"""A whole round on phantoms: every version traceable to the other, every number written down."""

from __future__ import annotations

import html
import re

import mlflow
import polars as pl
import pytest
from small_population import GOLD_PATIENTS, PATIENTS, AfterOneRound

from flows.overview import overview
from scalemai_core.records.model import ModelDocument, model_path
from scalemai_core.records.round import RoundPlan, RoundResult
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.workspace import Workspace
from tasks.round import plan_path, report_path, result_path
from tasks.tracking.registry import Tracker
from tasks.tracking.tags import CODE_TAG, DATASET_TAG, FOLD_TAG, KEY_TAG, ROUND_TAG
from tasks.train import PICTURES
from tasks.verdicts import VERDICTS

pytestmark = pytest.mark.flow

KEY = ["scan_id", "structure"]


def annotations(store: Workspace, number: int) -> pl.DataFrame:
    return store.catalog.annotations(store.catalog.version(number))


def plan_of(store: Workspace) -> RoundPlan:
    return RoundPlan.model_validate(store.read_json(plan_path(1)))


def test_two_ingestions_and_a_round_make_three_versions(first_round: AfterOneRound) -> None:
    versions = first_round.store.catalog.versions()
    assert [(v.number, v.round) for v in versions] == [(1, 0), (2, 0), (3, 1)]
    assert [v.scans for v in versions] == [PATIENTS, *[PATIENTS + GOLD_PATIENTS] * 2]
    assert len({v.digest for v in versions}) == 3


def test_a_round_goes_from_one_dataset_version_to_the_next(first_round: AfterOneRound) -> None:
    result = first_round.result
    assert (result.number, result.base_version, result.dataset_version) == (1, 2, 3)
    assert result.model_version == 2, "the first round trains its critic as well"
    assert result.failed_scans == 0
    assert result.out_of_fold
    assert sum(result.decisions.values()) > 0
    stored = RoundResult.model_validate(first_round.store.read_json(result_path(1)))
    assert stored == result


def test_models_and_dataset_versions_name_each_other(first_round: AfterOneRound) -> None:
    store = first_round.store
    tracker = Tracker(store, TrackingSettings())
    models = tracker.models()
    assert [(m.version, m.dataset_version, m.round) for m in models] == [(1, 2, 1), (2, 3, 1)]
    for model in models:
        document = ModelDocument.model_validate_json(store.files.read_bytes(model_path(model.key)))
        assert document.dataset_version == model.dataset_version
        assert len(document.folds) == 2
        assert all(store.files.exists(path) for path in document.folds)
    champion = tracker.champion()
    assert champion is not None
    assert champion.version == (2 if first_round.result.promoted else 1)


def test_mlflow_knows_the_data_the_settings_and_the_numbers(first_round: AfterOneRound) -> None:
    store, result = first_round.store, first_round.result
    Tracker(store, TrackingSettings())
    client = mlflow.MlflowClient()
    for number in (1, 2):
        version = client.get_model_version("scalemai", str(number))
        assert version.tags.keys() >= {KEY_TAG, ROUND_TAG, DATASET_TAG, CODE_TAG}
        assert version.run_id is not None
        run = client.get_run(version.run_id)
        (used,) = run.inputs.dataset_inputs
        dataset = store.catalog.version(int(version.tags[DATASET_TAG]))
        assert used.dataset.digest == dataset.digest
        assert run.data.params["train.steps"] == "4"
    assert run.data.metrics["changed"] == result.changed
    assert run.data.metrics["held"] == result.held
    assert run.data.metrics["expert_families_enabled"] == sum(
        family.enabled for family in result.expert.families
    )
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert files >= {"round.html", "round.md", "expert.json"}
    assert ("expert.skops" in files) == (result.expert.source != "none")


def test_every_fold_models_training_is_a_run_below_its_model(first_round: AfterOneRound) -> None:
    store = first_round.store
    Tracker(store, TrackingSettings())
    client = mlflow.MlflowClient()
    for number in (1, 2):
        version = client.get_model_version("scalemai", str(number))
        assert version.run_id is not None
        experiment = client.get_run(version.run_id).info.experiment_id
        below = f"tags.`mlflow.parentRunId` = '{version.run_id}'"
        trainings = client.search_runs([experiment], below)
        assert {run.data.tags[FOLD_TAG] for run in trainings} == {"0", "1"}
        for run in trainings:
            assert run.info.status == "FINISHED"
            assert run.data.tags[KEY_TAG] == version.tags[KEY_TAG]
            assert run.data.metrics["loss"] > 0
            pictures = client.list_artifacts(run.info.run_id, "examples")
            assert len(pictures) == PICTURES


def test_gold_never_changes_and_never_trains(first_round: AfterOneRound) -> None:
    store = first_round.store
    scans = store.catalog.scans(store.catalog.version(3))
    gold = scans.filter(pl.col("gold").is_not_null())
    assert sorted(gold["gold"]) == sorted(["fit", "select", "test"] * (GOLD_PATIENTS // 3))
    own = pl.col("scan_id").is_in(gold["scan_id"].to_list())
    before, after = (annotations(store, n).filter(own).sort(KEY) for n in (2, 3))
    assert before.equals(after)
    known = after.filter(pl.col("state") != "unknown")
    assert set(known["origin"]) == {"gold"}
    assert not set(scans.filter(pl.col("gold").is_null())["patient"]) & set(gold["patient"])


def test_every_change_of_a_round_names_its_round_origin_and_reason(
    first_round: AfterOneRound,
) -> None:
    store = first_round.store
    catalog = store.catalog
    changes = catalog.changes(catalog.version(2), catalog.version(3))
    assert changes.height == first_round.result.changed == catalog.version(3).changed > 0
    assert set(changes["round"]) == {1}
    assert set(changes["origin"]) <= {"model", "human", "source"}
    assert changes["reason"].str.len_chars().min() > 0
    before, after = annotations(store, 2), annotations(store, 3)
    both = after.join(before, on=KEY, suffix="_before")
    moved = both.filter(pl.col("revision") > pl.col("revision_before"))
    assert moved.select(KEY).sort(KEY).equals(changes.select(KEY).sort(KEY))
    assert (moved["previous_label_map"] == moved["label_map_before"]).all()
    untouched = both.filter(pl.col("revision") == pl.col("revision_before"))
    assert (untouched["state"] == untouched["state_before"]).all()
    assert (untouched["origin"] != "model").all()


def test_what_is_doubtful_and_unseen_is_on_hold(first_round: AfterOneRound) -> None:
    store = first_round.store
    decisions = pl.read_parquet(f"{store.url}/rounds/1/decisions.parquet")
    held = decisions.filter(pl.col("action") == "hold").select(KEY)
    after = annotations(store, 3)
    zero = after.filter(pl.col("weight") == 0).select(KEY)
    assert held.join(zero, on=KEY, how="anti").height == 0
    assert zero.height == first_round.result.held
    assert decisions["reason"].null_count() == 0


def test_the_review_stays_in_its_budget_and_every_answer_is_stored(
    first_round: AfterOneRound,
) -> None:
    store, result = first_round.store, first_round.result
    verdicts = store.round(1).read(VERDICTS)
    assert verdicts.height == result.reviewed > 0
    budget = plan_of(store).settings.decide.budget
    assert result.reviewed_share == pytest.approx(result.reviewed / result.masks)
    assert result.reviewed_share <= budget
    human = annotations(store, 3).filter(pl.col("origin") == "human")
    assert human.height == verdicts.height
    assert human["weight"].to_list() == [1.0] * human.height
    assert result.human_minutes == pytest.approx(verdicts["seconds"].sum() / 60)


def test_labels_are_better_after_people_corrected_them(first_round: AfterOneRound) -> None:
    truth = first_round.result.truth
    assert truth is not None
    assert truth.mean_dice_after > truth.mean_dice_before
    assert truth.masks <= first_round.result.masks


def test_the_report_shows_the_rounds_numbers(first_round: AfterOneRound) -> None:
    store, result = first_round.store, first_round.result
    page = store.files.read_bytes(report_path(1)).decode()
    words = html.unescape(re.sub(r"<[^>]+>", " ", page))
    assert result.truth is not None
    for number in (
        f"{result.truth.mean_dice_before:.3f}",
        f"{result.truth.mean_dice_after:.3f}",
        f"{result.masks}",
        f"{result.changed}",
        f"{result.held}",
        result.promotion_reason,
    ):
        assert number in words
    assert "http://" not in page.replace("http://www.w3.org/", ""), "the page needs no network"


def test_no_patient_and_no_case_folder_reaches_the_stored_documents(
    first_round: AfterOneRound,
) -> None:
    store = first_round.store
    assert str(first_round.sources) not in (store.files.read_bytes(report_path(1))).decode()


def test_status_tells_the_whole_story(first_round: AfterOneRound) -> None:
    found = overview(first_round.store.url, TrackingSettings(), ReviewSettings())
    assert len(found["versions"]) == 3
    assert len(found["models"]) == 2
    assert [r["number"] for r in found["rounds"]] == [1]
    assert found["unfinished_round"] is None
    assert set(found["queue"].values()) == {0}, "a truth answered, and no person was asked"
    assert found["waits_for"] == 0
    assert found["rejected"] == []
