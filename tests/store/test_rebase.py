"""A round that ends after scans came in loses nothing, and takes nothing from anybody."""

from __future__ import annotations

import polars as pl
import pytest
from made_up_scans import annotation

from scalemai_core.errors import ClaimLostError, CommitConflict
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.catalog import rebase as module
from scalemai_core.store.catalog import tables
from scalemai_core.store.catalog.catalog import Catalog
from scalemai_core.store.catalog.rebase import commit_revision
from scalemai_core.store.catalog.rows import annotation_rows
from scalemai_core.store.files import Files

SCANS = pl.DataFrame(schema=tables.SCANS)


def state(**maps: str) -> pl.DataFrame:
    """Scans with a liver each; a map's number is its revision."""
    rows = [annotation(s, "liver", m, revision=int(m[-1])) for s, m in maps.items()]
    return annotation_rows(rows)


def commit(catalog: Catalog, base: DatasetVersion | None, rows: pl.DataFrame) -> DatasetVersion:
    return catalog.commit(
        base=base, scans=SCANS, annotations=[rows], round_number=0, message="ingestion"
    )


def maps_of(catalog: Catalog, version: DatasetVersion) -> dict[str, str]:
    return dict(catalog.annotations(version).select("scan_id", "label_map").rows())


def test_scans_that_came_in_meanwhile_stay_and_revised_ones_are_revised(url: str) -> None:
    catalog = Catalog(Files(url))
    base = commit(catalog, None, state(a="a1", b="b1", c="c1"))
    commit(catalog, base, state(a="a1", b="adopted2", c="c1", new="new1"))
    after = commit_revision(catalog, base, [state(a="a2"), state(b="b2")], 1)
    assert maps_of(catalog, after) == {"a": "a2", "b": "adopted2", "c": "c1", "new": "new1"}
    assert (after.number, after.round, after.changed) == (3, 1, 1)


def test_a_round_has_one_version_whoever_committed_it(url: str) -> None:
    catalog = Catalog(Files(url))
    base = commit(catalog, None, state(a="a1"))
    first = commit_revision(catalog, base, [state(a="a2")], 1)
    assert commit_revision(catalog, base, [state(a="a3")], 1) == first
    assert catalog.latest() == first


def test_whoever_lost_the_round_meanwhile_commits_nothing(url: str) -> None:
    catalog = Catalog(Files(url))
    base = commit(catalog, None, state(a="a1"))

    def lost() -> None:
        raise ClaimLostError("another process plays the round")

    with pytest.raises(ClaimLostError):
        commit_revision(catalog, base, [state(a="a2")], 1, lost)
    assert catalog.latest() == base
    commit_revision(catalog, base, [state(a="a3")], 1)
    with pytest.raises(ClaimLostError):  # nor does it go on with what the other committed
        commit_revision(catalog, base, [state(a="a2")], 1, lost)


def test_without_anything_revised_the_version_is_what_it_was(url: str) -> None:
    catalog = Catalog(Files(url))
    base = commit(catalog, None, state(a="a1"))
    after = commit_revision(catalog, base, [], 1)
    assert after.digest == base.digest
    assert after.round == 1


def test_a_lost_race_is_run_again_and_many_are_told(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog = Catalog(Files(url))
    base = commit(catalog, None, state(a="a1"))
    whole, lost = Catalog.commit, []
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0.0)

    def late(self: Catalog, **parts: object) -> DatasetVersion:
        if len(lost) < fails:
            lost.append(parts)
            raise CommitConflict("somebody was faster")
        return whole(self, **parts)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(Catalog, "commit", late)
    fails = 3
    assert maps_of(catalog, commit_revision(catalog, base, [state(a="a2")], 1)) == {"a": "a2"}
    lost.clear()
    fails = 10
    with pytest.raises(CommitConflict):
        commit_revision(catalog, base, [state(a="a3")], 2)
