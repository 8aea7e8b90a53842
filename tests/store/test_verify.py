"""What is missing, torn or altered in a workspace is found and named; what is whole is not."""

from __future__ import annotations

import json

import pytest
from made_up_workspace import CRITIC, Made, flip

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.verification import Fault, Verification
from scalemai_core.store.files import Files
from scalemai_core.store.keeping.verify import verify


def look(made: Made, *, sample: int | None = None, last: bool = False) -> Verification:
    """Verify all versions or the last one."""
    return verify(made.store, every=not last, sample=sample, threads=2)


def damage(found: Verification) -> list[tuple[str, Fault]]:
    return [(one.path, one.fault) for one in found.damages]


def test_a_workspace_without_damage_is_whole(anywhere: Made) -> None:
    found = look(anywhere)
    assert found.damages == ()
    assert found.whole
    kinds = ("scan", "label map", "prediction", "dataset version", "label index", "model")
    assert [found.expected[kind] for kind in kinds] == [2, 2, 2, 2, 1, 3]
    assert found.read == found.expected
    assert found.unreferenced == {"scans": 1, "labels": 1}
    assert look(anywhere).whole, "remembered sums fit"


@pytest.mark.parametrize("place", [0.02, 0.5, 0.99])
def test_a_flipped_bit_in_a_scan_is_found_and_not_used(made: Made, place: float) -> None:
    volume = f"scans/{made.scans[0]}.ome.zarr"
    flip(made.store, f"{volume}/0/c.0.0.0", place)
    found = look(made)
    assert damage(found) == [(volume, Fault.ALTERED)]
    assert found.damages[0].wanted_by == "dataset version 2"
    assert "ingest" in found.damages[0].remedy
    with pytest.raises(WorkspaceError, match="checksum"):
        made.store.scans.read(made.scans[0])


def test_a_flipped_bit_in_a_label_map_is_found(anywhere: Made) -> None:
    volume = f"labels/{anywhere.label_maps[0]}.ome.zarr"
    flip(anywhere.store, f"{volume}/0/c.0.0.0")
    assert damage(look(anywhere)) == [(volume, Fault.ALTERED)]


def test_voxels_under_another_name_are_found_though_their_sums_fit(made: Made) -> None:
    one, two = (f"labels/{name}.ome.zarr" for name in made.label_maps)
    files = made.store.files
    files.write_bytes(f"{one}/0/c.0.0.0", files.read_bytes(f"{two}/0/c.0.0.0"))
    (found,) = look(made).damages
    assert (found.path, found.fault) == (one, Fault.ALTERED)
    assert "do not fit the name" in found.detail


def test_a_moved_patient_is_found_by_the_scans_name(made: Made) -> None:
    path = f"scans/{made.scans[0]}.ome.zarr/zarr.json"
    text = made.store.files.read_bytes(path)
    made.store.files.write_bytes(path, text.replace(b"-12.5", b"-12.4"))
    assert damage(look(made)) == [(path.removesuffix("/zarr.json"), Fault.ALTERED)]


@pytest.mark.parametrize(
    ("left_out", "fault"),
    [
        (("zarr.json",), Fault.TORN),
        (("0/zarr.json",), Fault.TORN),
        (("0/c.0.0.0",), Fault.TORN),
        (("zarr.json", "0/zarr.json", "0/c.0.0.0"), Fault.MISSING),
    ],
)
def test_a_volume_that_lost_objects_is_found_by_listing(
    made: Made, left_out: tuple[str, ...], fault: Fault
) -> None:
    volume = f"labels/{made.label_maps[1]}.ome.zarr"
    made.store.files.remove_all([f"{volume}/{name}" for name in left_out])
    assert damage(look(made, sample=1)) == [(volume, fault)]


def test_predictions_of_an_unfinished_round_are_looked_at(anywhere: Made) -> None:
    first, second = (f"predictions/{CRITIC}/{scan}/anatomy.ome.zarr" for scan in anywhere.scans)
    flip(anywhere.store, f"{first}/0/c.0.0.0")
    anywhere.store.files.remove_all([f"{second}/0/c.0.0.0"])
    found = look(anywhere)
    assert sorted(damage(found)) == sorted([(first, Fault.ALTERED), (second, Fault.TORN)])
    assert {one.wanted_by for one in found.damages} == {"round 2"}


@pytest.mark.parametrize(
    "path",
    [
        f"models/{CRITIC}/fold_1.safetensors",
        f"models/{CRITIC}/model.json",
        "champions/20260314T000000.000000-1.json",
        "rounds/1/decisions.parquet",
        "rounds/1/result.json",
        "rounds/1/plan.json",
    ],
)
def test_a_document_that_changed_since_the_first_look_is_found(made: Made, path: str) -> None:
    look(made)
    flip(made.store, path, 0.9)
    assert (path, Fault.ALTERED) in damage(look(made))


@pytest.mark.parametrize("path", ["rounds/1/decisions.parquet", "rounds/1/result.json"])
def test_a_document_that_was_there_at_the_first_look_is_missed(made: Made, path: str) -> None:
    look(made)
    made.store.files.remove(path)
    assert damage(look(made)) == [(path, Fault.MISSING)]


