"""The expert: right about masks of patients it never saw, silent where it is not proven."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from rehearsals import population, rehearsal

from scalemai_core.errors import UsageError
from scalemai_core.judge.expert.appraisal import appraise
from scalemai_core.judge.expert.calibration import calibration_error
from scalemai_core.judge.expert.expert import Expert, fit_expert
from scalemai_core.judge.expert.features import features
from scalemai_core.judge.expert.score import Score
from scalemai_core.judge.expert.standins import agreeing_masks
from scalemai_core.records.decision import Candidate
from scalemai_core.settings.judgement import ExpertSettings
from scalemai_core.settings.review import ReviewSettings

SETTINGS = ExpertSettings(bootstraps=200)
NO_ANSWERS = pl.DataFrame(
    schema={"source": pl.String, "structure": pl.String, "faulty": pl.Boolean}
)


@pytest.fixture(scope="module")
def expert() -> Expert:
    return fit_expert([population()], rehearsal(), SETTINGS, seed=0)


def unseen() -> pl.DataFrame:
    return rehearsal().filter(pl.col("role") == "select")


def worth(rows: pl.DataFrame, expert: Expert, at_once: int | None = None) -> pl.DataFrame:
    """The appraisal of rows that come some scans at a time."""
    scans = rows["scan_id"].unique().sort().to_list()
    size = at_once or len(scans)
    parts = [scans[start : start + size] for start in range(0, len(scans), size)]
    blocks = [rows.filter(pl.col("scan_id").is_in(part)) for part in parts]
    return pl.concat(list(appraise(blocks, expert, NO_ANSWERS, SETTINGS, ReviewSettings())))


def appraised(expert: Expert, rows: pl.DataFrame) -> pl.DataFrame:
    context = rows.with_columns(
        source=pl.lit("lab"),
        origin=pl.lit("source"),
        proposal_map=pl.lit(None, pl.String),
        quality_when_taken=pl.lit(None, pl.Float64),
    )
    return worth(context, expert)


def test_it_tells_the_better_of_two_masks_of_patients_it_never_saw(expert: Expert) -> None:
    rows = unseen()
    current, prediction = (
        expert.estimate(rows, side) for side in (Candidate.CURRENT, Candidate.PREDICTION)
    )
    apart = (rows["true_dice_prediction"] - rows["true_dice_current"]).to_numpy()
    clear = np.abs(apart) >= 0.05
    right = (prediction.beyond(current) > 0) == (apart > 0)
    assert clear.sum() > 100
    assert right[clear].mean() > 0.9


def test_its_quality_is_a_probability(expert: Expert) -> None:
    rows = unseen()
    quality = expert.good(expert.estimate(rows, Candidate.CURRENT).above(np.full(rows.height, 0.8)))
    good = (rows["true_dice_current"] >= 0.8).to_numpy()
    assert calibration_error(quality, good) < 0.08
    assert expert.report.calibration_error == pytest.approx(calibration_error(quality, good))


def test_it_may_act_where_unseen_patients_prove_it_right(expert: Expert) -> None:
    assert expert.report.source == "gold"
    assert {family.kind for family in expert.report.families} == {
        "bone", "hollow_organ", "organ", "vessel",
    }  # fmt: skip
    assert "organ" in expert.enabled
    for family in expert.report.families:
        assert family.low <= family.accuracy
        assert family.enabled == (family.low >= SETTINGS.enable_accuracy)


def test_a_swapped_mask_and_its_twin_are_scored_the_same_way(expert: Expert) -> None:
    """Exchanging the two sides of a judgement exchanges the verdict, but for the side's name."""
    rows = unseen()
    own = features(rows, expert.usual, Candidate.CURRENT)
    other = features(rows, expert.usual, Candidate.PREDICTION)
    assert own["volume_own"].equals(other["volume_other"])
    assert own["shared_of_own"].equals(other["shared_of_other"])


def test_without_gold_agreeing_masks_stand_in_and_the_report_says_so() -> None:
    chosen = agreeing_masks([population()], SETTINGS, seed=0)
    assert chosen.height > 20
    practised = (
        rehearsal()
        .join(chosen, on=["scan_id", "structure"])
        .with_columns(role=pl.lit("stand_in"), gold=pl.lit(None, pl.String))
    )
    found = fit_expert([population()], practised, SETTINGS, seed=0)
    assert found.report.source == "stand-in"
    for family in found.report.families:
        assert family.enabled == (family.low >= SETTINGS.stand_in_accuracy)


