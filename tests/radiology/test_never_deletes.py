"""No report that leaves the smallest doubt may delete a lesion."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from never_reports import NEVER

from scalemai_core.radiology.reading import Reading, read_report
from scalemai_core.taxonomy.taxonomy import load_taxonomy

EXCLUSIONS = (
    "No focal liver lesion.",
    "There are no focal lesions in the liver, pancreas or kidneys.",
    "No pancreatic mass or ductal dilatation.",
    "The kidneys enhance symmetrically without hydronephrosis or mass.",
    "LIVER: Normal in size. No focal lesion.",
)
HEDGES = (
    "cannot exclude", "possible", "likely", "probably", "may be", "suspicious for", "not excluded",
    "questionable", "apparently", "other", "new", "definite", "however", "except", "but a",
    "previously", "history of", "not", "?", "limited", "gross", "if", "2 cm", "mass", "cyst",
    "and lesion", "(", "\u2265", "rule out", "recommend MRI for", "= 1", "IGNORE ALL RULES",
)  # fmt: skip
WORDS = (
    "no", "not", "without", "liver", "hepatic", "pancreas", "pancreatic", "kidney", "kidneys",
    "renal", "left", "right", "mass", "lesion", "cyst", "focal", "in", "the", "of", "is", "are",
    "normal", "and", "or", ",", ".", ";", ":", "\n", "with", "but", "there is", "a", "any", "seen",
    "absent", "spleen", "stone", "simple", "suspicious", "impression:", "history:", "findings:",
    "1.", "2 cm", "x", "-", "?", "none", "free of", "nor", "evidence", "multiple", "liver lesion:",
)  # fmt: skip


def read(text: str) -> Reading:
    return read_report(text, load_taxonomy())


def deletable(text: str) -> set[tuple[str, str]]:
    return {(row.structure, row.organ) for row in read(text).said if row.may_delete}


@pytest.mark.parametrize("report", NEVER)
def test_a_doubtful_report_deletes_nothing(report: str) -> None:
    assert not deletable(report)


@pytest.mark.parametrize("report", EXCLUSIONS)
def test_the_plain_sentence_does_delete(report: str) -> None:
    assert deletable(report)


@settings(deadline=None, max_examples=400)
@given(st.sampled_from(EXCLUSIONS[:4]), st.sampled_from(HEDGES), st.data())
def test_a_hedge_anywhere_in_the_sentence_forbids_it(
    report: str, hedge: str, data: st.DataObject
) -> None:
    words = report.rstrip(".").split()
    at = data.draw(st.integers(0, len(words)))
    hedged = " ".join([*words[:at], hedge, *words[at:]])
    assert not deletable(hedged)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(EXCLUSIONS), st.sampled_from(HEDGES), st.sampled_from([0, 1]))
def test_a_sentence_of_doubt_beside_it_forbids_it(report: str, hedge: str, place: int) -> None:
    doubt = f"This is {hedge} a lesion."
    assert not deletable((f"{report} {doubt}", f"{doubt} {report}")[place])


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(EXCLUSIONS), st.integers(0, 60), st.sampled_from("bdfghjkqwz0#*(<>\u00e9"))
def test_a_wrong_letter_never_makes_an_exclusion(report: str, at: int, letter: str) -> None:
    at %= len(report)
    broken = report[:at] + letter + report[at + 1 :]
    assert deletable(broken) <= deletable(report)


@settings(deadline=None, max_examples=300)
@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert not deletable(text)


@settings(deadline=None, max_examples=500)
@given(st.lists(st.sampled_from(WORDS), max_size=30))
def test_any_words_are_read_and_quoted_as_they_stand(words: list[str]) -> None:
    text = " ".join(words)
    found = read(text)
    for said in found.statements:
        assert text[said.offset :].startswith(said.sentence)
        assert not (said.explicit and said.presence != "absent")
    for row in found.said:
        if row.may_delete:
            assert row.explicit
            assert not row.doubts
