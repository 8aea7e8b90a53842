"""Where the shards of a run would go."""

from __future__ import annotations

import pytest
from distributed import LocalCluster

from scalemai_core.settings.engine import ComputeSettings
from tasks.runtime import workers


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_run_that_waits_for_its_first_worker_says_so(
    num_workers: int, caplog: pytest.LogCaptureFixture
) -> None:
    with LocalCluster(n_workers=num_workers, processes=False, dashboard_address=":0") as cluster:
        compute = ComputeSettings(dask=str(cluster.scheduler_address))
        with caplog.at_level("WARNING", logger="scalemai.placement"), workers(compute):
            pass
    assert ("waiting for one to join" in caplog.text) is (num_workers == 0)
