"""How often the expert is right about which of two masks is better, and which faults it finds.

    python benchmarks/expert_accuracy.py WORKSPACE TRUTH

WORKSPACE is one that `label_quality.py` has prepared (a population, gold, a first model); TRUTH the
folder of true labels beside it. The expert learns from gold `fit` and is measured on gold `test`
patients that nothing has seen, with each kind of fault left out of its lessons in turn, and on the
loop's own pairs: every annotation against its out-of-fold prediction.
"""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray
from rounds import judged_round, stage

from scalemai_core.judge.expert.calibration import calibration_error
from scalemai_core.judge.expert.expert import SIDES, Expert, fit_expert, thresholds
from scalemai_core.judge.expert.score import Estimate
from scalemai_core.measure.agreement import dice_by_structure
from scalemai_core.measure.statistics import bootstrap_by_patient
from scalemai_core.records.decision import Candidate
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.scan import GoldRole
from scalemai_core.records.stage import StageInputs
from scalemai_core.settings.judgement import DecideSettings, ExpertSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.dataset import dataset, labelled_scans, model_document
from tasks.judge import predicted_labels
from tasks.rehearse import rehearse_shard
from tasks.round import plan_path, revisable_scans
from tasks.truth import read_truth

APART = 0.05
"""Pairs whose true Dice differs by less are no pairs."""
GOOD, ALL_BUT_GOOD = 0.8, 0.95
EVEN = 0.5
KEY = ["scan_id", "structure"]

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Pairs:
    """Two masks a row."""

    rows: pl.DataFrame
    """structure and patient."""
    first: Estimate
    second: Estimate
    dice_first: Numbers
    dice_second: Numbers

    def clear(self) -> Pairs:
        """Those of which one is clearly better."""
        at = np.flatnonzero(np.abs(self.dice_first - self.dice_second) >= APART)
        return self[at]

    def __getitem__(self, at: NDArray[np.intp]) -> Pairs:
        """Some of the pairs."""
        return Pairs(
            self.rows[at],
            self.first[at],
            self.second[at],
            self.dice_first[at],
            self.dice_second[at],
        )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("workspace")
    parser.add_argument("truth")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    logging.getLogger("scalemai").setLevel(logging.WARNING)
    inputs = _inputs(options.workspace, options.seed)
    settings = inputs.plan.settings.expert
    table = judged_round(inputs).filter(pl.col("candidate") == Candidate.CURRENT.value)
    gold = tuple(s.scan_id for s in dataset(options.workspace, inputs.version).values() if s.gold)
    practised = stage("rehearse", rehearse_shard, inputs, gold)
    lessons = practised.filter(pl.col("role") != GoldRole.TEST.value)
    held_out = practised.filter(pl.col("role") == GoldRole.TEST.value)
    held_out = held_out.filter(pl.col("state") != "unknown")
    expert = fit_expert([table], lessons, settings, options.seed)
    own = _own_pairs(inputs, table, options.truth)
    print(f"seed {options.seed}: {own.height} annotations, {held_out.height} held-out copies")
    print("\n| pairs | number | coverage | accuracy | 95 % interval | without abstaining |")
    print("|---|---|---|---|---|---|")
    ours = against_prediction(expert, own).clear()
    theirs = among_copies(expert, held_out).clear()
    accuracy("the loop's own", expert, ours, settings)
    accuracy(
        "degraded, against prediction",
        expert,
        against_prediction(expert, held_out).clear(),
        settings,
    )
    accuracy("degraded, against another copy", expert, theirs, settings)
    for kind in sorted(held_out["fault"].drop_nulls().unique()):
        fault = (pl.col("fault") == kind).fill_null(value=False)
        without = fit_expert([table], lessons.filter(~fault), settings, options.seed)
        pairs = among_copies(without, held_out)
        has = (pairs.rows["fault"] == kind).fill_null(value=False).to_numpy()
        accuracy(
            f"never practised on: {kind}", without, pairs[np.flatnonzero(has)].clear(), settings
        )
    for structure in sorted(own["structure"].unique()):
        for name, pairs in ((structure, ours), (f"{structure}, degraded", theirs)):
            at = np.flatnonzero((pairs.rows["structure"] == structure).to_numpy())
            accuracy(name, expert, pairs[at], settings)
    for name, rows in (("the loop's own", own), ("held-out copies", held_out)):
        print(f"calibration error, {name}: {calibration(expert, rows, settings):.3f}")
    faults(expert, _once(held_out), settings)


def _inputs(workspace: str, seed: int) -> StageInputs:
    store = Workspace.open(workspace)
    plan = RoundPlan.model_validate(store.read_json(plan_path(1)))
    settings = plan.settings.model_copy(update={"seed": seed})
    models = [model_document(store, key) for key in store.files.names("models")]
    return StageInputs(
        workspace=workspace,
        plan=plan.model_copy(update={"settings": settings}),
        version=store.catalog.version(plan.base_version),
        model=min(models, key=lambda model: model.dataset_version),
    )


