"""What MLflow shows of a training: one run a fold model, by step, whatever is killed."""

from __future__ import annotations

import socket
from io import BytesIO
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.exceptions import MlflowException
from PIL import Image
from prefect.client.schemas.actions import ArtifactCreate

from scalemai_core.errors import ClaimLostError, UsageError
from scalemai_core.page.draw.patch import GAP_PX, PANEL_PX, draw_patch
from scalemai_core.records.label_map import Layer
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import Part, TrainingPlan
from scalemai_core.records.version import ModelVersion
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.settings.learning import InputSettings, NetworkSettings, TrainSettings
from scalemai_core.store.arrays.ome import color_of
from scalemai_core.store.documents.claim import ROUND, claimed
from scalemai_core.store.workspace import Workspace
from tasks.champion import critic_key
from tasks.titles import artifact_key
from tasks.tracking.registry import Tracker
from tasks.tracking.tags import FOLD_TAG, KEY_TAG
from tasks.tracking.training import TrainingRun
from tasks.watch import Watch, bar_key

SETTINGS = TrackingSettings()
PLAN = TrainingPlan(
    workspace="",
    key="abc",
    fold=1,
    cases=(),
    channels={Layer.ANATOMY: ("spleen",)},
    network=NetworkSettings(),
    input=InputSettings(),
    train=TrainSettings(),
)


def at(step: int) -> TrainingProgress:
    return TrainingProgress(
        step=step,
        steps=30,
        loss=1 / step,
        gradient_norm=2.0,
        learning_rate=1e-3,
        patches_per_second=4.0,
        waiting=0.25,
        seconds_left=1.0,
        composition={Part.TRUSTED: 0.75, Part.SYNTHETIC: 0.25},
    )


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    return Workspace.create(str(tmp_path / "workspace"))


def test_a_training_that_goes_on_goes_on_in_the_same_run(store: Workspace) -> None:
    run = TrainingRun(store, SETTINGS, PLAN)
    for step in (10, 20):
        run.log(at(step))
    run.fail()
    again = TrainingRun(store, SETTINGS, PLAN)
    assert not again.finished
    for step in (10, 20, 30):  # from the checkpoint, steps are made a second time
        again.log(at(step))
    again.finish({"patch-1.png": b"picture"})
    assert TrainingRun(store, SETTINGS, PLAN).finished

    client = mlflow.MlflowClient()
    (found,) = client.search_runs([client.get_experiment_by_name("scalemai").experiment_id])
    assert (found.data.tags[KEY_TAG], found.data.tags[FOLD_TAG]) == ("abc", "1")
    assert found.info.status == "FINISHED"
    points = client.get_metric_history(found.info.run_id, "loss")
    assert [(point.step, point.value) for point in points] == [(n, 1 / n) for n in (10, 20, 30)]
    assert found.data.metrics["share_synthetic"] == 0.25
    (picture,) = client.list_artifacts(found.info.run_id, "examples")
    assert picture.path == "examples/patch-1.png"


def test_a_server_that_is_not_there_is_one_clear_error(
    store: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    lost = TrackingSettings(uri=f"http://127.0.0.1:{port}")
    with pytest.raises(UsageError, match="does not answer"):
        TrainingRun(store, lost, PLAN)
    with pytest.raises(UsageError, match="does not answer"):
        Tracker(store, lost).models()


def test_a_server_without_models_has_none(store: Workspace) -> None:
    assert Tracker(store, SETTINGS).models() == ()


def test_another_workspaces_model_is_neither_gone_on_from_nor_dethroned(
    store: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = Tracker(store, SETTINGS)
    theirs = ModelVersion(version=1, key="theirs", round=1, dataset_version=1)
    monkeypatch.setattr(Tracker, "models", lambda _: (theirs,))
    with pytest.raises(UsageError, match=r"version 1 \(theirs\) is not in .*tracking.model=NAME"):
        tracker.own_models()
    with pytest.raises(UsageError, match="another workspace's model"):
        critic_key(store, SETTINGS)
    store.files.write_bytes("models/theirs/model.json", b"{}")
    assert tracker.own_models() == (theirs,)
    assert critic_key(store, SETTINGS) == "theirs"


def test_a_training_ends_soon_after_another_process_plays_its_round(store: Workspace) -> None:
    training = PLAN.model_copy(update={"workspace": store.url})
    with claimed(store.files, ROUND, "slow round") as claim:
        watch = Watch(training, TrainingRun(store, SETTINGS, training), 1, claim.number, 1)
        store.claims(ROUND).dismiss()
        with pytest.raises(ClaimLostError, match="taken over"):
            watch(at(10))


def test_a_server_that_fails_later_costs_numbers_and_not_the_training(
    store: Workspace, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    run = TrainingRun(store, SETTINGS, PLAN)
    asked: list[object] = []

    def fail(*arguments: object, **_: object) -> None:
        asked.append(arguments)
        raise MlflowException("gone")

    monkeypatch.setattr(mlflow.MlflowClient, "log_batch", fail)
    for step in (10, 20):
        run.log(at(step))
    assert len(asked) == 1, "a server that is down is left alone for a while"
    assert "gone" in caplog.text


def test_the_bar_of_every_training_has_a_name_that_prefect_takes() -> None:
    plans = [PLAN, PLAN.model_copy(update={"fold": None})]
    keys = [artifact_key("s3://bucket/CT of_2026/", bar_key(plan)) for plan in plans]
    assert keys == ["ct-of-2026-training-abc-fold-1", "ct-of-2026-training-abc-refit"]
    assert [ArtifactCreate(key=key, type="progress", data=0.0).key for key in keys] == keys


def test_a_server_that_takes_no_pictures_still_closes_the_run(
    store: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise MlflowException("no artifacts here")

    monkeypatch.setattr(mlflow.MlflowClient, "log_artifacts", fail)
    TrainingRun(store, SETTINGS, PLAN).finish({"patch-1.png": b"picture"})
    assert TrainingRun(store, SETTINGS, PLAN).finished


def test_a_patch_is_drawn_with_its_labels_and_its_prediction_beside_it() -> None:
    image_zyx = np.full((4, 10, 10), 0.5, dtype=np.float32)
    labels_zyx = np.zeros((4, 10, 10), dtype=np.uint8)
    labels_zyx[2, 5:, 5:] = 7  # anterior, and on the patient's right: left upper corner
    png = draw_patch(image_zyx, labels_zyx, np.zeros_like(labels_zyx))
    picture = np.asarray(Image.open(BytesIO(png)))
    assert picture.shape == (PANEL_PX, 3 * PANEL_PX + 2 * GAP_PX, 3)
    panels = [picture[:, n * (PANEL_PX + GAP_PX) :][:, :PANEL_PX] for n in range(3)]
    assert np.ptp(panels[0]) == np.ptp(panels[2]) == 0
    corner, rest = panels[1][10, 10].astype(int), panels[1][-10, -10].astype(int)
    assert rest.tolist() == panels[0][0, 0].tolist()
    assert (np.sign(corner - rest) == np.sign(np.array(color_of(7)) - rest)).all()
