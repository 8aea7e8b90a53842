"""What gold says of a model and lesions: points from ``fit``, figures from ``test``, no more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_up_candidates import candidate
from made_up_comparisons import denied, lesion, named, row, words

from scalemai_core.judge.lesions.curves import (
    NO_CURVE,
    auc_interval,
    detection_table,
    draw_froc,
    draw_roc,
    patient_scores,
    precision,
)
from scalemai_core.judge.lesions.measured import excluded_by_reports, measure_detection, rate
from scalemai_core.judge.lesions.scored import above_points, choose_points, log_odds, scored_scans
from scalemai_core.judge.lesions.settle import Words
from scalemai_core.measure.detection.froc import Scans
from scalemai_core.records.detection import Detection, DetectionKind, DetectionReport, SiteReport
from scalemai_core.records.lesion import LesionCandidate
from scalemai_core.records.scan import GoldRole
from scalemai_core.settings.lesions import LesionSettings

SETTINGS = LesionSettings(target_sensitivity=0.5, bootstraps=100)
LIVER, PDAC, CYST = "liver_lesion", "pancreatic_pdac", "pancreatic_cyst"
FIT, SELECT, TEST = GoldRole.FIT, GoldRole.SELECT, GoldRole.TEST
LOOKED, HIT, MISSED = DetectionKind.LOOKED, DetectionKind.HIT, DetectionKind.MISSED
FALSE, NEUTRAL = DetectionKind.FALSE_POSITIVE, DetectionKind.NEUTRAL


def logit(probability: float) -> float:
    return math.log(probability / (1.0 - probability))


def scan(  # noqa: PLR0913 - all but the name have defaults
    name: str,
    *,
    hits: tuple[float, ...] = (),
    missed: int = 0,
    false: tuple[float, ...] = (),
    neutral: tuple[float, ...] = (),
    gold: GoldRole | None = TEST,
    site: str = "liver",
    structure: str = LIVER,
) -> list[Detection]:
    """All rows of one scan; a candidate's id is the scan's name, what it is, and which."""
    where = {"scan": name, "gold": gold, "site": site}

    def one(what: str, i: int, probability: float) -> LesionCandidate:
        return candidate(f"{name} {what} {i}", structure, probability, scan_id=name)

    return [
        row(LOOKED, **where),
        *(row(HIT, one("hit", i, p), of=lesion(structure), **where) for i, p in enumerate(hits)),
        *(row(MISSED, of=lesion(structure), **where) for _ in range(missed)),
        *(row(FALSE, one("false", i, p), **where) for i, p in enumerate(false)),
        *(row(NEUTRAL, one("neutral", i, p), **where) for i, p in enumerate(neutral)),
    ]


def gold_of(role: GoldRole, *probabilities: float) -> list[Detection]:
    found = [scan(f"{role} {i}", hits=(p,), gold=role) for i, p in enumerate(probabilities)]
    return [one for rows in found for one in rows]


def measured(rows: list[Detection], said: dict[str, Words] | None = None) -> DetectionReport:
    rng = np.random.default_rng(0)
    report = measure_detection("model", rows, said or {}, SETTINGS, rng)
    assert DetectionReport.model_validate_json(report.model_dump_json()) == report
    return report


def site_report(rows: list[Detection], said: dict[str, Words] | None = None) -> SiteReport:
    (site,) = measured(rows, said).sites
    return site


def test_a_scan_that_was_looked_at_counts_even_without_anything() -> None:
    rows = [*scan("a", hits=(0.9,), missed=1, false=(0.2,), neutral=(0.8,)), *scan("b")]
    first, second = scored_scans(rows)
    assert first.lesions == (pytest.approx(logit(0.9)), -math.inf)
    assert first.false_positives == (pytest.approx(logit(0.2)),)
    assert (second.patient, second.lesions, second.false_positives) == ("patient of b", (), ())


def test_an_excluded_hit_is_missed_and_an_excluded_false_one_is_gone() -> None:
    rows = scan("a", hits=(0.9, 0.7), false=(0.2, 0.3))
    (scored,) = scored_scans(rows, {"a hit 0", "a false 1"})
    assert scored.lesions == (-math.inf, pytest.approx(logit(0.7)))
    assert scored.false_positives == (pytest.approx(logit(0.2)),)
    assert log_odds(rows[1], {"a hit 0"}) == -math.inf
    assert log_odds(rows[0]) == -math.inf


def test_points_come_from_gold_fit_alone() -> None:
    fit = gold_of(FIT, 0.6, 0.7, 0.8)
    alone = choose_points(fit, ["liver"], SETTINGS)["liver"]
    assert alone.log_odds == pytest.approx(logit(0.7))
    others = [
        *gold_of(TEST, 0.01, 0.02),
        *gold_of(SELECT, 0.03),
        *scan("plain", hits=(0.04,), false=(0.9,), gold=None),
    ]
    assert choose_points([*others, *fit], ["liver"], SETTINGS)["liver"] == alone


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([None, SELECT, TEST]),
            st.lists(st.floats(0.001, 0.999), max_size=3).map(tuple),
            st.integers(0, 2),
            st.lists(st.floats(0.001, 0.999), max_size=3).map(tuple),
        ),
        max_size=6,
    )
)
def test_no_other_scan_ever_moves_a_point(
    made: list[tuple[GoldRole | None, tuple[float, ...], int, tuple[float, ...]]],
) -> None:
    fit = gold_of(FIT, 0.6, 0.7, 0.8)
    others = [
        one
        for i, (gold, hits, missed, false) in enumerate(made)
        for one in scan(f"o{i}", hits=hits, missed=missed, false=false, gold=gold)
    ]
    points = choose_points([*fit, *others], ["liver"], SETTINGS)
    assert points == choose_points(fit, ["liver"], SETTINGS)


def test_without_gold_fit_all_from_the_floor_on_is_looked_at() -> None:
    (point,) = choose_points(gold_of(TEST, 0.9), ["liver"], SETTINGS).values()
    assert point.probability == pytest.approx(SETTINGS.floor)
    assert not point.reached


def test_sites_have_points_of_their_own() -> None:
    rows = [
        *gold_of(FIT, 0.6, 0.7, 0.8),
        *scan("p", hits=(0.02,), gold=FIT, site="pancreas", structure=PDAC),
    ]
    points = choose_points(rows, ["liver", "pancreas"], SETTINGS)
    assert points["liver"].probability > 0.5 > 0.03 > points["pancreas"].probability
    faint = scan("q", false=(0.1,), site="pancreas", structure=PDAC)[1]
    assert above_points(faint, points)
    assert not above_points(scan("q", false=(0.1,))[1], points)
    assert not above_points(scan("q", missed=1)[1], points)


def test_figures_come_from_gold_test_alone() -> None:
    fit = gold_of(FIT, 0.6, 0.7, 0.8)
    test = [
        *scan("a", hits=(0.9, 0.65), missed=1, false=(0.8,)),
        *scan("b", false=(0.75, 0.71, 0.2)),
        *scan("c"),
    ]
    alone = site_report([*fit, *test])
    assert (alone.patients, alone.scans, alone.normal_scans) == (3, 3, 2)
    work = alone.before_reports
    assert (work.sensitivity.found, work.sensitivity.total) == (1, 3)
    assert work.false_positives_per_scan == pytest.approx(3 / 3)
    assert work.false_positives_per_normal_scan == pytest.approx(2 / 2)
    noise = [
        *gold_of(SELECT, 0.9, 0.95),
        *scan("fit too", false=(0.99,), gold=FIT),
        *scan("plain", missed=5, gold=None),
    ]
    again = site_report([*noise, *test, *fit])
    assert again.model_copy(update={"point": alone.point}) == alone
    assert again.point.log_odds == alone.point.log_odds


def test_seconds_and_what_they_save_follow_the_cost_model() -> None:
    rows = [*gold_of(FIT, 0.6, 0.7, 0.8), *scan("a", hits=(0.9,), false=(0.8,)), *scan("b")]
    work = site_report(rows).before_reports
    seconds = (5.0 * 1 + 60.0 * 0.25 * 1) / 2
    assert work.seconds_per_scan == pytest.approx(seconds)
    assert work.saved_share == pytest.approx(1.0 - seconds / (270.0 / 2))
    nothing = site_report([*gold_of(FIT, 0.6, 0.7, 0.8), *scan("b")]).before_reports
    assert (nothing.seconds_per_scan, nothing.saved_share) == (0.0, None)
    assert nothing.sensitivity.estimate is None


def test_a_report_that_deletes_a_true_candidate_turns_a_hit_into_a_miss() -> None:
    rows = [
        *gold_of(FIT, 0.6, 0.7, 0.8),
        *scan("a", hits=(0.9,), false=(0.8, 0.2)),
        *scan("b", false=(0.75,)),
        *scan("c", false=(0.75,)),
    ]
    said = {name: words(denied(LIVER, "liver")) for name in "ab"}
    site = site_report(rows, said)
    assert (site.deleted, site.deleted_lesions) == (2, 1)
    before, after = site.before_reports, site.after_reports
    assert (before.sensitivity.found, after.sensitivity.found) == (1, 0)
    assert after.sensitivity.total == 1
    assert before.false_positives_per_scan == pytest.approx(1.0)
    assert after.false_positives_per_scan == pytest.approx(1 / 3)
    assert after.false_positives_per_normal_scan == pytest.approx(1 / 2)
    assert site.normal_scans == 2, "a lesion that a report denies is there all the same"
    assert site.auc == site_report(rows).auc, "curves are the model's own"


def test_reports_only_delete_what_people_would_see() -> None:
    rows = scan("a", hits=(0.9,), false=(0.8, 0.2), neutral=(0.85,))
    points = choose_points(gold_of(FIT, 0.6, 0.7, 0.8), ["liver"], SETTINGS)
    said = {"a": words(denied(LIVER, "liver")), "elsewhere": words(denied(LIVER, "liver"))}
    found = excluded_by_reports(rows, points, said, SETTINGS)
    assert found == {"a hit 0", "a false 0", "a neutral 0"}
    assert excluded_by_reports(rows, points, {}, SETTINGS) == frozenset()
    kept = {"a": words(named(LIVER, "liver"))}
    assert excluded_by_reports(rows, points, kept, SETTINGS) == frozenset()


def test_strata_are_of_lesions_at_the_operating_point() -> None:
    rows = [
        *gold_of(FIT, 0.6, 0.7, 0.8),
        row(LOOKED, scan="a", gold=TEST),
        *(
            row(
                HIT,
                candidate(f"c{i}", LIVER, p, scan_id="a"),
                of=lesion(LIVER, diameter_mm=d, place=place),
                scan="a",
                gold=TEST,
            )
            for i, (p, d, place) in enumerate(
                [(0.9, 8.0, "liver"), (0.1, 9.0, "liver_segment_4"), (0.9, 30.0, "liver")]
            )
        ),
    ]
    strata = {(s.by, s.name): (s.rate.found, s.rate.total) for s in site_report(rows).strata}
    assert strata["size", "5-10 mm"] == (1, 2)
    assert strata["size", "20-40 mm"] == (1, 1)
    assert strata["size", "early"] == (1, 2)
    assert strata["size", "> 40 mm"] == (0, 0)
    assert strata["place", "liver_segment_4"] == (0, 1)
    assert strata["kind", LIVER] == (2, 3)


def test_only_sites_that_somebody_looked_at_are_reported() -> None:
    rows = [*gold_of(FIT, 0.7), *scan("k", gold=TEST, site="kidney", structure="kidney_cyst")]
    report = measured(rows)
    assert [site.point.site for site in report.sites] == ["liver", "kidney"]
    assert [one.site for one in report.diagnoses] == ["kidney"], "a liver has one kind of lesion"
    assert measured([]).sites == ()


def test_a_model_without_gold_test_has_points_and_no_figures() -> None:
    site = site_report(gold_of(FIT, 0.6, 0.7, 0.8))
    assert site.point.patients == 3
    assert (site.patients, site.scans, site.auc, site.average_precision) == (0, 0, None, None)
    assert site.froc == site.froc_normal == site.roc == NO_CURVE
    assert site.before_reports.sensitivity.total == 0
    assert site.before_reports.false_positives_per_scan is None


def test_patients_are_diagnosed_by_their_most_probable_and_their_largest() -> None:
    def pancreas(name: str, real: list[tuple[str, float]], seen: list[tuple[str, float]]) -> list:
        where = {"scan": name, "gold": TEST, "site": "pancreas"}
        return [
            row(LOOKED, **where),
            *(row(MISSED, of=lesion(kind, volume_mm3=size), **where) for kind, size in real),
            *(row(FALSE, candidate(f"{name}{p}", kind, p), **where) for kind, p in seen),
        ]

    rows = [
        *pancreas("a", [(CYST, 10.0), (PDAC, 99.0)], [(CYST, 0.5), (PDAC, 0.6)]),
        *pancreas("b", [(CYST, 10.0)], [(PDAC, 0.6)]),
        *pancreas("c", [], []),
        *pancreas("d", [(CYST, 10.0)], []),
    ]
    (diagnosis,) = measured(rows).diagnoses
    counts = {
        (true, said): diagnosis.counts[i][j]
        for i, true in enumerate(diagnosis.classes)
        for j, said in enumerate(diagnosis.classes)
        if diagnosis.counts[i][j]
    }
    assert counts == {(PDAC, PDAC): 1, (CYST, PDAC): 1, ("none", "none"): 1, (CYST, "none"): 1}
    assert diagnosis.accuracy == pytest.approx(2 / 4)
    assert diagnosis.accuracy_of_lesions == pytest.approx(1 / 3)


def test_rates_have_exact_intervals() -> None:
    assert rate(0, 0).model_dump() == {"found": 0, "total": 0, "low": 0.0, "high": 1.0}
    ten = rate(10, 10)
    assert (ten.estimate, ten.high) == (1.0, 1.0)
    assert ten.low == pytest.approx(0.025 ** (1 / 10))


# -- curves -----------------------------------------------------------------------------------


def test_rows_become_one_flat_table() -> None:
    rows = [*scan("a", hits=(0.9,), missed=1, neutral=(0.8,)), *scan("b", false=(0.3,))]
    table = detection_table(rows)
    assert table.patients == ("patient of a", "patient of b")
    assert table.is_normal.tolist() == [False, True]
    assert table.lesion_scan.tolist() == [0, 0]
    assert table.lesion_confidence.tolist() == pytest.approx([0.9, 0.0])
    assert table.false_positive_scan.tolist() == [1]
    assert table.false_positive_confidence.tolist() == pytest.approx([0.3])


def test_a_patient_scores_what_its_most_probable_candidate_does() -> None:
    rows = [*scan("a", hits=(0.4,), false=(0.6,)), *scan("b"), *scan("c", missed=1)]
    scores = patient_scores(rows)
    assert scores.score.tolist() == pytest.approx([0.6, 0.0, 0.0])
    assert scores.is_positive.tolist() == [True, False, True]


def test_curves_rise_within_their_bands() -> None:
    rng = np.random.default_rng(1)
    rows = [
        one
        for i in range(30)
        for one in scan(
            f"s{i}",
            hits=(float(rng.uniform(0.3, 0.9)),) if i % 2 else (),
            missed=int(i % 10 == 1),
            false=tuple(float(p) for p in rng.uniform(0.05, 0.7, int(rng.integers(0, 4)))),
        )
    ]
    for curve in (
        draw_froc(rows, Scans.ALL, 200, rng),
        draw_froc(rows, Scans.NORMAL, 200, rng),
        draw_roc(rows, 200, rng),
    ):
        y, low, high = (np.array(side) for side in (curve.y, curve.low, curve.high))
        assert np.all(np.diff(curve.x) > 0)
        assert np.all(np.diff(y) >= 0)
        assert np.all((low <= y + 1e-9) & (y <= high + 1e-9))
        assert low.min() >= 0.0
        assert high.max() <= 1.0
    assert draw_froc(rows, Scans.ALL, 200, rng).y[-1] == pytest.approx(15 / 18)
    auc, low, high = auc_interval(rows)
    assert auc is not None
    assert low is not None
    assert high is not None
    assert low < auc < high


def test_perfect_separation_is_an_area_and_a_precision_of_one() -> None:
    rows = [*scan("a", hits=(0.9,)), *scan("b", hits=(0.8,)), *scan("c", false=(0.1,)), *scan("d")]
    assert auc_interval(rows) == (1.0, 1.0, 1.0)
    assert precision(rows) == pytest.approx(1.0)
    assert precision([*rows, *scan("e", missed=2)]) == pytest.approx(0.5)


def test_where_there_is_nothing_to_tell_apart_there_is_no_curve() -> None:
    rng = np.random.default_rng(0)
    normal, ill = scan("a", false=(0.3,)), scan("b", hits=(0.5,))
    assert draw_froc([], Scans.ALL, 100, rng) == NO_CURVE
    assert draw_froc(normal, Scans.ALL, 100, rng) == NO_CURVE
    assert draw_froc(ill, Scans.NORMAL, 100, rng) == NO_CURVE
    for rows in ([], normal, ill):
        assert draw_roc(rows, 100, rng) == NO_CURVE
        assert auc_interval(rows) == (None, None, None)
    assert auc_interval([*normal, *ill]) == (1.0, None, None), "one of each has no variance"
    assert precision([]) is None
    assert precision(normal) is None


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.lists(st.floats(0.001, 0.999), max_size=2).map(tuple),
            st.integers(0, 1),
            st.lists(st.floats(0.001, 0.999), max_size=2).map(tuple),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_a_report_can_always_be_stored_and_read(
    made: list[tuple[tuple[float, ...], int, tuple[float, ...]]],
) -> None:
    rows = [
        one
        for i, (hits, missed, false) in enumerate(made)
        for one in scan(f"s{i}", hits=hits, missed=missed, false=false)
    ]
    site = site_report([*gold_of(FIT, 0.5), *rows])
    assert site.after_reports == site.before_reports
    for curve in (site.froc, site.froc_normal, site.roc):
        assert np.isfinite([*curve.y, *curve.low, *curve.high]).all()


def test_what_is_missed_is_told_of_fit_apart_from_test() -> None:
    rows = [*scan("f", hits=(0.9,), missed=3, gold=FIT), *scan("t", hits=(0.9, 0.9))]
    rows += scan("s", missed=7, gold=SELECT)
    site = site_report(rows)
    for strata, found, total in ((site.fit_strata, 1, 4), (site.strata, 2, 2)):
        (kind,) = (one for one in strata if one.by == "kind")
        assert (kind.name, kind.rate.found, kind.rate.total) == (LIVER, found, total)