def _own_pairs(inputs: StageInputs, table: pl.DataFrame, truth: str) -> pl.DataFrame:
    """Annotations with the Dice to the truth of them and of their predictions."""
    store, taxonomy = Workspace.open(inputs.workspace), load_taxonomy()
    rows: list[dict[str, object]] = []
    scans = revisable_scans(inputs)
    for case in labelled_scans(inputs.workspace, inputs.version, scans).values():
        found = read_truth(truth, case.scan)
        if found is None:
            continue
        predicted = predicted_labels(store, inputs.model, case.scan.scan_id)
        current = dice_by_structure(found[0], case.labels(store), taxonomy)
        prediction = dice_by_structure(found[0], predicted, taxonomy)
        rows += [
            {
                "scan_id": case.scan.scan_id,
                "structure": name,
                "patient": case.scan.patient,
                "true_dice_current": 1.0 if current[name] is None else current[name],
                "true_dice_prediction": 1.0 if prediction[name] is None else prediction[name],
            }
            for name in current
        ]
    known = table.filter(pl.col("state") != "unknown")
    return known.join(pl.DataFrame(rows), on=KEY)


def against_prediction(expert: Expert, rows: pl.DataFrame) -> Pairs:
    """Every mask against the prediction beside it."""
    prediction, current = (expert.estimate(rows, side) for side in SIDES[::-1])
    columns = [rows[f"true_dice_{side.value}"].to_numpy() for side in SIDES]
    return Pairs(rows, current, prediction, *columns)


def among_copies(expert: Expert, rows: pl.DataFrame) -> Pairs:
    """Every degraded mask against the same structure in the next copy of its scan."""
    rows = rows.with_columns(fold=pl.col("look").str.split("-").list.first())
    estimate = expert.estimate(rows, Candidate.CURRENT)
    number = rows.with_row_index("row").select("row", *KEY, "fold", "look").sort("look")
    following = number.with_columns(other=pl.col("row").shift(-1).over(*KEY, "fold"))
    pairs = following.drop_nulls("other").sort("row")
    first, second = pairs["row"].to_numpy(), pairs["other"].to_numpy()
    faults = rows["fault"]
    either = pl.Series(
        "fault", [faults[int(a)] or faults[int(b)] for a, b in zip(first, second, strict=True)]
    )
    dice = rows["true_dice_current"].to_numpy()
    return Pairs(
        rows[first].with_columns(either),
        estimate[first],
        estimate[second],
        dice[first],
        dice[second],
    )


def accuracy(name: str, expert: Expert, pairs: Pairs, settings: ExpertSettings) -> None:
    """One row of the table."""
    if not pairs.rows.height:
        return
    better = expert.better(pairs.second.beyond(pairs.first))
    right = (better > EVEN) == (pairs.dice_second > pairs.dice_first)
    said = np.abs(better - EVEN) >= settings.decisive - EVEN
    low = high = float("nan")
    if said.any():
        interval = bootstrap_by_patient(
            right[said].astype(np.float64),
            pairs.rows.filter(pl.Series(said))["patient"].to_list(),
            lambda values: float(values.mean()),
            np.random.default_rng(0),
            num=1000,
        )
        low, high = float(interval.low), float(interval.high)
    share = float(right[said].mean()) if said.any() else float("nan")
    print(
        f"| {name} | {len(right)} | {said.mean():.3f} | {share:.4f} | {low:.3f} to {high:.3f} "
        f"| {right.mean():.4f} |"
    )


def calibration(expert: Expert, rows: pl.DataFrame, settings: ExpertSettings) -> float:
    """Expected calibration error of the quality of annotations."""
    threshold = thresholds(rows["structure"], settings)
    quality = expert.good(expert.estimate(rows, Candidate.CURRENT).above(threshold))
    return calibration_error(quality, rows["true_dice_current"].to_numpy() >= threshold)


def _once(rows: pl.DataFrame) -> pl.DataFrame:
    """Masks of sources, those that no fault touched once and not once a copy."""
    untouched = pl.col("fault").is_null() & (pl.col("true_dice_current") == 1.0)
    as_it_is = pl.col("look").str.ends_with("-0")
    return rows.filter((pl.col("origin") == "source") & (~untouched | as_it_is))


def faults(expert: Expert, rows: pl.DataFrame, settings: ExpertSettings) -> None:
    """What is found of each kind of fault: by the rules alone, and by the whole judgement."""
    threshold = thresholds(rows["structure"], settings)
    quality = expert.good(expert.estimate(rows, Candidate.CURRENT).above(threshold))
    table = rows.with_columns(
        rules=pl.col("faults_current") + pl.col("doubts_current") > 0,
        judged=pl.Series(quality) < DecideSettings().keep_quality,
    )
    wrong = pl.col("true_dice_current") < ALL_BUT_GOOD
    print(
        "\n| fault | masks under 0.8 | found by rules | found by judgement "
        "| precision of rules | of judgement |"
    )
    print("|---|---|---|---|---|---|")
    kinds = [*sorted(rows["fault"].drop_nulls().unique()), "all"]
    for kind in kinds:
        own = table if kind == "all" else table.filter(pl.col("fault") == kind)
        bad = own.filter(pl.col("true_dice_current") < GOOD)
        found = [_mean(bad, column) for column in ("rules", "judged")]
        precise = [
            _mean(own.filter(column).with_columns(wrong=wrong), "wrong")
            for column in ("rules", "judged")
        ]
        cells = " | ".join(f"{value:.3f}" for value in (*found, *precise))
        print(f"| {kind} | {bad.height} | {cells} |")


def _mean(rows: pl.DataFrame, column: str) -> float:
    mean = rows[column].mean()
    return float(mean) if isinstance(mean, float) else float("nan")


if __name__ == "__main__":
    main()
