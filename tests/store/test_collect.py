"""What nothing refers to goes, when it is old enough; what anything refers to stays."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from made_up_rounds import make_result
from made_up_workspace import CRITIC, GIVEN_UP, Made, take_in, weights

from scalemai_core.errors import ClaimedError, UsageError, WorkspaceError
from scalemai_core.records.label_map import Layer
from scalemai_core.records.pin import DroppedVersion
from scalemai_core.store.catalog.delta_tables import DeltaTables
from scalemai_core.store.documents.claim import INGEST, ROUND, claimed
from scalemai_core.store.files import Files
from scalemai_core.store.keeping.collect import (
    Collection,
    CollectSettings,
    collect,
    plan_collection,
)
from scalemai_core.store.keeping.references import find_references
from scalemai_core.store.keeping.verify import verify

NOW = timedelta(0)


def settings(**changes: object) -> CollectSettings:
    return CollectSettings(**{"grace": NOW, **changes})  # pyright: ignore[reportArgumentType]


def kinds(found: Collection) -> dict[str, int]:
    return {kind: number for kind, number, _ in found.summary()}


def is_whole(made: Made) -> bool:
    return verify(made.store, every=True, sample=None, threads=2).whole


def everything(made: Made) -> set[str]:
    rooms = ("scans", "labels", "predictions", "models", "rounds", "catalog", "champions")
    return {path for room in rooms for path in made.store.files.listing(room)}


def test_orphans_go_and_nothing_else(anywhere: Made) -> None:
    before = everything(anywhere)
    told = plan_collection(anywhere.store, settings())
    assert everything(anywhere) == before, "a dry run changes nothing"
    assert kinds(told) == {"label map": 1, "scan": 1, "part of a killed shard": 1}
    assert all(size > 0 for _, _, size in told.summary())
    gone = collect(anywhere.store, settings())
    assert gone == told
    left = everything(anywhere)
    assert before - left == {path for one in told.garbage for path in one.paths}
    assert not any(anywhere.orphan_map in path or anywhere.orphan_scan in path for path in left)
    assert is_whole(anywhere)
    assert collect(anywhere.store, settings()).garbage == (), "a second one finds nothing"


def test_what_is_young_stays(made: Made) -> None:
    assert collect(made.store, CollectSettings()).garbage == ()
    assert made.store.scans.exists(made.orphan_scan)


def test_an_unfinished_round_keeps_ledger_predictions_and_trainings(anywhere: Made) -> None:
    files = anywhere.store.files
    checkpoint = f"models/{GIVEN_UP}/fold_0.checkpoint.safetensors"
    files.write_bytes(checkpoint, weights())
    before = {
        p for p in everything(anywhere) if p.startswith(("rounds/2", "predictions", "models"))
    }
    collect(anywhere.store, settings(predictions=True, keep_versions=1))
    assert before <= everything(anywhere)
    assert anywhere.versions[1].number not in {one.number for one in anywhere.store.dropped.read()}
    assert is_whole(anywhere)

    anywhere.store.write_document("rounds/2/result.json", make_result(number=2))
    found = kinds(collect(anywhere.store, settings()))
    assert found == {"training given up": 1, "part of a killed shard": 1}
    assert not files.exists(checkpoint)
    assert kinds(collect(anywhere.store, settings(predictions=True))) == {"prediction": 2}
    assert not anywhere.store.predictions.exists(CRITIC, anywhere.scans[0], Layer.ANATOMY)
    assert is_whole(anywhere)


def test_predictions_outlive_the_model_that_an_unfinished_round_has_lost(made: Made) -> None:
    made.store.files.remove(f"models/{CRITIC}/model.json")
    collect(made.store, settings(predictions=True))
    assert made.store.predictions.exists(CRITIC, made.scans[0], Layer.ANATOMY)


def test_what_a_ledger_or_a_round_names_stays(made: Made) -> None:
    rows = pl.DataFrame({"scan_id": [made.orphan_scan], "label_map": [made.orphan_map]})
    made.store.ledger(2, "revise", "bbbbbbbbbb").write(["x"], rows)
    assert kinds(collect(made.store, settings())) == {"part of a killed shard": 1}
    assert made.store.scans.exists(made.orphan_scan)
    made.store.write_document("rounds/2/result.json", make_result(number=2))
    made.store.round(1).write("items", pl.DataFrame({"third_map": [made.orphan_map]}))
    assert "label map" not in kinds(collect(made.store, settings()))
    assert made.store.labels.read(made.orphan_map).any()


def test_an_ingestion_that_was_interrupted_keeps_what_its_ledger_has(made: Made) -> None:
    said = f'{{"stored": {{"scan": "{made.orphan_scan}", "maps": ["{made.orphan_map}"]}}}}'
    ledger = made.store.ledger(0, "ingest", "cccccccccc")
    ledger.write(["case"], pl.DataFrame({"scan_id": ["case"], "ingested": [said]}))
    collect(made.store, settings())
    assert made.store.scans.exists(made.orphan_scan)
    assert made.store.labels.read(made.orphan_map).any()


def test_dropped_versions_lose_their_state_and_pinned_ones_keep_it(anywhere: Made) -> None:
    store = anywhere.store
    third, fourth = take_in(store, "c", 3, 5), take_in(store, "d", 4, 6)
    store.pins.pin(third.number, "paper")
    store.write_document("rounds/2/result.json", make_result(number=2))
    states = {v.number: store.catalog.annotations(v) for v in store.catalog.versions()}
    gone = collect(store, settings(keep_versions=1))
    # 1 is the version of the champion's model, 3 is pinned, 4 is the newest.
    assert [version.number for version in gone.dropped] == [2]
    assert kinds(gone)["table file"] == 2
    for version in (anywhere.versions[0], third, fourth):
        assert store.catalog.annotations(version).equals(states[version.number])
    assert store.catalog.changes(anywhere.versions[0], fourth).height > 0
    with pytest.raises(WorkspaceError, match="dropped"):
        store.catalog.annotations(anywhere.versions[1])
    assert [v.number for v in store.catalog.versions()] == [1, 2, 3, 4], "its row stays"
    assert is_whole(anywhere)
    store.pins.unpin(third.number)
    assert [v.number for v in collect(store, settings(keep_versions=1)).dropped] == [3]
    with pytest.raises(UsageError, match=r"not pinned \(pinned: none\)"):
        store.pins.unpin(third.number)
    fifth = take_in(store, "e", 5, 7)
    assert store.catalog.scans(fifth).height == 5


def test_table_files_of_commits_that_lost_their_race_go_without_a_version(made: Made) -> None:
    catalog = made.store.catalog
    rows = catalog.annotations(made.versions[1])
    for _ in range(2):  # the newest state stays: a commit may be about to name it
        DeltaTables(made.store.files).write("annotations", rows, "overwrite")
    assert kinds(collect(made.store, settings()))["table file"] == 1
    assert is_whole(made)


def test_nothing_goes_while_a_round_or_an_ingestion_runs(anywhere: Made) -> None:
    for what in (ROUND, INGEST):
        with claimed(anywhere.store.files, what, f"somebody's {what}"):
            with pytest.raises(ClaimedError, match=f"somebody's {what}"):
                collect(anywhere.store, settings())
            assert plan_collection(anywhere.store, settings()).garbage
    assert anywhere.store.scans.exists(anywhere.orphan_scan)
    collect(anywhere.store, settings())
    for what in (ROUND, INGEST):
        anywhere.store.claims(what).take("next")


def test_nothing_goes_while_a_document_cannot_be_read(made: Made) -> None:
    made.store.files.write_bytes("rounds/1/decisions.parquet", b"PAR1")
    with pytest.raises(WorkspaceError, match=r"rounds/1/decisions.parquet cannot be read.*verify"):
        collect(made.store, settings())
    assert made.store.scans.exists(made.orphan_scan)


class Killed(BaseException):
    """As abrupt as a kill, in one process."""


@pytest.mark.parametrize("survives", range(0, 14, 3))
def test_killed_anywhere_and_run_again_it_ends_where_it_would_have(
    made: Made, monkeypatch: pytest.MonkeyPatch, survives: int
) -> None:
    store = made.store
    take_in(store, "c", 3, 5)
    store.write_document("rounds/2/result.json", make_result(number=2))
    wish = settings(keep_versions=1, predictions=True)
    expected = everything(made) - {
        path for one in plan_collection(store, wish).garbage for path in one.paths
    }
    one_by_one, left = Files.remove_all, [survives]

    def remove_all(self: Files, paths: Sequence[str]) -> None:
        for path in paths:
            if not left[0]:
                raise Killed
            left[0] -= 1
            one_by_one(self, [path])

    monkeypatch.setattr(Files, "remove_all", remove_all)
    with pytest.raises(Killed):
        collect(store, wish)
    monkeypatch.undo()
    assert is_whole(made), "what is referred to is whole in between"
    collect(store, wish)
    logs = "/_delta_log/"
    assert {p for p in everything(made) if logs not in p} == {p for p in expected if logs not in p}
    assert is_whole(made)


def test_voxels_stay_while_the_document_that_shows_them_does(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a bucket that answers one key of a request with an error."""
    whole = Files.remove_all

    def fail_some(files: Files, paths: Sequence[str]) -> None:
        whole(files, [path for path in paths if not path.endswith(".ome.zarr/zarr.json")])

    monkeypatch.setattr(Files, "remove_all", fail_some)
    with pytest.raises(WorkspaceError, match="run the collection again"):
        collect(made.store, settings())
    assert made.store.labels.read(made.orphan_map).any()
    monkeypatch.undo()
    collect(made.store, settings())
    assert f"labels/{made.orphan_map}.ome.zarr/zarr.json" not in everything(made)


