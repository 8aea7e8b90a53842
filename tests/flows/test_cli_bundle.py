"""What consumers get besides the model in MLflow: a bundle for MONAI, and the card."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import mlflow
import pytest
from command_line import Scalemai
from small_population import AfterOneRound

from scalemai_core.records.card import ModelCard, card_path
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.store.workspace import Workspace
from tasks.card import read_card
from tasks.tracking.registry import Tracker

pytestmark = pytest.mark.flow


def test_every_registered_version_has_a_bundle_and_says_what_it_is(
    first_round: AfterOneRound,
) -> None:
    store = first_round.store
    models = Tracker(store, TrackingSettings()).models()
    client = mlflow.MlflowClient()
    assert len(models) == 2
    for model in models:
        version = client.get_model_version("scalemai", str(model.version))
        assert version.run_id is not None
        inside = {file.path for file in client.list_artifacts(version.run_id, "bundle")}
        assert inside == {f"bundle/{name}" for name in ("LICENSE", "configs", "docs", "models",
                                                        "scripts")}  # fmt: skip
        digest = store.catalog.version(model.dataset_version).digest
        assert digest in version.description
        assert "not a medical device" in version.description
        assert len(version.description) < 5000, "some registries keep no more"


def test_a_bundle_is_written_to_a_folder_with_the_numbers_of_its_round(
    scalemai: Scalemai, first_round: AfterOneRound, tmp_path: Path
) -> None:
    url, folder = first_round.store.url, tmp_path / "bundle"
    found = scalemai("bundle", url, folder, "--version", 2, "--json").document
    assert found["model"]["version"] == 2
    meta = json.loads((folder / "configs" / "metadata.json").read_text())
    assert meta["version"] == "2.0.0"
    text = (folder / "docs" / "README.md").read_text()
    gold = first_round.result.gold
    assert gold is not None
    assert f"mean Dice is **{gold.mean_dice:.3f}**" in text
    assert "| liver | " in text
    assert "models/model.safetensors" not in text
    again = scalemai("bundle", url, folder, "--version", 2)
    assert again.code == 2
    assert "is not empty" in again.err
    assert "no model version 9" in scalemai("bundle", url, tmp_path / "x", "--version", 9).err
    assert scalemai("bundle", url, tmp_path / "champion").code == 0


def test_a_card_counts_whom_the_model_learned_from(first_round: AfterOneRound) -> None:
    store = first_round.store
    newest = Tracker(store, TrackingSettings()).models()[-1]
    card = read_card(store, newest.key)
    dataset = store.catalog.version(newest.dataset_version)
    annotations = store.catalog.annotations(dataset)
    assert card.dataset == dataset
    assert card.trained.patients == 7, "the gold patients taught nothing"
    (source,) = card.trained.sources
    assert (source.source, source.scans) == ("population", card.trained.scans)
    masks = sum(one.masks for one in card.trained.masks) + card.trained.held
    gold = {one.origin for one in card.trained.masks} & {"gold", "none"}
    assert not gold
    assert 0 < masks < annotations.height
    assert card.test
    assert all(one.patients >= 1 and 0 <= one.dice <= 1 for one in card.test)


def test_a_model_older_than_cards_still_has_one_without_numbers(
    copied: Callable[[str], Workspace],
) -> None:
    store = copied("old")
    newest = Tracker(store, TrackingSettings()).models()[-1]
    before = read_card(store, newest.key)
    Path(store.url, card_path(newest.key)).unlink()
    after = read_card(store, newest.key)
    assert isinstance(after, ModelCard)
    assert after.gold is None
    assert after.trained == before.trained
