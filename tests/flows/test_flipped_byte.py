"""One flipped byte in an object of the store: found, named, and never used by a round."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from small_population import AfterOneRound, small_settings

from flows.em_round import em_round
from flows.overview import overview
from scalemai_core.records.round import RoundResult
from scalemai_core.settings.engine import TrackingSettings
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.workspace import Workspace

pytestmark = pytest.mark.flow


def flip(path: Path) -> None:
    """Change one byte in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)


def voxels(store: Workspace, kind: str, name: str) -> Path:
    """The object that holds a volume's voxels; a small label map's documents are bigger."""
    return Path(store.url) / kind / f"{name}.ome.zarr" / "0" / "c.0.0.0"


def test_scans_with_a_flipped_byte_are_named_and_the_round_ends_without_them(
    copied: Callable[[str], Workspace], undisturbed: AfterOneRound
) -> None:
    store = copied("flipped")
    version = store.catalog.version(3)
    scans = store.catalog.scans(version)
    image, labels = scans.filter(scans["gold"].is_null())["scan_id"].to_list()[:2]
    flip(voxels(store, "scans", image))
    label_map = store.catalog.annotations(version, [labels])["label_map"].drop_nulls()[0]
    flip(voxels(store, "labels", label_map))
    result = em_round(store.url, small_settings(review={"mode": "skip"}))
    assert isinstance(result, RoundResult)
    assert result.failed_scans == 2
    listed = overview(store.url, TrackingSettings(), ReviewSettings())["set_aside"]
    predicted = {one["scan"]: one["reason"] for one in listed if one["stage"] == "predict"}
    assert predicted.keys() == {image, labels}
    assert all("checksum" in reason.lower() for reason in predicted.values())
    assert any(reason.startswith("predict: ") for reason in result.set_aside)
    after = store.catalog.version(result.dataset_version)
    before = store.catalog.annotations(version, [image, labels])
    assert store.catalog.annotations(after, [image, labels]).equals(before), "their labels stay"
    others = [scan for scan in scans["scan_id"] if scan not in (image, labels)]
    calm = undisturbed.store.catalog
    last = calm.version(undisturbed.result.dataset_version)
    assert after.digest != last.digest
    assert set(store.catalog.annotations(after, others)["scan_id"]) == set(
        calm.annotations(last, others)["scan_id"]
    )
