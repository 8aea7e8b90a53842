"""A round whose requests to the object store are throttled, cut and delayed: the same digest."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import s3fs
from faulty_network import Network, Weather, bad_weather
from running_services import Room, remove_all, room
from small_population import offer, small_settings

from flows.em_round import em_round
from flows.ingest import ingest
from scalemai_core.records.round import RoundResult
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.degrade import DegradeSettings
from scalemai_core.synthesize.phantoms import PhantomSettings
from scalemai_core.synthesize.population import write_population

pytestmark = pytest.mark.services

SLOW_S = float(os.environ.get("SCALEMAI_TEST_SLOW_SECONDS", "0.5"))
"""What a delayed request waits: half a second keeps CI short, 5 is the real thing."""


@pytest.fixture(scope="module")
def patients(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As few as a round takes."""
    folder = tmp_path_factory.mktemp("patients")
    phantoms = PhantomSettings(spacing_mm=8.0, lesions=0.0)
    write_population(folder, seed=2, count=4, settings=phantoms, degrade=DegradeSettings())
    return folder


@pytest.fixture
def own_room() -> Iterator[Room]:
    with room() as found:
        yield found


@contextmanager
def behind(network: Network | None) -> Iterator[None]:
    """Reach the store through a network."""
    with pytest.MonkeyPatch.context() as patch:
        if network is not None:
            patch.setenv("AWS_ENDPOINT_URL", network.url)
        s3fs.S3FileSystem.clear_instance_cache()
        yield
    s3fs.S3FileSystem.clear_instance_cache()


def digest(url: str, patients: Path, name: str, network: Network | None) -> str:
    """Of the dataset version that ingestion and a round make."""
    settings = small_settings(review={"mode": "skip"}, tracking={"model": name})
    with behind(network):
        store = Workspace.create(url, patient_key="key of the patients")
        ingest(offer(url, patients), settings.compute)
        result = em_round(url, settings)
        assert isinstance(result, RoundResult)
        assert (result.failed_scans, result.set_aside) == (0, {})
        return store.catalog.version(result.dataset_version).digest


def test_a_round_ends_with_the_same_digest_whatever_the_network_does(
    own_room: Room, patients: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    calm = digest(str(tmp_path / "ws"), patients, "calm", None)
    weather = Weather(busy=0.05, cut=0.01, slow=0.01, slow_s=SLOW_S, seed=7)
    with bad_weather(os.environ["AWS_ENDPOINT_URL"], weather) as network:
        rough = digest(f"{own_room.workspace}/rough", patients, "rough", network)
    assert rough == calm
    assert network.counts["busy"] > 10
    assert network.counts["cut"] > 0
    assert network.counts["slow"] > 0
    remove_all(f"{own_room.workspace}/rough")
