from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_candidates import candidate
from made_up_comparisons import denied

from scalemai_core.judge.lesions.named import own_words, volume_mm3
from scalemai_core.judge.lesions.settle import NOT_FOUND, settle
from scalemai_core.records.finding import Finding
from scalemai_core.records.lesion import LesionCandidate
from scalemai_core.records.said import Said
from scalemai_core.records.settlement import Outcome, Settlement
from scalemai_core.records.statement import Presence
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy

PDAC, CYST, PNET = "pancreatic_pdac", "pancreatic_cyst", "pancreatic_pnet"
ANY, LIVER = "pancreatic_lesion", "liver_lesion"
KEEP, REVIEW, DELETE = Outcome.KEEP, Outcome.REVIEW, Outcome.DELETE


def no(structure: str, organ: str = "pancreas", **more: Any) -> Said:
    return denied(structure, organ, **more)


def some(structure: str, organ: str = "pancreas", **more: Any) -> Said:
    said = Said(
        structure=structure,
        organ=organ,
        presence=Presence.PRESENT,
        sentences=(f"{structure} is seen.",),
    )
    return said.model_copy(update=more)


def settled(
    candidates: Sequence[LesionCandidate], *words: Said, labelled: dict[str, int] | None = None
) -> tuple[dict[str, Settlement], tuple[Finding, ...]]:
    said = {(word.structure, word.organ): word for word in words}
    outcomes, findings = settle(candidates, said, labelled or {}, LesionSettings())
    assert [o.candidate_id for o in outcomes] == [c.candidate_id for c in candidates]
    return {o.candidate_id: o for o in outcomes}, findings


def outcome_of(structure: str, *words: Said) -> Outcome:
    outcomes, _ = settled([candidate("a", structure, 0.5)], *words)
    return outcomes["a"].outcome


def test_an_explicit_negative_deletes_and_quotes_its_sentence() -> None:
    outcomes, findings = settled([candidate("a", LIVER, 0.7)], no(LIVER, "liver"))
    assert outcomes["a"].outcome is DELETE
    assert outcomes["a"].sentences == ("No liver_lesion.",)
    assert not findings


def test_without_words_people_decide() -> None:
    assert outcome_of(LIVER) is REVIEW
    assert outcome_of(LIVER, no(ANY)) is REVIEW


@pytest.mark.parametrize("kind", [PDAC, CYST, PNET, ANY])
def test_no_mass_leaves_room_for_a_cyst_whatever_the_model_takes_it_for(kind: str) -> None:
    assert outcome_of(kind, no(PDAC), no(PNET)) is REVIEW
    assert outcome_of(kind, no(PDAC), no(PNET), no(CYST)) is DELETE
    assert outcome_of(kind, no(ANY)) is DELETE


@pytest.mark.parametrize(
    "word",
    [
        no(LIVER, "liver", explicit=False),
        no(LIVER, "liver", may_delete=False),
        no(LIVER, "liver", presence=Presence.UNCERTAIN),
        some(LIVER, "liver"),
    ],
)
def test_nothing_is_deleted_on_implied_contradicted_or_hedged_words(word: Said) -> None:
    outcomes, _ = settled([candidate(n, LIVER, 0.5) for n in "ab"], word)
    assert DELETE not in {o.outcome for o in outcomes.values()}


def test_one_hedged_word_on_the_organ_keeps_all_its_candidates() -> None:
    hedged = no(CYST, presence=Presence.UNCERTAIN, explicit=False, may_delete=False)
    assert outcome_of(PDAC, no(ANY), hedged) is REVIEW
    assert outcome_of(PDAC, no(ANY), some(CYST, count=1, final=True)) is REVIEW


def test_one_kidney_is_not_the_other() -> None:
    left = candidate("left", "kidney_tumor", 0.5)
    right = candidate("right", "kidney_tumor", 0.5, organ="kidney_right", place="kidney_right")
    words = [no("kidney_tumor", "kidney_left"), no("kidney_cyst", "kidney_left")]
    outcomes, _ = settled([left, right], *words)
    assert [outcomes[n].outcome for n in ("left", "right")] == [DELETE, REVIEW]


def test_the_most_confident_are_kept_and_the_rest_goes_to_people() -> None:
    many = [candidate(n, LIVER, p) for n, p in zip("abc", (0.2, 0.9, 0.5), strict=True)]
    outcomes, findings = settled(many, some(LIVER, "liver", count=2))
    assert [outcomes[n].outcome for n in "abc"] == [REVIEW, KEEP, KEEP]
    assert not findings


def test_the_rest_is_deleted_only_where_the_report_enumerates() -> None:
    many = [candidate(n, LIVER, p) for n, p in zip("abc", (0.2, 0.9, 0.5), strict=True)]
    exactly = some(LIVER, "liver", count=2, final=True)
    outcomes, _ = settled(many, exactly)
    assert [outcomes[n].outcome for n in "abc"] == [DELETE, KEEP, KEEP]
    assert outcomes["a"].sentences == exactly.sentences
    doubted = exactly.model_copy(update={"final": False})
    assert settled(many, doubted)[0]["a"].outcome is REVIEW
    odd = exactly.model_copy(update={"sizes_mm": ((10.0,), (10.0,), (12.0,))})
    assert settled(many, odd)[0]["a"].outcome is not DELETE


