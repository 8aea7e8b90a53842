"""Dataset versions: whole, immutable, and one writer wins."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from scalemai_core.errors import CommitConflict, WorkspaceError
from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.grid import Grid
from scalemai_core.records.scan import Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog import replace
from scalemai_core.store.catalog.catalog import Catalog
from scalemai_core.store.catalog.rows import annotation_rows, scan_rows, scans_of
from scalemai_core.store.files import Files

GRID = Grid(
    shape_zyx=(4, 5, 6), affine=((1.5, 0, 0, 0.1), (0, 2, 0, 0), (0, 0, 3, 0), (0, 0, 0, 1))
)


def scan(scan_id: str) -> Scan:
    return Scan(
        scan_id=scan_id,
        patient=f"patient of {scan_id}",
        case=f"case of {scan_id}",
        source="test",
        grid=GRID,
        source_axes="LPS",
        source_affine=GRID.affine,
        fold=1,
    )


def annotation(scan_id: str, structure: str, state: State, revision: int = 1) -> Annotation:
    return Annotation(
        scan_id=scan_id,
        structure=structure,
        state=state,
        label_map=f"map {revision}",
        origin=Origin.SOURCE,
        revision=revision,
    )


@pytest.fixture
def catalog(tmp_path: Path) -> Catalog:
    return Catalog(Files(str(tmp_path)))


def commit(
    catalog: Catalog, annotations: list[Annotation], scans: tuple[str, ...] = ("a", "b")
) -> DatasetVersion:
    return catalog.commit(
        base=catalog.latest(),
        scans=scan_rows(scan(name) for name in scans),
        annotations=[annotation_rows(annotations)],
        round_number=0,
        message="test",
    )


def test_an_empty_workspace_has_no_version(catalog: Catalog) -> None:
    assert catalog.latest() is None
    with pytest.raises(WorkspaceError, match="none yet"):
        catalog.version(1)


def test_a_version_gives_back_what_was_committed_and_counts_known_annotations(
    catalog: Catalog,
) -> None:
    version = commit(
        catalog,
        [annotation("b", "liver", State.PRESENT), annotation("a", "spleen", State.UNKNOWN, 0)],
    )
    assert (version.number, version.scans, version.annotations) == (1, 2, 1)
    rows = catalog.annotations(version)
    assert rows["scan_id"].to_list() == ["a", "b"], "sorted by scan"
    assert list(scans_of(catalog.scans(version))) == [scan("a"), scan("b")]


def test_older_versions_stay_readable_after_newer_ones(catalog: Catalog) -> None:
    first = commit(catalog, [annotation("a", "liver", State.PRESENT)])
    commit(catalog, [annotation("a", "liver", State.ABSENT, 2)])
    assert catalog.annotations(first)["state"].to_list() == ["present"]


def test_a_diff_names_net_changes_with_first_before_and_last_after(catalog: Catalog) -> None:
    keep = annotation("b", "liver", State.PRESENT)
    first = commit(catalog, [annotation("a", "liver", State.PRESENT), keep])
    commit(catalog, [annotation("a", "liver", State.ABSENT, 2), keep])
    third = commit(catalog, [annotation("a", "liver", State.UNKNOWN, 3), keep])
    changes = catalog.changes(first, third)
    assert changes.select(
        "scan_id", "before", "after", "label_map_before", "label_map_after"
    ).rows() == [("a", "present", "unknown", "map 1", "map 3")]
    assert third.changed == 1
    assert catalog.changes(third, third).height == 0


def in_parts(catalog: Catalog, *parts: str) -> DatasetVersion:
    """A version whose scans, named by letters, came part by part."""
    blocks = [
        annotation_rows(annotation(scan_id, "liver", State.PRESENT) for scan_id in part)
        for part in parts
    ]
    return catalog.commit(
        base=None,
        scans=scan_rows(map(scan, "".join(parts))),
        annotations=blocks,
        round_number=0,
        message="test",
    )


def test_a_version_is_the_same_in_however_many_parts_it_came(tmp_path: Path) -> None:
    cuts = (("abcd",), ("a", "bcd"), ("ab", "", "c", "d"))
    made = [Catalog(Files(str(tmp_path / str(number)))) for number in range(len(cuts))]
    versions = [in_parts(catalog, *cut) for catalog, cut in zip(made, cuts, strict=True)]
    assert len({version.digest for version in versions}) == 1
    assert {(version.annotations, version.changed) for version in versions} == {(4, 4)}
    for catalog, version in zip(made, versions, strict=True):
        assert catalog.digest(version) == version.digest
        assert catalog.annotations(version, ("b", "d"))["scan_id"].to_list() == ["b", "d"]


@pytest.mark.parametrize("at_once", [1, 2, 3, 99])
def test_a_digest_is_of_every_row_however_many_scans_are_read_at_once(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    rows = annotation_rows(annotation(scan_id, "liver", State.PRESENT) for scan_id in "abcdefg")
    version = catalog.commit(
        base=None,
        scans=scan_rows(map(scan, "bdf")),  # some rows lie before, between and behind these
        annotations=[rows],
        round_number=0,
        message="test",
    )
    monkeypatch.setattr("scalemai_core.store.catalog.catalog.SCANS_AT_ONCE", at_once)
    assert catalog.digest(version) == version.digest
    assert pl.concat(catalog.blocks(version)).equals(catalog.annotations(version))


def test_rows_are_in_order_however_their_writing_mixed_them(catalog: Catalog) -> None:
    letters = [chr(number) for number in range(0x100, 0x100 + 60)]
    version = in_parts(catalog, *letters)
    assert catalog.annotations(version)["scan_id"].to_list() == letters
    assert catalog.annotations(version, columns=["scan_id"])["scan_id"].to_list() == letters
    assert catalog.scans(version)["scan_id"].to_list() == letters


def test_an_annotation_that_comes_twice_is_refused(catalog: Catalog) -> None:
    twice = [annotation("a", "liver", State.PRESENT)] * 2
    with pytest.raises(ValueError, match="once"):
        commit(catalog, twice)
    assert catalog.latest() is None


def test_parts_out_of_order_are_refused_and_leave_no_version(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match="in the order of their scans"):
        in_parts(catalog, "bc", "ab")
    assert catalog.latest() is None


@pytest.mark.parametrize("changed", [(), ("c",), ("a", "e"), ("ac", "bx"), ("x", "z")])
def test_replaced_scans_take_the_place_of_their_own_and_new_ones_join(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch, changed: tuple[str, ...]
) -> None:
    monkeypatch.setattr(replace, "AT_ONCE", 2)
    version = in_parts(catalog, "abcdefg")
    parts = sorted("".join(changed))
    blocks = [annotation_rows([annotation(name, "liver", State.ABSENT, 2)]) for name in parts]
    found = pl.concat(list(replace.replaced(catalog, version, blocks)))
    expected = dict.fromkeys("abcdefg", "present") | dict.fromkeys(parts, "absent")
    assert found.select("scan_id", "state").rows() == sorted(expected.items())


def test_the_digest_follows_content_not_time(tmp_path: Path) -> None:
    rows = [annotation("a", "liver", State.PRESENT)]
    digests = {commit(Catalog(Files(str(tmp_path / name))), rows).digest for name in "xy"}
    assert len(digests) == 1
    other = commit(Catalog(Files(str(tmp_path / "z"))), [annotation("a", "liver", State.ABSENT)])
    assert other.digest not in digests


def test_a_commit_on_a_stale_base_is_refused_and_leaves_the_versions_alone(
    catalog: Catalog,
) -> None:
    stale = commit(catalog, [annotation("a", "liver", State.PRESENT)])
    commit(catalog, [annotation("a", "liver", State.ABSENT, 2)])
    with pytest.raises(CommitConflict):
        catalog.commit(
            base=stale,
            scans=scan_rows([scan("a")]),
            annotations=[annotation_rows([annotation("a", "liver", State.PRESENT, 3)])],
            round_number=1,
            message="late",
        )
    assert [version.number for version in catalog.versions()] == [1, 2]


def test_delta_keeps_old_versions_for_ever(catalog: Catalog, tmp_path: Path) -> None:
    commit(catalog, [annotation("a", "liver", State.PRESENT)])
    log = (tmp_path / "catalog/annotations/_delta_log/00000000000000000000.json").read_text()
    assert "36500 days" in log
    assert '"delta.enableExpiredLogCleanup":"false"' in log


def test_side_tables_are_empty_before_their_first_row(catalog: Catalog) -> None:
    schema = pl.Schema({"x": pl.Int64})
    assert catalog.table("nothing", schema).height == 0
    catalog.append("nothing", [{"x": 1}], schema)
    catalog.append("nothing", [{"x": 2}], schema)
    assert sorted(catalog.table("nothing", schema)["x"]) == [1, 2]
