"""``scalemai judge``: a scan's decisions as a table, one of them in words and a picture."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import polars as pl
import pytest
from command_line import Scalemai
from PIL import Image
from small_population import AfterOneRound

pytestmark = pytest.mark.flow


@pytest.fixture
def decided(first_round: AfterOneRound) -> pl.DataFrame:
    """Decisions of the round on masks that are known."""
    rows = first_round.store.round(1).read("decisions")
    return rows.filter((pl.col("state") == "present") & pl.col("gold").is_null())


def test_a_scan_is_a_table_with_the_most_doubtful_structure_first(
    scalemai: Scalemai, first_round: AfterOneRound, decided: pl.DataFrame
) -> None:
    case, scan_id = decided.row(0, named=True)["case"], decided["scan_id"][0]
    by_case = scalemai("judge", first_round.store.url, case, "--json")
    assert by_case.code == 0
    found = by_case.document
    assert (found["round"], found["scan_id"], found["case"]) == (1, scan_id, case)
    whole = first_round.store.round(1).read("decisions").filter(scan_id=scan_id)
    assert {row["structure"] for row in found["structures"]} == set(whole["structure"])
    qualities = [row["quality"] for row in found["structures"] if row["quality"] is not None]
    assert qualities == sorted(qualities)
    by_id = scalemai("judge", first_round.store.url, scan_id[:12], "--json")
    assert by_id.document == found
    assert "most doubtful first" in scalemai("judge", first_round.store.url, case).out


def test_a_structure_is_told_in_words_with_a_picture_beside(
    scalemai: Scalemai,
    first_round: AfterOneRound,
    decided: pl.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    row = decided.row(0, named=True)
    told = scalemai("judge", first_round.store.url, row["case"], row["structure"])
    assert told.code == 0
    file = tmp_path / f"judge-{row['case']}-{row['structure']}.svg"
    assert file.name in told.out
    assert row["case"] in told.out
    assert ET.parse(file).getroot().tag.endswith("svg")


def test_the_same_in_json_holds_numbers_history_and_words(
    scalemai: Scalemai, first_round: AfterOneRound, decided: pl.DataFrame, tmp_path: Path
) -> None:
    row = decided.row(0, named=True)
    file = tmp_path / "picture.png"
    where = (first_round.store.url, row["scan_id"], row["structure"], "--round", 1)
    found = scalemai("judge", *where, "--picture", file, "--json").document
    assert found["round"] == 1
    assert found["numbers"]["better"] == pytest.approx(row["better"])
    assert row["reason"] in found["words"]
    assert any(row["reason"] in line for line in found["history"])
    assert found["history"][-1].startswith("Now (dataset version 3)")
    assert found["picture"] == str(file)
    with Image.open(file) as picture:
        assert picture.format == "PNG"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("nobody",), "no scan or case 'nobody'"),
        (("CASE", "livver"), "is it liver"),
        (("CASE", "liver", "--round", "7"), "in round 7"),
        (("CASE", "STRUCTURE", "--picture", "x.gif"), ".svg or .png"),
        (("CASE", "STRUCTURE", "--picture", "nowhere/x.svg"), "cannot write"),
        (("CASE", "--picture", "x.svg"), "a picture shows one structure"),
    ],
)
def test_a_mistaken_question_is_one_line(
    scalemai: Scalemai,
    first_round: AfterOneRound,
    decided: pl.DataFrame,
    arguments: tuple[str, ...],
    named: str,
) -> None:
    row = decided.row(0, named=True)
    real = {"CASE": row["case"], "STRUCTURE": row["structure"]}
    found = scalemai("judge", first_round.store.url, *(real.get(a, a) for a in arguments))
    assert (found.code, found.out) == (2, "")
    (line,) = found.err.splitlines()
    assert named in line
