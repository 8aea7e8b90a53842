"""What a round is reckoned to take follows from rates, sizes and what there is to work with."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest
from made_up_rounds import make_result

from scalemai_core.forecast.assumed import ORDER, VOXELS, assumed_rates
from scalemai_core.forecast.measured import with_paces, with_review, with_training
from scalemai_core.forecast.reckon import reckon
from scalemai_core.records.forecast import ASSUMED, Forecast, Rates, Site, StageForecast, Work
from scalemai_core.records.pace import Pace, in_words
from scalemai_core.settings.engine import EngineSettings

SITE = Site(gpus=8, cores=96, people=4, hours_a_day=6.0, store_mib_s=2000.0, shard_size=16)


def rates(*, gpu: bool = True) -> Rates:
    return assumed_rates(EngineSettings(), 2, first=False, gpu=gpu)


def full(site: Site = SITE, scans: int = 4000, left: dict[str, float] | None = None) -> Forecast:
    work = Work(scans=scans, voxels=VOXELS, left=left or {})
    return reckon(work, site, rates(gpu=site.gpus > 0), np.random.default_rng(1))


def stage(found: Forecast, name: str) -> StageForecast:
    (one,) = [one for one in found.stages if one.stage == name]
    return one


def pace(stage: str, done: int, work_seconds: float, **changes: object) -> Pace:
    values = {"stage": stage, "total": done, "done": done, "wall_seconds": work_seconds / 2,
              "work_seconds": work_seconds, "told": datetime.now(UTC)} | changes  # fmt: skip
    return Pace.model_validate(values)


def test_hours_follow_from_rates_and_sizes() -> None:
    found = full()
    predict = stage(found, "predict")
    assert (predict.scans, predict.shards) == (4000, 250)
    assert predict.gpu_hours == pytest.approx(4000 * 20 / 3600, rel=0.03)
    assert predict.hours == pytest.approx(predict.gpu_hours / 8, rel=0.1)
    assert predict.limit == "GPUs"
    assert found.gpu_hours == pytest.approx(sum(one.gpu_hours for one in found.stages))
    assert found.storage_gib["scans"] == pytest.approx(4000 * VOXELS * 0.84 / 2**30)
    assert [one.stage for one in found.stages if one.stage in ORDER] == list(ORDER)


def test_more_gpus_help_until_the_store_is_what_is_waited_for() -> None:
    slow = SITE.model_copy(update={"store_mib_s": 100.0})
    few, many = full(slow), full(slow.model_copy(update={"gpus": 64, "cores": 768}))
    assert stage(few, "predict").limit == "GPUs"
    assert stage(many, "predict").limit == "store"
    assert stage(many, "predict").hours < stage(few, "predict").hours


def test_people_decide_how_long_a_review_takes() -> None:
    found, more = full(), full(SITE.model_copy(update={"people": 8}))
    assert found.review_hours == more.review_hours == pytest.approx(
        4000 * 50 * 0.025 * 20 / 3600
    )  # fmt: skip
    assert stage(found, "review").hours == pytest.approx(found.review_hours / 4 * 24 / 6)
    assert stage(more, "review").hours == pytest.approx(stage(found, "review").hours / 2)


def test_without_gpus_cores_do_it_all() -> None:
    found = full(SITE.model_copy(update={"gpus": 0}), scans=100)
    assert found.gpu_hours == 0
    assert stage(found, "predict").core_hours > 1
    assert stage(found, "train").limit == "cores"


def test_what_a_begun_round_has_done_is_not_left() -> None:
    found = full(left={"predict": 0.25, "ingest": 0.0})
    predict, rest = stage(found, "predict"), stage(found, "judge")
    assert predict.hours_left == pytest.approx(predict.hours / 4)
    assert stage(found, "ingest").hours_left == 0
    assert rest.hours_left == rest.hours
    assert found.hours_left < found.hours


def test_measured_rates_take_the_place_of_assumed_ones() -> None:
    told = {
        1: [pace("predict", 100, 900.0), pace("judge", 100, 100.0), pace("evaluate", 5, 50.0)],
        2: [pace("predict", 50, 300.0, total=100, before=0), pace("evaluate", 5, 20.0)],
    }
    found = with_paces(rates(), told, VOXELS / 2)
    by_name = {rate.stage: rate for rate in found.stages}
    assert (by_name["predict"].seconds, by_name["predict"].source) == (6.0, "round 2")
    assert (by_name["judge"].seconds, by_name["judge"].source) == (1.0, "round 1")
    assert by_name["evaluate"].share == pytest.approx(0.05)
    assumed = {rate.stage: rate for rate in rates().stages}["compose"]
    assert by_name["compose"].source == ASSUMED
    assert by_name["compose"].seconds == pytest.approx(assumed.seconds / 2)


def test_every_scan_is_ingested_once_in_however_many_parts() -> None:
    told = {0: [pace("ingest", 40, 80.0), pace("ingest", 15, 30.0)]}
    (ingest,) = [r for r in with_paces(rates(), told, VOXELS).stages if r.stage == "ingest"]
    assert (ingest.share, ingest.seconds) == (1.0, 2.0)


def test_twice_as_many_voxels_cost_twice_as_much() -> None:
    found = with_paces(rates(), {1: [pace("predict", 100, 900.0)]}, VOXELS / 2)
    work = Work(scans=1000, voxels=VOXELS)
    hours = stage(reckon(work, SITE, found, np.random.default_rng(0)), "predict").gpu_hours
    assert hours == pytest.approx(1000 * 18 / 3600, rel=0.05)


def test_training_and_people_are_measured_too() -> None:
    steps = pace("training fold 0", 120, 60.0, unit="steps", before=20)
    assert with_training(rates(), {3: [steps]}).training.seconds == pytest.approx(0.6)
    one = make_result(reviewed=40, human_minutes=20.0, masks=1000, scans=50)
    review = with_review(rates(), [one]).review
    assert (review.seconds, review.share, review.masks) == (30.0, 0.04, 20.0)
    assert with_review(rates(), [make_result(reviewed=0)]).review.source == ASSUMED


def test_a_pace_tells_rate_and_time_left() -> None:
    half = pace("predict", 50, 400.0, total=80, before=10)
    assert half.per_minute == pytest.approx(12.0)
    assert half.seconds_each == pytest.approx(10.0)
    assert half.seconds_left == pytest.approx(150.0)
    assert in_words(half.seconds_left) == "2 min"
    none = pace("predict", 10, 0.0, total=80, before=10)
    assert (none.per_minute, none.seconds_left, in_words(None)) == (None, None, "-")
