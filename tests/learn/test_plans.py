"""Plans: who teaches what, where training starts, and the model that sees all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import polars as pl
import pytest
from memory import TAXONOMY, grid_of

from scalemai_core.errors import UsageError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.loss.allowed import allowed_sets
from scalemai_core.learn.plans import training_plans
from scalemai_core.learn.teaching import training_cases
from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.label_map import Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.scan import GoldRole, Scan
from scalemai_core.records.training import TrainingCase, TrainingPlan
from scalemai_core.settings.engine import EngineSettings

Known = dict[str, tuple[Origin, State, int]]


def scan(name: str, fold: int = 0, gold: GoldRole | None = None) -> Scan:
    return Scan(
        scan_id=name,
        patient=f"patient of {name}",
        case=name,
        source="s",
        grid=grid_of(),
        source_axes="RAS",
        source_affine=grid_of().affine,
        fold=fold,
        gold=gold,
    )


def frame_of(known: dict[str, Known]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            Annotation(
                scan_id=name,
                structure=structure,
                state=state,
                label_map=f"{name}-{TAXONOMY[structure].layer}",
                origin=origin,
                round=round_number,
            ).model_dump(mode="json")
            for name, rows in known.items()
            for structure, (origin, state, round_number) in rows.items()
        ],
        infer_schema_length=None,
    )


def round_plan(number: int = 1, **train: Any) -> RoundPlan:
    return RoundPlan(
        number=number,
        base_version=1,
        model_key=None,
        settings=EngineSettings.model_validate({"train": train}),
        code_version="1",
        started=datetime.now(UTC),
    )


def one_case(known: Known, number: int = 1) -> TrainingCase:
    frame = frame_of({"a": known})
    (case,) = training_cases([scan("a")], frame, round_plan(number), TAXONOMY)
    return case


SOURCE = (Origin.SOURCE, State.PRESENT, 0)


def test_the_origin_of_a_mask_decides_its_part() -> None:
    known: Known = {
        "liver": SOURCE,
        "spleen": (Origin.HUMAN, State.PRESENT, 2),
        "stomach": (Origin.HUMAN, State.PRESENT, 1),
        "aorta": (Origin.MODEL, State.PRESENT, 1),
        "postcava": (Origin.RULE, State.PRESENT, 2),
        "gall_bladder": (Origin.HUMAN, State.ABSENT, 2),
        "colon": (Origin.NONE, State.UNKNOWN, 0),
    }
    case = one_case(known, number=2)
    assert case.reviewed == ("spleen",)
    assert case.pseudo == ("aorta", "postcava")
    assert case.trusted
    assert case.unknown == ("colon",)
    assert one_case(known, number=3).reviewed == (), "in a later round reviews are trusted"


def test_a_part_on_hold_takes_its_whole_along_and_is_not_taught_to_be_absent() -> None:
    names = ("pancreas", "pancreas_body", "pancreas_head", "pancreas_tail", "liver")
    frame = frame_of({"a": dict.fromkeys(names, SOURCE)}).with_columns(
        weight=pl.when(pl.col("structure") == "pancreas_head").then(0.0).otherwise("weight")
    )
    (case,) = training_cases([scan("a")], frame, round_plan(), TAXONOMY)
    assert set(case.unknown) == {"pancreas", "pancreas_head"}
    (layer,) = Channels.of(names, TAXONOMY).layers
    sets = allowed_sets(layer, case.unknown, TAXONOMY)
    held = {name for name, held in zip(layer.names, sets.held[1:], strict=True) if held}
    assert held == {"pancreas_head"}, "where it is drawn, neither it nor background against it"
    (only,) = training_plans("w", [scan("a")], frame, round_plan(), None, ())
    taught = {name for layer in only.channels.values() for name in layer}
    assert taught == {"liver", "pancreas_body", "pancreas_tail"}, "no channel without a teacher"


def test_a_whole_without_labelled_parts_stays_known() -> None:
    parts = dict.fromkeys(("pancreas_body", "pancreas_head"), (Origin.NONE, State.UNKNOWN, 0))
    assert set(one_case({"pancreas": SOURCE, **parts}).unknown) == set(parts)


def test_a_scan_of_model_made_masks_alone_is_not_trusted() -> None:
    assert not one_case({"liver": (Origin.MODEL, State.PRESENT, 1)}).trusted


def test_tumours_need_a_known_lesion_and_an_organ_with_voxels() -> None:
    absent, unknown = (Origin.SOURCE, State.ABSENT, 0), (Origin.NONE, State.UNKNOWN, 0)
    case = one_case(
        {
            "liver": SOURCE,
            "kidney_left": SOURCE,
            "colon": absent,
            "liver_lesion": absent,
            "kidney_cyst": SOURCE,
            "kidney_tumor": unknown,
            "colon_lesion": absent,
        }
    )
    assert set(case.tumours) == {"liver_lesion", "kidney_cyst"}
    assert case.label_maps[Layer.LESIONS] == "a-lesions"


SCANS = [*(scan(f"{fold}{n}", fold) for fold in (0, 1) for n in (0, 1)), scan("g", 0, GoldRole.FIT)]
FRAME = frame_of({each.scan_id: {"liver": SOURCE} for each in SCANS})


def plans(plan: RoundPlan, parent: ModelDocument | None = None) -> tuple[TrainingPlan, ...]:
    return training_plans("w", SCANS, FRAME, plan, parent, ())


def parent(refit: str | None = None) -> ModelDocument:
    settings = EngineSettings()
    return ModelDocument(
        key="old",
        taxonomy_version="1",
        channels={},
        network=settings.network,
        input=settings.input,
        folds=("old-0", "old-1"),
        refit=refit,
        round=1,
        dataset_version=1,
        code_version="1",
    )


def test_a_fold_model_never_sees_its_patients_nor_gold() -> None:
    by_fold = {plan.fold: {case.scan_id for case in plan.cases} for plan in plans(round_plan())}
    assert by_fold == {0: {"10", "11"}, 1: {"00", "01"}}


def test_a_refitted_model_sees_all_but_gold() -> None:
    *folds, refit = plans(round_plan(refit=True), parent("old-all"))
    assert [plan.fold for plan in folds] == [0, 1]
    assert refit.fold is None
    assert {case.scan_id for case in refit.cases} == {"00", "01", "10", "11"}
    assert refit.init == "old-all"
    assert refit.weights == f"models/{refit.key}/refit.safetensors"
    assert len({plan.seed for plan in (*folds, refit)}) == 3


def test_a_refitted_model_never_starts_from_a_fold_model() -> None:
    assert plans(round_plan(refit=True), parent())[-1].init is None


def test_training_goes_on_from_the_same_fold_but_every_third_round_from_scratch() -> None:
    inits = {n: [p.init for p in plans(round_plan(n), parent())] for n in range(1, 7)}
    for number in (1, 2, 4, 5):
        assert inits[number] == ["old-0", "old-1"]
    assert inits[3] == inits[6] == [None, None]
    started = plans(round_plan(3), parent())[0]
    assert started.steps == started.train.steps
    assert plans(round_plan(2), parent())[0].steps == started.train.warm_steps


def test_one_patient_a_fold_is_too_few_for_folds_or_a_refit() -> None:
    few = [scan("00", 0), scan("10", 1)]
    (only,) = training_plans("w", few, FRAME, round_plan(refit=True), None, ())
    assert (only.fold, len(only.cases)) == (0, 2)


def test_a_fold_without_labels_before_others_leaves_no_model_to_be_taken_for_anothers() -> None:
    labelled = [scan(f"{fold}{n}", fold) for fold in (0, 2) for n in (0, 1)]
    frame = frame_of({each.scan_id: {"liver": SOURCE} for each in labelled})
    (only,) = training_plans("w", [*labelled, scan("1x", 1)], frame, round_plan(), None, ())
    assert (only.fold, len(only.cases)) == (0, 4)
    first = [each.model_copy(update={"fold": each.fold // 2}) for each in labelled]
    assert len(training_plans("w", [*first, scan("1x", 2)], frame, round_plan(), None, ())) == 2


def test_a_training_is_the_same_on_any_number_of_processes_and_machines() -> None:
    def key(**compute: int) -> str:
        plan = round_plan()
        settings = plan.settings.model_copy(
            update={"compute": plan.settings.compute.model_copy(update=compute)}
        )
        return plans(plan.model_copy(update={"settings": settings}))[0].key

    assert key(nodes=2) == key(train_processes=2) == key()


def test_nothing_to_train_on_is_told() -> None:
    with pytest.raises(UsageError, match="no scan has a label"):
        training_plans("w", [], FRAME, round_plan(), None, ())
    held = FRAME.with_columns(weight=pl.lit(0.0))
    assert training_plans("w", SCANS, held, round_plan(2), parent(), ()) == (), "the parent stays"