def test_scratch_files_of_killed_writers_go_from_a_disk(made: Made) -> None:
    folder = made.store.files.folder
    assert folder is not None
    volume = f"scans/{made.scans[0]}.ome.zarr"
    names = ("rounds/1/.plan.json.0a1b2c3d", f"{volume}/0/c.0.0.0.{'ab' * 16}.partial")
    for name in names:
        (folder / name).write_bytes(b"half")
    found = plan_collection(made.store, settings())
    assert kinds(found)["scratch file"] == 2
    collect(made.store, settings())
    assert not any((folder / name).exists() for name in names)
    assert made.store.scans.read(made.scans[0]).any()


def test_what_an_ingestion_brought_goes_when_its_versions_have_gone(anywhere: Made) -> None:
    """Its ledger names its label maps for ever; only before the commit they count."""
    store = anywhere.store
    version = take_in(store, "c", 3, 5)
    (label_map,) = set(store.catalog.annotations(version).drop_nulls("label_map")["label_map"]) - {
        *anywhere.label_maps
    }
    ledger = store.ledger(0, "ingest", version.message.removeprefix("ingestion "))
    ledger.write(["c"], pl.DataFrame({"scan_id": ["c"], "ingested": [label_map]}))
    gone = DroppedVersion(number=version.number, person="me", dropped=datetime.now(UTC))
    store.dropped.append("3", gone)
    left = find_references(store, anywhere.versions)
    assert label_map not in left.mentioned
    assert not left.holds_label_map(label_map)
