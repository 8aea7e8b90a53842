"""What people call a scan or a structure, as the workspace knows it."""

from __future__ import annotations

from difflib import get_close_matches

import polars as pl

from scalemai_core.errors import UsageError, WorkspaceError
from scalemai_core.judge.rules.rule import spoken
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

MOST_NAMED = 6


def find_scan(store: Workspace, wanted: str) -> str:
    """The scan with this id, case name or unique beginning of an id; raises UsageError."""
    version = store.catalog.latest()
    if version is None:
        raise WorkspaceError(f"{store.url} is empty: run 'scalemai ingest {store.url} SOURCE'")
    scans = store.catalog.scans(version).select("scan_id", "case", "source")
    meanings = (
        pl.col("scan_id") == wanted,
        pl.col("case") == wanted,
        pl.col("scan_id").str.starts_with(wanted),
    )
    for meaning in meanings:
        found = scans.filter(meaning)
        if wanted and found.height == 1:
            return str(found["scan_id"][0])
        if wanted and found.height > 1:
            named = [f"{row['scan_id']} ({row['case']}, {row['source']})" for row in _some(found)]
            raise UsageError(f"{found.height} scans are called {wanted}: say {' or '.join(named)}")
    near = get_close_matches(wanted, scans["case"].to_list(), MOST_NAMED)
    known = near or scans["case"].sort().head(MOST_NAMED).to_list()
    raise UsageError(f"no scan or case {wanted!r} in {store.url} (there are: {', '.join(known)})")


def find_structure(wanted: str) -> str:
    """A structure of the taxonomy, by name or as spoken (``right kidney``).

    Raises UsageError naming those that sound alike.
    """
    names = [structure.name for structure in load_taxonomy().structures]
    for name in names:
        if wanted in (name, spoken(name)):
            return name
    near = get_close_matches(wanted, names, MOST_NAMED) or [n for n in names if wanted in n]
    hint = f" (is it {' or '.join(near)}?)" if near else ""
    raise UsageError(f"no structure {wanted!r} in the taxonomy{hint}")


def _some(found: pl.DataFrame) -> list[dict[str, str]]:
    return found.sort("source", "scan_id").head(MOST_NAMED).to_dicts()
