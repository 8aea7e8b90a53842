"""The model card: every number where it belongs, and what is not known said as such."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from made_up_lesions import make_detection, make_site
from made_up_rounds import GOLD

from scalemai_core.page.card.markdown import model_card, short_card
from scalemai_core.records.card import (
    MaskCount,
    ModelCard,
    Population,
    ReportedScore,
    SourceCount,
)
from scalemai_core.records.label_map import Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.version import DatasetVersion
from scalemai_core.settings.learning import InputSettings, NetworkSettings, TrainSettings

MODEL = ModelDocument(
    key="r0002-5c1e", taxonomy_version="1", network=NetworkSettings(width=32, levels=5),
    channels={
        Layer.ANATOMY: ("spleen", "liver", "adrenal_gland_left", "prostate", "stomach"),
        Layer.LESIONS: ("liver_lesion",),
    },
    input=InputSettings(), folds=("a", "b"), round=2, dataset_version=6, code_version="0.1.0+g4f2a",
)  # fmt: skip
DATASET = DatasetVersion(
    number=6, round=2, scans_delta=5, annotations_delta=7, scans=420, annotations=1781,
    changed=1162, digest="9f31c0de", message="round 2", created=datetime(2026, 3, 14, tzinfo=UTC),
)  # fmt: skip
POPULATION = Population(
    scans=392, patients=371, held=21, sexes={"F": 180, "M": 171}, ages=(18.0, 61.0, 93.0),
    phases={"portal venous": 300, "native": 92}, centres=3,
    sources=(SourceCount(source="AbdomenAtlas", scans=300, patients=290),
             SourceCount(source="in|house", scans=92, patients=81)),
    masks=(MaskCount(state="present", origin="source", masks=1204),
           MaskCount(state="present", origin="model", masks=310),
           MaskCount(state="absent", origin="report", masks=12)),
)  # fmt: skip


def make_card(**changes: Any) -> ModelCard:
    values: dict[str, Any] = {
        "name": "scalemai", "model": MODEL, "num_parameters": 18_790_000, "dataset": DATASET,
        "train": TrainSettings(accumulate=2), "seed": 7, "trained": POPULATION, "gold": GOLD,
        "test": (ReportedScore(structure="liver", patients=20, dice=0.9481, nsd=0.9012),
                 ReportedScore(structure="stomach", patients=3, dice=0.6, nsd=None)),
        "verdict": "promoted: mean Dice rose by 0.012",
    } | changes  # fmt: skip
    return ModelCard(**values)


def test_a_card_says_what_the_model_is_and_for_what_it_is_not() -> None:
    text = model_card(make_card(), version=3)
    assert text.startswith("# scalemai, model version 3\n")
    assert "Segments 6 structures (anatomy, lesions) in CT." in text
    assert "trained on 392 scans of 371 patients" in text.lower()
    assert "mean Dice is **0.902**, mean surface Dice (NSD) 0.871" in text
    assert "Promoted: mean Dice rose by 0.012." in text
    assert "Not a medical device" in text
    assert 'load_model("models:/scalemai/3")' in text
    assert "pip install monai nibabel safetensors`" in text
    assert "None" not in text
    assert "nan" not in text.replace("finance", "")


def test_a_card_tells_of_data_and_lineage() -> None:
    text = model_card(make_card(), version=3)
    assert "| AbdomenAtlas | 300 | 290 |" in text
    assert "| in\\|house | 92 | 81 |" in text
    assert "| present | model | 310 |" in text
    assert "Sex (patients): F 180, M 171" in text
    assert "18 to 93 years, median 61" in text
    assert "digest `9f31c0de`" in text
    assert "Model key `r0002-5c1e`, round 2" in text
    assert "18,790,000 parameters a network; 2 fold models, averaged" in text
    assert "4 patches a step" in text


def test_a_card_has_a_row_for_every_structure_that_was_measured() -> None:
    text = model_card(make_card(), version=3)
    assert "| liver | 24 | 0.953 (0.949\u20130.957) | 0.913 | 20 | 0.948 | 0.901 |" in text
    assert "| spleen | 24 | 0.901 (0.891\u20130.911) | 0.861 | \u2013 | \u2013 | \u2013 |" in text
    assert "| stomach | \u2013 | \u2013 | \u2013 | 3 | 0.600 | \u2013 |" in text


def test_a_card_names_its_weak_structures() -> None:
    weak = GOLD.structures[2].model_copy(
        update={"dice": GOLD.structures[2].dice.model_copy(
            update={"new": GOLD.structures[2].dice.new.model_copy(update={"value": 0.31})}
        )}
    )  # fmt: skip
    gold = GOLD.model_copy(update={"structures": (*GOLD.structures[:2], weak)})
    text = model_card(make_card(gold=gold), version=3)
    assert "Poor (mean Dice below 0.7): prostate, stomach (gold test)." in text
    assert "Nobody measured: spleen, liver lesion." in text
    assert "Measured on too few patients to say much: prostate." in text


@pytest.mark.parametrize("refit", [None, "models/x/refit.safetensors"])
def test_a_card_says_which_weights_are_given_away(refit: str | None) -> None:
    model = MODEL.model_copy(update={"refit": refit})
    text = model_card(make_card(model=model), version=3)
    assert ("one model of all scans" in text) == (refit is not None)


def test_without_gold_a_card_claims_nothing() -> None:
    text = model_card(make_card(gold=None, test=(), verdict="not promoted: no gold"), version=1)
    assert "It was **not measured**" in text
    assert "Nobody measured it: there was no gold." in text
    assert "Dice (95 %)" not in text


def test_lesions_have_their_operating_points() -> None:
    text = model_card(make_card(lesions=make_detection(make_site())), version=3)
    assert "### Lesions" in text
    assert "guaranteed sensitivity" in text
    assert "### Lesions" not in model_card(make_card(), version=3)


def test_the_short_card_fits_into_any_registry() -> None:
    text = short_card(make_card(), version=3)
    assert len(text) < 2000
    assert "not a medical device" in text
    assert "9f31c0de" in text
