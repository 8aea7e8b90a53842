"""What the expert practises on in a workspace: gold with faults, and what another model saw."""

from __future__ import annotations

import polars as pl
import pytest
from small_population import AfterOneRound

from scalemai_core.records.round import RoundPlan
from scalemai_core.records.shard import Shard
from scalemai_core.records.stage import StageInputs
from tasks.dataset import model_before, model_document
from tasks.decide import train_expert
from tasks.judge import judge_shard
from tasks.judgements import judgements
from tasks.predict import predict_shard
from tasks.rehearse import choose_practice, rehearse_shard
from tasks.round import judged_scans, plan_path
from tasks.stage import plan_stage, stage_rows

pytestmark = pytest.mark.flow


@pytest.fixture(scope="module")
def inputs(first_round: AfterOneRound) -> StageInputs:
    """The first round as it was planned, with an expert that is content with two gold patients."""
    store = first_round.store
    plan = RoundPlan.model_validate(store.read_json(plan_path(1)))
    expert = plan.settings.expert.model_copy(update={"min_patients": 2, "copies": 2})
    keys = store.files.names("models")
    return StageInputs(
        workspace=store.url,
        plan=plan.model_copy(
            update={"settings": plan.settings.model_copy(update={"expert": expert})}
        ),
        version=store.catalog.version(2),
        model=min((model_document(store, key) for key in keys), key=lambda m: m.dataset_version),
    )


@pytest.fixture(scope="module")
def table(inputs: StageInputs) -> pl.DataFrame:
    """The round's judgements, from its ledger."""
    for name, work in (("judge", judge_shard), ("predict", predict_shard)):
        for shard in plan_stage.fn(name, inputs, judged_scans(inputs)):
            work.fn(inputs, shard)
    return pl.concat(list(judgements(inputs)))


@pytest.fixture(scope="module")
def practised(inputs: StageInputs, table: pl.DataFrame) -> pl.DataFrame:
    """A rehearsal on two gold scans."""
    scans = choose_practice.fn(inputs, [table])[:2]
    shards: list[Shard] = plan_stage.fn("rehearse", inputs, scans)
    for shard in shards:
        rehearse_shard.fn(inputs, shard)
    return stage_rows("rehearse", inputs)


def test_every_gold_scan_is_practised_on_by_every_fold_and_copy(
    inputs: StageInputs, practised: pl.DataFrame
) -> None:
    folds, copies = len(inputs.model.folds), inputs.plan.settings.expert.copies
    looks = {f"{fold}-{look}" for fold in range(folds) for look in range(copies + 2)}
    for rows in practised.partition_by("scan_id"):
        assert set(rows["look"]) == looks
    assert set(practised["role"]) <= {"fit", "select"}


def test_masks_as_they_are_are_right_and_faults_name_their_kind(practised: pl.DataFrame) -> None:
    untouched = practised.filter(pl.col("look").str.ends_with("-0"))
    assert (untouched["true_dice_current"] == 1.0).all()
    assert untouched["fault"].null_count() == untouched.height
    faulty = practised.filter(pl.col("fault").is_not_null())
    assert faulty.height > 0
    assert faulty["true_dice_current"].mean() < 0.9


def test_one_look_shows_what_another_model_saw(practised: pl.DataFrame) -> None:
    seen = practised.filter(pl.col("origin") == "model")
    assert seen.height > 0
    key = ["scan_id", "structure"]
    one = seen.filter(pl.col("look") == "0-3").sort(key)
    other = seen.filter(pl.col("look") == "1-3").sort(key)
    assert one.height == other.height == seen.height / 2
    assert (one["volume_ml_current"] == other["volume_ml_prediction"]).all()
    assert (other["volume_ml_current"] == one["volume_ml_prediction"]).all()


def test_an_expert_that_learned_from_it_is_stored_with_what_is_known_of_it(
    inputs: StageInputs, table: pl.DataFrame, practised: pl.DataFrame
) -> None:
    everyone = practised.with_columns(role=pl.lit("fit"), patient=pl.col("scan_id"))
    expert = train_expert.fn(inputs, [table], everyone)
    assert expert.report.source == "gold"
    assert expert.report.patients == everyone["patient"].n_unique()
    assert "by_model" in expert.report.features


def test_the_model_before_is_of_an_older_dataset_version(
    inputs: StageInputs, first_round: AfterOneRound
) -> None:
    store = first_round.store
    models = [model_document(store, key) for key in store.files.names("models")]
    newest = max(models, key=lambda model: model.dataset_version)
    assert model_before(store, newest) == inputs.model
    assert model_before(store, inputs.model) is None
