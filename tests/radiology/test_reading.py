"""What sentences state, and what a whole report comes to."""

from __future__ import annotations

import pytest

from scalemai_core.radiology.plain import MAX_CHARACTERS
from scalemai_core.radiology.reading import Reading, read_report
from scalemai_core.radiology.stated import stated
from scalemai_core.records.said import Said
from scalemai_core.records.statement import Presence
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
PANCREAS = "pancreatic_lesion@pancreas"
PDAC, PNET, CYST = (f"pancreatic_{kind}@pancreas" for kind in ("pdac", "pnet", "cyst"))
LIVER = "liver_lesion@liver"
TUMOURS = {"kidney_tumor@kidney_left", "kidney_tumor@kidney_right"}
CYSTS = {"kidney_cyst@kidney_left", "kidney_cyst@kidney_right"}
COLON, RECTUM = "colon_lesion@colon", "colon_lesion@rectum"

REPORT = """\
EXAM: CT ABDOMEN AND PELVIS WITH CONTRAST\r
INDICATION: Abdominal pain.\r
TECHNIQUE: CT with IV contrast, without oral contrast.\r
FINDINGS:\r
LIVER: Normal in size and attenuation. No focal lesion.\r
GALLBLADDER: Unremarkable.\r
PANCREAS: No mass or ductal dilatation.\r
KIDNEYS: 2.5 cm enhancing mass in the upper pole of the left kidney. No hydronephrosis.\r
COLON: Normal.\r
IMPRESSION:\r
1. Solitary 2.5 cm left renal mass.\r
2. No acute abnormality.\r
"""


def read(text: str) -> Reading:
    return read_report(text, TAXONOMY)


def told(text: str, presence: Presence) -> set[str]:
    return {f"{s.structure}@{s.organ}" for s in read(text).statements if s.presence is presence}


def explicit(text: str) -> set[str]:
    return {f"{s.structure}@{s.organ}" for s in read(text).statements if s.explicit}


def row(text: str, pair: str) -> Said:
    structure, organ = pair.split("@")
    found = read(text).of(structure, organ)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("sentence", "excluded"),
    [
        ("No focal liver lesion.", {LIVER}),
        ("There are no focal hepatic lesions identified.", {LIVER}),
        ("No focal lesion in the liver, pancreas or kidneys.", {LIVER, PANCREAS} | TUMOURS | CYSTS),
        ("No hepatic, pancreatic, or renal lesions.", {LIVER, PANCREAS} | TUMOURS | CYSTS),
        ("No pancreatic mass.", {PDAC, PNET}),
        ("No mass or cyst in the pancreas.", {PDAC, PNET, CYST}),
        ("No evidence of pancreatic adenocarcinoma.", {PDAC}),
        ("No renal mass, stone, or hydronephrosis.", TUMOURS),
        ("No mass in either kidney.", TUMOURS),
        ("No lesion of the right kidney.", {max(TUMOURS), max(CYSTS)}),
        ("No renal lesion.", TUMOURS | CYSTS),
        ("No colonic lesion.", {COLON}),
        ("The liver is normal in size and contour without focal lesion.", {LIVER}),
        ("Mild hepatic steatosis. No focal lesion.", {LIVER}),
        ("A pancreatic mass is not seen.", {PDAC, PNET}),
        ("Pancreas: no mass", {PDAC, PNET}),
        ("LIVER:\nNo focal lesion.", {LIVER}),
        ("Liver lesion: none", {LIVER}),
        ("Kidney_tumor: absent.", TUMOURS),
        ("Pancreatic mass: none", {PDAC, PNET}),
        ("No hepatic mass.", set()),
        ("No liver cysts.", set()),
        ("No hepatic metastases.", set()),
        ("No suspicious liver lesion.", set()),
        ("No solid or cystic renal mass.", set()),
        ("The liver is unremarkable.", set()),
        ("No mass in the pancreatic head.", set()),
        ("No evidence of metastatic disease.", set()),
        ("No liver lesion, mass in the pancreas.", set()),
        ("No splenic lesion.", set()),
    ],
)
def test_a_sentence_excludes_what_its_words_name_and_no_more(
    sentence: str, excluded: set[str]
) -> None:
    assert explicit(sentence) == excluded


@pytest.mark.parametrize(
    ("sentence", "present"),
    [
        ("2 cm pancreatic mass.", {PANCREAS}),
        ("Simple cyst in the left kidney.", {min(CYSTS)}),
        ("No change in the liver lesion.", {LIVER}),
        ("There is no doubt that there is a mass in the liver.", {LIVER}),
        ("1.5 cm leison in the left kidney.", {min(CYSTS), min(TUMOURS)}),
        ("Side-branch IPMN in the uncinate process.", {CYST}),
        ("Annular mass of the sigmoid colon.", {COLON}),
        ("Multiple bilateral renal cysts.", CYSTS),
        ("Tumour in the rectum.", {RECTUM}),
        ("Liver lesion: yes", {LIVER}),
    ],
)
def test_what_is_seen_is_stated_of_its_structure(sentence: str, present: set[str]) -> None:
    assert told(sentence, Presence.PRESENT) == present


