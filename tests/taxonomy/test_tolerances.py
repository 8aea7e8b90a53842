"""Tolerances: one number a structure, never finer than a pixel, and a table that is checked."""

from __future__ import annotations

from pathlib import Path

import pytest

from scalemai_core.errors import UsageError
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.taxonomy.tolerances import load_tolerances, read_tolerances

TAXONOMY = load_taxonomy()


def test_tubes_are_held_to_less_than_organs_and_nobody_to_less_than_a_pixel() -> None:
    fine = load_tolerances().by_id(TAXONOMY, (5.0, 0.7, 0.7))
    assert fine[TAXONOMY["liver"].id] == 2.0
    assert fine[TAXONOMY["common_bile_duct"].id] == fine[TAXONOMY["celiac_artery"].id] == 1.0
    coarse = load_tolerances().by_id(TAXONOMY, (0.5, 1.5, 1.4))
    assert coarse[TAXONOMY["celiac_artery"].id] == 1.5
    assert coarse[TAXONOMY["liver"].id] == 2.0


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("{version: 1, kind_mm: {organ: 2}, structure_mm: {}}", "vessel"),
        ("{version: 1, kind_mm: {organ: 2}, structure_mm: {livre: 2}}", "livre"),
        ("{version: 1, kinds: {}}", "kinds"),
        ("---\n{}\n---\n{}", "one YAML document"),
    ],
)
def test_a_damaged_table_is_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "tolerances.yaml"
    path.write_text(text)
    with pytest.raises(UsageError, match=named):
        read_tolerances(path)