def test_an_enumeration_of_one_kind_says_nothing_of_the_others() -> None:
    pair = [candidate("a", CYST, 0.9), candidate("b", PDAC, 0.3)]
    single = some(CYST, count=1, final=True)
    assert settled(pair, single)[0]["b"].outcome is REVIEW
    outcomes, _ = settled(pair, single, no(PDAC), no(PNET))
    assert [outcomes[n].outcome for n in "ab"] == [KEEP, DELETE]


def test_size_moves_the_rank_but_never_deletes() -> None:
    large = candidate("large", LIVER, 0.9, volume_mm3=volume_mm3([40.0]))
    small = candidate("small", LIVER, 0.6, volume_mm3=volume_mm3([11.0]))
    word = some(LIVER, "liver", count=1, final=True, sizes_mm=((12.0, 10.0),))
    outcomes, findings = settled([large, small], word)
    assert [outcomes[n].outcome for n in ("large", "small")] == [DELETE, KEEP]
    assert not findings
    outcomes, (finding,) = settled([large], word)
    assert outcomes["large"].outcome is REVIEW
    assert "times the volume" in outcomes["large"].reason
    assert (finding.rule, finding.value, finding.limit) == (NOT_FOUND, 0.0, 1.0)


def test_nothing_is_deleted_while_the_named_lesion_is_not_found() -> None:
    huge = [candidate(n, LIVER, 0.9, volume_mm3=volume_mm3([60.0])) for n in "ab"]
    word = some(LIVER, "liver", count=1, final=True, sizes_mm=((5.0,),))
    outcomes, findings = settled(huge, word)
    assert {o.outcome for o in outcomes.values()} == {REVIEW}
    assert len(findings) == 1


def test_place_moves_the_rank() -> None:
    head = candidate("head", PDAC, 0.9, place="pancreas_head")
    tail = candidate("tail", PDAC, 0.5, place="pancreas_tail")
    word = some(PDAC, count=1, place="pancreas_tail")
    outcomes, findings = settled([head, tail], word)
    assert [outcomes[n].outcome for n in ("head", "tail")] == [REVIEW, KEEP]
    assert not findings
    assert len(settled([head], word)[1]) == 1
    # The pancreas as a whole, or its duct, is nowhere else.
    assert settled([head.model_copy(update={"place": "pancreas"})], word)[1] == ()
    assert settled([head.model_copy(update={"place": "pancreatic_duct"})], word)[1] == ()


def test_another_kind_than_reported_goes_to_people_but_is_found() -> None:
    outcomes, findings = settled([candidate("a", CYST, 0.9)], some(PNET, count=1))
    assert outcomes["a"].outcome is REVIEW
    assert not findings
    assert outcome_of(ANY, some(PNET, count=1)) is KEEP
    assert outcome_of(PNET, some(ANY, count=1)) is KEEP


def test_what_is_reported_and_neither_labelled_nor_predicted_is_a_finding() -> None:
    word = some(PDAC, count=2, sentences=("Two masses in the body.",))
    _, (finding,) = settled([candidate("a", PDAC, 0.9)], word)
    assert finding.rule == NOT_FOUND
    assert finding.structure == PDAC
    assert (finding.value, finding.limit) == (1.0, 2.0)
    assert "Two masses in the body." in finding.message
    assert settled([], word, labelled={"pancreas": 2})[1] == ()
    assert len(settled([], word, labelled={"pancreas": 1})[1]) == 1
    assert len(settled([], some(PDAC, count=None))[1]) == 1
    assert settled([], no(ANY))[1] == ()


def test_a_mass_named_twice_is_one_mass() -> None:
    words = [some(ANY, count=1), some(PDAC, count=1)]
    assert settled([candidate("a", PDAC, 0.9)], *words)[1] == ()
    three = [some(ANY, count=3), some(PDAC, count=1)]
    (finding,) = settled([candidate("a", PDAC, 0.9)], *three)[1]
    assert finding.limit == 3.0


def test_a_single_cyst_is_not_a_single_lesion_of_any_kind() -> None:
    said = {"sentences": ("A single cyst.",), "count": 1, "final": True}
    pair = [candidate("a", CYST, 0.9), candidate("b", PDAC, 0.3)]
    outcomes, _ = settled(pair, some(CYST, **said), some(ANY, **said))
    assert outcomes["b"].outcome is REVIEW
    more = {"sentences": ("A single cyst.", "No other lesion.")}
    outcomes, _ = settled(pair, some(CYST, **said), some(ANY, **(said | more)))
    assert outcomes["b"].outcome is DELETE


