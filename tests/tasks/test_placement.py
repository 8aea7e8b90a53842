"""Where the shards of a run would go."""

from __future__ import annotations

import time

import pytest
from distributed import Client, LocalCluster

from scalemai_core.settings.engine import ComputeSettings
from tasks import placement
from tasks.runtime import workers

PATIENCE_SECONDS = 60


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_run_that_waits_for_its_first_worker_says_so(
    num_workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    with LocalCluster(n_workers=num_workers, processes=False, dashboard_address=":0") as cluster:
        compute = ComputeSettings(dask=str(cluster.scheduler_address))
        with caplog.at_level("WARNING", logger="scalemai.placement"), workers(compute):
            pass
    assert ("waiting for one to join" in caplog.text) is (num_workers == 0)


def test_work_that_all_workers_have_left_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compute = ComputeSettings(gpu_resource="GPU")
    with (
        LocalCluster(n_workers=1, processes=False, dashboard_address=":0") as cluster,
        Client(cluster) as client,
        caplog.at_level("WARNING", logger="scalemai.placement"),
    ):
        monkeypatch.setattr(placement, "_client", lambda: client)
        placement.warn_if_nobody_works("judge", compute)
        assert "waits" not in caplog.text
        placement.warn_if_nobody_works("predict", compute)
        assert "predict waits: Dask has no worker that offers 'GPU' left" in caplog.text
        cluster.scale(0)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while client.scheduler_info()["workers"]:
            assert time.monotonic() < deadline, "the worker never left"
            time.sleep(0.05)
        placement.warn_if_nobody_works("judge", compute)
        assert "judge waits: Dask has no worker left" in caplog.text
