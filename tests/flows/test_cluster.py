"""On a cluster, work goes where it can be done, and a training takes several machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dask_hosts import Placements, hosts
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from small_population import AfterOneRound, small_settings

from flows.em_round import em_round
from scalemai_core.errors import UsageError
from scalemai_core.records.round import RoundResult
from scalemai_core.settings.engine import ComputeSettings
from scalemai_core.store.workspace import Workspace
from tasks import models
from tasks.pace import round_paces
from tasks.placement import free_gpus, placed, training_nodes
from tasks.runtime import workers

pytestmark = pytest.mark.flow

GPU_HOSTS = {"127.0.0.2", "127.0.0.3"}


@pytest.fixture(scope="module")
def cluster(prefect: None) -> Iterator[tuple[ComputeSettings, Placements]]:
    """Two machines with a GPU and one without."""
    with hosts(with_gpu=2, without=1) as (address, placements):
        yield ComputeSettings(dask=address, gpu_resource="GPU", nodes=2), placements


@task(cache_policy=NO_CACHE)
def gpu_work(number: int) -> int:
    """Nothing, for a GPU."""
    return number


@task(cache_policy=NO_CACHE)
def hold_a_model(workspace: str, key: str) -> int:
    """Load a model as a shard does; how many the worker holds."""
    compute = ComputeSettings(device="cpu")
    models.ensemble(workspace, models.model_document(Workspace.open(workspace), key), compute)
    return models._predictor.cache_info().currsize


@task(cache_policy=NO_CACHE)
def held() -> int:
    """Models that the worker holds."""
    return models._predictor.cache_info().currsize


def inside_a_flow(compute: ComputeSettings, look: Callable[[], Any]) -> Any:
    """What ``look`` sees where a flow's tasks run on the cluster."""

    @flow(name="a flow")
    def some_flow() -> list[Any]:
        return [look()]

    with workers(compute) as runner:
        return some_flow.with_options(task_runner=runner)()[0]


def test_what_needs_a_gpu_goes_where_one_is(cluster: tuple[ComputeSettings, Placements]) -> None:
    compute, placements = cluster

    def look() -> list[int]:
        with placed("predict", compute):
            futures = [gpu_work.submit(number) for number in range(8)]
        return [future.result() for future in futures]

    assert inside_a_flow(compute, look) == [*range(8)]
    assert placements.hosts("gpu_work") == GPU_HOSTS


def test_work_that_no_worker_can_do_is_refused_at_once(
    cluster: tuple[ComputeSettings, Placements],
) -> None:
    lost = cluster[0].model_copy(update={"gpu_resource": "TPU"})
    with pytest.raises(UsageError, match=r"no worker of .* offers .*TPU"):
        inside_a_flow(lost, list)


def test_each_training_gets_its_machines_and_a_meeting_place_of_its_own(
    cluster: tuple[ComputeSettings, Placements],
) -> None:
    compute = cluster[0]
    one, other = inside_a_flow(compute, lambda: [training_nodes(compute) for _ in range(2)])
    for nodes in (one, other):
        assert {urlsplit(node.worker).hostname for node in nodes} == GPU_HOSTS
        assert len({node.compute.rendezvous for node in nodes}) == 1
        assert nodes[0].compute.rendezvous.startswith("127.0.0.2:")
    assert one[0].compute.rendezvous != other[0].compute.rendezvous
    named = compute.model_copy(update={"rendezvous": "somewhere:29400"})
    (first, _) = inside_a_flow(named, lambda: training_nodes(named))
    assert first.compute.rendezvous == "somewhere:29400"
    many = compute.model_copy(update={"nodes": 3})
    with pytest.raises(UsageError, match="on 2 machines"):
        inside_a_flow(many, lambda: training_nodes(many))


def test_predictors_give_the_gpus_back(
    cluster: tuple[ComputeSettings, Placements], first_round: AfterOneRound
) -> None:
    compute, url = cluster[0], first_round.store.url
    key = min(path.name for path in (Path(url) / "models").iterdir())

    def look() -> list[int]:
        before = hold_a_model.submit(url, key).result()
        free_gpus(compute)
        return [before, *(held.submit().result() for _ in range(2))]

    alone = compute.model_copy(update={"nodes": 1})
    assert inside_a_flow(alone, look) == [1, 0, 0]


@pytest.mark.slow
def test_a_round_over_three_machines_makes_the_same_dataset(
    cluster: tuple[ComputeSettings, Placements],
    copied: Callable[[str], Workspace],
    undisturbed: AfterOneRound,
) -> None:
    compute, placements = cluster
    store = copied("machines")
    own = {"dask": compute.dask, "gpu_resource": "GPU", "nodes": 2, "shard_size": 3}
    result = em_round(store.url, small_settings(compute=own, review={"mode": "skip"}))
    assert isinstance(result, RoundResult)
    same = undisturbed.store.catalog.version(undisturbed.result.dataset_version)
    assert store.catalog.version(result.dataset_version).digest == same.digest
    assert placements.hosts("predict_shard") <= GPU_HOSTS
    assert placements.hosts("evaluate_shard") <= GPU_HOSTS
    assert placements.hosts("train_on_node") == GPU_HOSTS
    assert placements.hosts("judge_shard")
    paces = {pace.stage: pace for pace in round_paces(store, 2)}
    assert {"predict", "judge", "training fold 0", "training fold 1"} <= paces.keys()
    assert paces["predict"].done == paces["predict"].total == len(undisturbed_scans(undisturbed))
    assert paces["training fold 0"].unit == "steps"


def undisturbed_scans(after: AfterOneRound) -> list[str]:
    """Scans that a critic looks at: all but the gold that selects and tests."""
    scans = after.store.catalog.scans(after.store.catalog.version(after.result.base_version))
    roles = scans["gold"].to_list()
    return [s for s, role in zip(scans["scan_id"], roles, strict=True) if role in (None, "fit")]