def test_that_a_mass_may_be_of_any_kind_leaves_no_doubt_that_it_is_the_only_one() -> None:
    said = {"sentences": ("Solitary pancreatic mass.",)}
    kinds = [some(kind, presence=Presence.UNCERTAIN, **said) for kind in (PDAC, CYST, PNET)]
    whole = some(ANY, count=1, final=True, **said)
    pair = [candidate("a", PDAC, 0.9), candidate("b", PDAC, 0.3)]
    outcomes, _ = settled(pair, whole, *kinds)
    assert [outcomes[n].outcome for n in "ab"] == [KEEP, DELETE]
    hedged = some(CYST, presence=Presence.UNCERTAIN, sentences=("Perhaps a cyst.",))
    assert settled(pair, whole, hedged)[0]["b"].outcome is REVIEW


def test_a_lesion_of_no_said_kind_is_stated_of_both_and_looked_for_once() -> None:
    said = {"sentences": ("Single lesion of the left kidney.",), "count": 1, "final": True}
    both = [some(k, "kidney_left", **said) for k in ("kidney_tumor", "kidney_cyst")]
    pair = [candidate("a", "kidney_cyst", 0.9), candidate("b", "kidney_tumor", 0.8)]
    outcomes, findings = settled(pair, *both)
    assert [outcomes[n].outcome for n in "ab"] == [KEEP, REVIEW]
    assert not findings
    sized = [word.model_copy(update={"sizes_mm": ((10.0,),)}) for word in both]
    assert settled(pair, *sized)[0]["b"].outcome is DELETE


def test_deletions_of_probable_candidates_are_sampled_for_an_audit() -> None:
    sure = [candidate(f"sure {i}", LIVER, 0.95) for i in range(3000)]
    faint = [candidate(f"faint {i}", LIVER, 0.5) for i in range(500)]
    outcomes, _ = settled([*sure, *faint], no(LIVER, "liver"))
    audited = [name for name, o in outcomes.items() if o.audit]
    assert all(name.startswith("sure") for name in audited)
    assert len(audited) / 3000 == pytest.approx(0.02, abs=0.008)
    assert {o.outcome for o in outcomes.values()} == {DELETE}


def test_volumes_of_one_to_three_diameters() -> None:
    assert volume_mm3([10.0]) == pytest.approx(math.pi / 6 * 1000)
    assert volume_mm3([10.0, 10.0]) == pytest.approx(math.pi / 6 * 1000)
    assert volume_mm3([10.0, 20.0, 30.0]) == pytest.approx(math.pi / 6 * 6000)


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[LesionCandidate], list[Said]]:
    kinds = [ANY, PDAC, CYST, PNET]
    probability, volume = st.floats(1e-4, 0.999), st.floats(5.0, 1e5)
    candidates = [
        candidate(str(i), draw(st.sampled_from(kinds)), draw(probability), volume_mm3=draw(volume))
        for i in range(draw(st.integers(0, 6)))
    ]
    size = st.lists(st.floats(2.0, 60.0), min_size=1, max_size=3).map(tuple)
    words = [
        Said(
            structure=kind,
            organ="pancreas",
            presence=draw(st.sampled_from(list(Presence))),
            explicit=draw(st.booleans()),
            may_delete=draw(st.booleans()),
            count=draw(st.none() | st.integers(1, 4)),
            final=draw(st.booleans()),
            sizes_mm=tuple(draw(st.lists(size, max_size=2))),
            place=draw(st.sampled_from([None, "pancreas_head"])),
            sentences=(draw(st.sampled_from(["one.", "two."])),),
        )
        for kind in draw(st.lists(st.sampled_from(kinds), unique=True))
    ]
    return candidates, words


@settings(max_examples=300, deadline=None)
@given(cases(), st.randoms(use_true_random=False))
def test_deletion_takes_safe_words_on_every_kind_and_the_order_decides_nothing(
    case: tuple[list[LesionCandidate], list[Said]], shuffled: Any
) -> None:
    candidates, words = case
    outcomes, findings = settled(candidates, *words)
    again, words_again = list(candidates), list(words)
    shuffled.shuffle(again)
    shuffled.shuffle(words_again)
    assert settled(again, *words_again) == (outcomes, findings)
    assert all(o.sentences for o in outcomes.values() if o.outcome is not REVIEW)
    if DELETE in {o.outcome for o in outcomes.values()}:
        words = own_words(words, load_taxonomy())
        assert all(w.presence is not Presence.UNCERTAIN for w in words)
        safe = [w for w in words if (w.may_delete and w.explicit) or w.final]
        named = {w.structure for w in safe}
        assert ANY in named or named >= {PDAC, CYST, PNET}
        present = [w for w in words if w.presence is Presence.PRESENT]
        assert all(w.final and w.count for w in present)
        kept = sum(o.outcome is KEEP for o in outcomes.values())
        assert kept >= max((w.count or 0 for w in present), default=0)
