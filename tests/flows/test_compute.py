"""Where the work runs does not change what comes out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_population import AfterOneRound, small_settings

from flows.em_round import em_round
from scalemai_core.records.round import RoundResult
from scalemai_core.store.arrays.ome import LEVEL
from scalemai_core.store.arrays.stored_array import SHARD
from scalemai_core.store.workspace import Workspace
from tasks.shards import failed_scans

pytestmark = pytest.mark.flow


@pytest.mark.slow
def test_a_dask_cluster_and_two_training_processes_give_the_same_dataset(
    copied: Callable[[str], Workspace], undisturbed: AfterOneRound
) -> None:
    store = copied("dask")
    settings = small_settings(
        compute={"dask": "local", "train_processes": 2, "shard_size": 3}, review={"mode": "skip"}
    )
    result = em_round(store.url, settings)
    assert isinstance(result, RoundResult)
    same = undisturbed.store.catalog.version(undisturbed.result.dataset_version)
    assert store.catalog.version(result.dataset_version).digest == same.digest
    assert result.decisions == undisturbed.result.decisions
    assert result.model_version == 3
    assert result.gold is not None


def test_a_damaged_scan_is_set_aside_with_its_reason_and_the_round_ends(
    copied: Callable[[str], Workspace], prefect: None
) -> None:
    store = copied("damaged")
    version = store.catalog.version(3)
    scans = store.catalog.scans(version)
    damaged = scans.filter(scans["gold"].is_null())["scan_id"][0]
    shard = Path(store.url) / "scans" / f"{damaged}.ome.zarr" / LEVEL / SHARD
    shard.write_bytes(shard.read_bytes()[:1000])
    result = em_round(store.url, small_settings(review={"mode": "skip"}))
    assert isinstance(result, RoundResult)
    assert result.failed_scans == 1
    (stage,) = (Path(store.url) / "rounds" / "2").glob("predict-*")
    failed = failed_scans(store, 2, "predict", stage.name.removeprefix("predict-"))
    assert failed["scan_id"].to_list() == [damaged]
    assert "is damaged" in failed["error"][0]
    after = store.catalog.version(result.dataset_version)
    before = store.catalog.annotations(version, [damaged])
    assert store.catalog.annotations(after, [damaged]).equals(before), "its labels stay"