def test_the_lost_critic_of_an_unfinished_round_is_missed(made: Made) -> None:
    for path in (f"models/{CRITIC}/model.json", "champions/20260314T000000.000000-1.json"):
        made.store.files.remove(path)
    (found,) = look(made).damages
    assert (found.path, found.fault) == (f"models/{CRITIC}/model.json", Fault.MISSING)
    assert found.wanted_by == "round 2"


def test_documents_that_are_cut_off_or_gone_are_found_at_the_first_look(anywhere: Made) -> None:
    files, weights = anywhere.store.files, f"models/{CRITIC}/fold_0.safetensors"
    files.write_bytes(weights, files.read_bytes(weights)[:-3])
    files.write_bytes("rounds/1/result.json", b'{"number": ')
    files.remove(f"models/{CRITIC}/fold_1.safetensors")
    assert sorted(damage(look(anywhere))) == [
        (weights, Fault.TORN),
        (f"models/{CRITIC}/fold_1.safetensors", Fault.MISSING),
        ("rounds/1/result.json", Fault.ALTERED),
    ]


def test_weights_that_changed_are_found_at_the_first_look(anywhere: Made) -> None:
    weights = f"models/{CRITIC}/fold_0.safetensors"
    flip(anywhere.store, weights, 0.95)
    assert damage(look(anywhere)) == [(weights, Fault.ALTERED)]


def test_a_ledger_part_of_an_unfinished_round_is_looked_at(made: Made) -> None:
    folder = "rounds/2/predict-aaaaaaaaaa"
    (part,) = [n for n in made.store.files.names(folder) if n.endswith(".done")]
    made.store.files.write_bytes(f"{folder}/{part}", b"PAR1 and nothing else")
    (found,) = look(made).damages
    assert (found.path, found.fault) == (f"{folder}/{part}", Fault.ALTERED)
    assert "works its scans again" in found.remedy


def test_a_label_index_is_looked_at_where_there_is_one(made: Made) -> None:
    path = f"labels/{made.label_maps[0]}.places.parquet"
    made.store.files.write_bytes(path, b"PAR1")
    assert damage(look(made)) == [(path, Fault.ALTERED)]
    made.store.files.remove(path)
    assert look(made).whole, "an index that is not there is made again"


def annotation_file(made: Made, version: int) -> str:
    """The file that holds the annotations of a version, as the table's log names it."""
    table = "catalog/annotations"
    entry = f"{table}/_delta_log/{made.versions[version - 1].annotations_delta:020}.json"
    actions = made.store.files.read_bytes(entry).splitlines()
    (path,) = [action["add"]["path"] for line in actions if "add" in (action := json.loads(line))]
    return f"{table}/{path}"


def test_a_table_whose_file_is_gone_or_cut_is_found_in_the_versions_that_need_it(
    anywhere: Made,
) -> None:
    path = annotation_file(anywhere, 1)
    data = anywhere.store.files.read_bytes(path)
    anywhere.store.files.write_bytes(path, data[:-7])
    assert (path, Fault.TORN) in damage(look(anywhere))
    assert look(anywhere, last=True).whole, "the last version does not need it"
    anywhere.store.files.remove(path)
    found = look(anywhere)
    assert (path, Fault.MISSING) in damage(found)
    with pytest.raises(WorkspaceError, match="has lost files"):
        anywhere.store.catalog.annotations(anywhere.versions[0])


def test_a_version_that_does_not_hold_what_was_committed_is_found(made: Made) -> None:
    old, new = annotation_file(made, 1), annotation_file(made, 2)
    data = made.store.files.read_bytes(new)
    place = data.index(b"liver") if b"liver" in data else len(data) // 3
    made.store.files.write_bytes(new, data[:place] + b"\x00" + data[place + 1 :])
    found = look(made)
    assert ("catalog: version 2", Fault.ALTERED) in damage(found)
    assert old not in dict(damage(found))


def test_a_quick_look_reads_some_of_each_kind_and_lists_all(made: Made) -> None:
    found = look(made, sample=1)
    assert found.whole
    assert set(found.read.values()) == {1}
    assert found.expected["scan"] == 2
    assert not made.store.files.exists("verified.json")
    made.store.files.remove_all([f"scans/{made.scans[0]}.ome.zarr/0/c.0.0.0"])
    assert not look(made, sample=1).whole


def test_nothing_is_asked_for_one_by_one_to_see_whether_it_is_there(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    whole = Files.exists

    def exists(self: Files, path: str) -> bool:
        asked.append(path)
        return whole(self, path)

    monkeypatch.setattr(Files, "exists", exists)
    look(made, sample=1)
    assert [path for path in asked if path.startswith(("scans", "labels", "predictions"))] == []


@pytest.mark.parametrize("name", ["versions", "changes"])
def test_a_table_that_cannot_be_read_is_found_even_the_one_of_versions(
    made: Made, name: str
) -> None:
    listing = made.store.files.listing(f"catalog/{name}")
    for path in [path for path in listing if "part-" in path]:
        size = listing[path].size
        made.store.files.write_bytes(path, b"PAR1" + bytes(size - 8) + b"PAR1")
    assert (f"catalog/{name}", Fault.ALTERED) in damage(look(made))