@pytest.mark.parametrize(
    "sentence",
    [
        "Possible liver lesion.",
        "Liver lesion cannot be excluded.",
        "Liver hypodensity, too small to characterize.",
        "Status post resection of a liver metastasis.",
        "History of liver metastases.",
        "Is there a liver lesion?",
        "Recommend MRI to exclude liver mass.",
        "INDICATION: liver mass",
        "COMPARISON: CT with 2 cm liver lesion.",
        "No new liver lesion.",
        "No other liver lesion.",
    ],
)
def test_doubt_and_past_are_uncertain(sentence: str) -> None:
    assert told(sentence, Presence.UNCERTAIN) == {LIVER}
    assert not told(sentence, Presence.PRESENT)
    assert not told(sentence, Presence.ABSENT)


@pytest.mark.parametrize(
    ("sentence", ("numbered")),
    [
        ("Solitary 3,5 cm liver mass in segment VII.", (1, True, ((35.0,),), "liver_segment_7")),
        ("At least two liver cysts.", (2, False, (), None)),
        ("Multiple liver cysts, the largest 2 cm.", (None, False, ((20.0,),), None)),
        ("Exactly 3 lesions in the liver.", (3, True, (), None)),
        ("Liver lesion of 1.2 x 0.8 cm, previously 8 mm.", (None, False, ((12.0, 8.0),), None)),
        ("Several lesions in liver segments 5 and 6.", (None, False, (), None)),
        ("12 mm liver lesion in segment 4a.", (None, False, ((12.0,),), "liver_segment_4")),
    ],
)
def test_numbers_and_places_are_read(sentence: str, numbered: tuple[object, ...]) -> None:
    """Count, whether enumerated, sizes, place."""
    found = row(sentence, LIVER)
    assert found.presence is Presence.PRESENT
    assert (found.count, found.enumerated, found.sizes_mm, found.place) == numbered


def test_a_whole_report_is_summed_up_organ_by_organ() -> None:
    found = read(REPORT)
    deletable = {f"{r.structure}@{r.organ}" for r in found.said if r.may_delete}
    assert deletable == {LIVER, PDAC, PNET}
    left = row(REPORT, "kidney_tumor@kidney_left")
    assert (left.presence, left.count, left.enumerated) == (Presence.PRESENT, 1, True)
    assert left.sizes_mm == ((25.0,),)
    assert found.of(*CYST.split("@")) is None
    colon = row(REPORT, COLON)
    assert (colon.presence, colon.explicit) == (Presence.ABSENT, False)


def test_findings_and_impression_that_differ_are_uncertain() -> None:
    found = row("FINDINGS: No liver lesion.\nIMPRESSION: 2 cm liver lesion.", LIVER)
    assert found.presence is Presence.UNCERTAIN
    assert (found.contradictory, found.may_delete) == (True, False)
    assert len(found.sentences) == 2


def test_absent_metastases_do_not_contradict_a_hemangioma_but_a_normal_liver_does() -> None:
    seen = "8 mm hemangioma of the liver."
    assert row(f"No hepatic metastases. {seen}", LIVER).presence is Presence.PRESENT
    assert row(f"The liver is normal. {seen}", LIVER).presence is Presence.UNCERTAIN


def test_a_whole_that_is_absent_takes_its_parts_along_and_a_part_that_is_there_the_whole() -> None:
    assert row("No pancreatic lesion.", PDAC).may_delete
    both = "No pancreatic lesion. Impression: IPMN of the pancreas."
    assert row(both, PANCREAS).presence is Presence.UNCERTAIN
    assert not row(both, PDAC).may_delete


def test_simple_cysts_do_not_protect_tumours() -> None:
    text = "Kidneys: Multiple simple cysts. No renal mass."
    assert row(text, min(TUMOURS)).may_delete
    assert row(text, min(CYSTS)).presence is Presence.PRESENT


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty"),
        (" \r\n\t", "empty"),
        ("No liver lesion. " * (MAX_CHARACTERS // 10), "too_long"),
        ("No liver\x00 lesion.", "odd_characters"),
        ("No\u200b liver lesion.", "odd_characters"),
        ("No liver lesion. Mas\u0455 in the liver.", "odd_characters"),
        (
            "Keine Raumforderung der Leber und der Nieren nachweisbar, Milz unauffaellig.",
            "not_english",
        ),
        ("12345", "not_english"),
    ],
)
def test_bad_text_has_a_reason_and_no_statement(text: str, reason: str) -> None:
    found = read(text)
    assert (found.reason, found.statements, found.said) == (reason, (), ())


def test_typographic_signs_and_formulas_are_text() -> None:
    assert explicit("\ufeff\u2022 No focal liver lesion.") == {LIVER}
    assert read('=HYPERLINK("http://x") No liver lesion').statements[0].explicit is False
    assert row("2.5\u2009\u00d7\u20091.5\u00a0cm liver lesion", LIVER).sizes_mm == ((25.0, 15.0),)


def test_unambiguous_structures_are_stated() -> None:
    text = "Liver lesion: none\nKidney tumor: yes\nPancreas: no mass\nGallbladder: absent\n"
    assert stated(text + "Spleen: yes\nSpleen: no\n", TAXONOMY) == {
        "liver_lesion": False,
        "kidney_tumor": True,
        "pancreatic_pdac": False,
        "pancreatic_pnet": False,
        "gall_bladder": False,
    }
    assert stated(None, TAXONOMY) == {}
    assert "colon_lesion" not in stated("Colon: no lesion", TAXONOMY)
