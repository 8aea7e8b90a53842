"""Why a round decided as it did, as plain documents: the answers of ``scalemai judge``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from scalemai_core.page.judgement.doubts import doubtful_first
from scalemai_core.page.judgement.page import judgement_page
from scalemai_core.store.workspace import Workspace
from tasks.explain import decisions_of, explain
from tasks.names import find_scan, find_structure
from tasks.plates import draw_judgement


def scan_decisions(workspace: str, scan: str, number: int | None) -> dict[str, Any]:
    """The decisions on all structures of a scan, most doubtful first."""
    store = Workspace.open(workspace)
    scan_id = find_scan(store, scan)
    number, rows = decisions_of(store, scan_id, None, number)
    return {
        "round": number,
        "scan_id": scan_id,
        "case": rows["case"][0],
        "structures": doubtful_first(rows).to_dicts(),
    }


def judgement(
    workspace: str, scan: str, structure: str, number: int | None, picture: Path | None
) -> dict[str, Any]:
    """One decision in words, numbers and a picture; its file lies here unless named."""
    store = Workspace.open(workspace)
    name = find_structure(structure)
    told = explain(store, find_scan(store, scan), name, number)
    file = picture or Path(f"judge-{told.file_name}.svg")
    draw_judgement(store, told, file)
    return {
        "round": told.number,
        "numbers": dict(told.row),
        "usual": None if told.usual is None else dict(told.usual),
        "history": [*map(str, sorted(told.history)), told.standing],
        "words": judgement_page(told),
        "picture": str(file),
    }
