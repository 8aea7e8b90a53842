"""What the workers of a run are given."""

from __future__ import annotations

import resource

import numpy as np
from distributed import Client, LocalCluster

from scalemai_core.settings.engine import ComputeSettings
from tasks.runtime import workers

NUM_ARRAYS = 200
PAGES_OF_ARRAY = 400
"""1.6 MB of pages that a kernel hands out."""


def pages_of_arrays() -> int:
    """How often the kernel is asked for a page while one array after the other is made."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(NUM_ARRAYS):
        np.ones(PAGES_OF_ARRAY * 4096, dtype=np.uint8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_a_worker_keeps_what_arrays_have_freed() -> None:
    with LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=":0") as cluster:
        with Client(cluster, set_as_default=False) as client:
            before = client.submit(pages_of_arrays, pure=False).result()
        with (
            workers(ComputeSettings(dask=str(cluster.scheduler_address))),
            Client(cluster, set_as_default=False) as client,
        ):
            after = client.submit(pages_of_arrays, pure=False).result()
    assert before > NUM_ARRAYS * PAGES_OF_ARRAY / 2, "Dask changed: is the plugin needed still?"
    assert after < NUM_ARRAYS * PAGES_OF_ARRAY / 10