def test_too_few_patients_make_an_expert_that_abstains() -> None:
    one = rehearsal().filter(pl.col("patient") == "patient 0")
    silent = fit_expert([population()], one, SETTINGS, seed=0)
    assert (silent.score, silent.enabled) == (None, frozenset())
    table = appraised(silent, population())
    assert set(table["better"]) == {0.5}
    assert not table["enabled"].any()


def test_appraising_convicts_faulty_masks(expert: Expert) -> None:
    rows = unseen().filter(pl.col("look") == "2")
    table = appraised(expert, rows)
    assert table.height == rows.height
    faulty = table.filter(pl.col("true_dice_current") < 0.6)
    good = table.filter(pl.col("true_dice_current") > 0.95)
    assert faulty["quality_current"].mean() < 0.2
    assert good["quality_current"].mean() > 0.8
    assert (table["review_gain"] >= 0).all()
    assert (table["seconds"] >= ReviewSettings().seconds_choose).all()


def test_scans_are_appraised_alike_however_many_come_at_once(expert: Expert) -> None:
    rows = unseen().filter(pl.col("look") == "2").sort("scan_id", "structure")
    rows = rows.with_columns(
        source=pl.lit("lab"),
        origin=pl.lit("source"),
        proposal_map=pl.lit(None, pl.String),
        quality_when_taken=pl.lit(None, pl.Float64),
    )
    whole, by_one = worth(rows, expert), worth(rows, expert, at_once=1)
    assert rows["scan_id"].n_unique() > 1
    assert by_one.equals(whole)


def test_a_proposal_that_scores_higher_than_the_prediction_is_the_rival(expert: Expert) -> None:
    rows = unseen().filter(pl.col("look") == "2")
    key = pl.col("structure") == "liver"
    mended = unseen().filter(key & (pl.col("look") == "0")).with_columns(look=pl.lit("2"))
    proposals = mended.with_columns(
        candidate=pl.lit("repaired"), proposal_map=pl.lit("stored"), dice=pl.lit(1.0)
    )
    context = {
        "source": pl.lit("lab"),
        "origin": pl.lit("source"),
        "quality_when_taken": pl.lit(None, pl.Float64),
    }
    table = worth(
        pl.concat(
            [rows.with_columns(proposal_map=pl.lit(None, pl.String)), proposals],
            how="vertical_relaxed",
        ).with_columns(**context),
        expert,
    )
    assert table.height == rows.height, "a proposal is no annotation"
    livers = table.filter(key & (pl.col("rival") == "repaired"))
    assert livers.height > 0
    assert set(livers["rival_map"]) == {"stored"}
    assert set(table.filter(~key)["rival"]) == {"prediction"}


def test_a_proposal_that_breaks_more_rules_is_no_rival(expert: Expert) -> None:
    rows = (
        unseen()
        .filter(pl.col("look") == "2")
        .with_columns(proposal_map=pl.lit(None, pl.String), faults_current=pl.lit(0, pl.Int64))
    )
    worse = rows.filter(pl.col("structure") == "liver").with_columns(
        candidate=pl.lit("repaired"),
        proposal_map=pl.lit("stored"),
        dice=pl.lit(1.0),
        faults_current=pl.lit(1, pl.Int64),
    )
    table = worth(
        pl.concat([rows, worse], how="vertical_relaxed").with_columns(
            source=pl.lit("lab"),
            origin=pl.lit("source"),
            quality_when_taken=pl.lit(None, pl.Float64),
        ),
        expert,
    )
    assert set(table["rival"]) == {"prediction"}


def test_agreement_with_an_earlier_model_does_not_make_its_mask_better(expert: Expert) -> None:
    rows = unseen().filter(pl.col("look") == "0")
    taken = rows.with_columns(
        source=pl.lit("prediction"),
        origin=pl.lit("model"),
        proposal_map=pl.lit(None, pl.String),
        quality_when_taken=pl.lit(0.3),
    )
    table = worth(taken, expert)
    assert table["quality_current"].max() == 0.3


def test_a_score_is_read_back_without_running_what_it_says(expert: Expert) -> None:
    assert expert.score is not None
    table = features(unseen(), expert.usual, Candidate.CURRENT)
    again = Score.loads(expert.score.dumps())
    assert np.array_equal(again(table).dice, expert.score(table).dice)
    with pytest.raises(UsageError, match="not a stored score"):
        Score.loads(b"PK\x03\x04 something else")
