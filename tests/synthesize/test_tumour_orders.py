"""Orders for tumours: sites, sizes and kinds by their shares, more of what was missed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from pydantic import ValidationError

from scalemai_core.errors import UsageError
from scalemai_core.records.detection import (
    Curve,
    DetectionReport,
    Rate,
    SiteReport,
    StratumRate,
    Work,
)
from scalemai_core.records.label_map import Layer
from scalemai_core.records.operating_point import OperatingPoint
from scalemai_core.settings.tumours import TumourSettings
from scalemai_core.synthesize.tumour.draw import draw_order, draw_structure, drawable
from scalemai_core.synthesize.tumour.looks import LOOKS
from scalemai_core.synthesize.tumour.misses import MOST, Stratum, missed_strata
from scalemai_core.synthesize.tumour.order import TumourOrder
from scalemai_core.synthesize.tumour.place import centres
from scalemai_core.synthesize.tumour.sites import (
    SITE,
    SITE_NAMES,
    SITES,
    SIZE_CLASSES,
    draw_host,
    level_bounds,
    site_of,
)
from scalemai_core.taxonomy.taxonomy import load_taxonomy

PLAIN = TumourSettings()


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


def rate(found: int, total: int) -> Rate:
    return Rate(found=found, total=total, low=0.0, high=1.0)


def report(*strata: StratumRate, overall: Rate) -> DetectionReport:
    """Of one site, the liver, as gold ``fit`` has it; in ``test`` all is found."""
    point = OperatingPoint(
        site="liver",
        log_odds=0.0,
        probability=0.5,
        target_sensitivity=0.99,
        guaranteed_sensitivity=0.9,
        reached=False,
        reason="made up",
        patients=1,
        lesions=1,
        sensitivity=None,
        scans=1,
        false_positives_per_scan=None,
        false_positives_per_normal_scan=None,
    )
    work = Work(
        sensitivity=rate(1, 1),
        false_positives_per_scan=None,
        false_positives_per_normal_scan=None,
        seconds_per_scan=None,
        saved_share=None,
    )
    none = Curve(x=(), y=(), low=(), high=())
    site = SiteReport(
        point=point,
        patients=1,
        scans=1,
        normal_scans=0,
        before_reports=work,
        after_reports=work,
        deleted=0,
        deleted_lesions=0,
        froc=none,
        froc_normal=none,
        roc=none,
        auc=None,
        auc_low=None,
        auc_high=None,
        average_precision=None,
        strata=(),
        fit_strata=(*strata, StratumRate(by="kind", name="all", rate=overall)),
    )
    return DetectionReport(model="m", sites=(site,), diagnoses=())


def size(name: str, found: int, total: int) -> StratumRate:
    return StratumRate(by="size", name=name, rate=rate(found, total))


def test_every_lesion_of_the_taxonomy_has_organs_a_site_and_a_look() -> None:
    lesions = {structure.name for structure in load_taxonomy().in_layer(Layer.LESIONS)}
    assert set(SITES) == lesions == set(LOOKS)
    assert set(SITE_NAMES.values()) == set(SITE)
    assert SITES["kidney_cyst"] == ("kidney_left", "kidney_right")
    parts = {structure.name for structure in load_taxonomy().children("pancreas")}
    assert {part for part, _ in SITE["pancreas"].parts} == parts
    for site in SITE.values():
        assert not site.parts or sum(share for _, share in site.parts) == pytest.approx(1.0)


def test_sizes_follow_the_mix_of_classes() -> None:
    draws = rng()
    diameters = np.array(
        [draw_order("liver_lesion", draws, PLAIN).diameter_mm for _ in range(2000)]
    )
    for (low, high), share in zip(SIZE_CLASSES.values(), PLAIN.size_mix, strict=True):
        found = ((diameters >= low) & (diameters <= high)).mean()
        assert found == pytest.approx(share, abs=0.04)


def test_kinds_are_drawn_evenly_where_a_structure_has_both() -> None:
    draws = rng()
    kinds = Counter(draw_order("liver_lesion", draws, PLAIN).kind for _ in range(1000))
    assert kinds["handcrafted"] == pytest.approx(500, abs=60)
    assert {draw_order("kidney_cyst", draws, PLAIN).kind for _ in range(20)} == {"handcrafted"}


def test_no_tumour_outgrows_its_organ_or_is_too_small_to_show() -> None:
    draws = rng()
    for structure in SITES:
        site = site_of(structure)
        for _ in range(100):
            diameter_mm = draw_order(structure, draws, PLAIN).diameter_mm
            assert site.least_mm <= diameter_mm <= site.greatest_mm + 1e-9


def test_the_same_generator_gives_the_same_order() -> None:
    assert draw_order("liver_lesion", rng(), PLAIN) == draw_order("liver_lesion", rng(), PLAIN)
    assert isinstance(draw_order("liver_lesion", rng(), PLAIN), TumourOrder)


def test_sites_are_drawn_evenly_among_those_allowed() -> None:
    draws = rng()
    allowed = ["liver_lesion", "pancreatic_pdac", "pancreatic_cyst"]
    counts = Counter(draw_structure(allowed, draws, PLAIN) for _ in range(1000))
    assert set(counts) == set(allowed)
    assert counts["liver_lesion"] == pytest.approx(500, abs=60)
    assert draw_structure(["spleen"], draws, PLAIN) is None


def test_drawable_are_the_leaves_or_what_the_settings_name() -> None:
    assert "pancreatic_lesion" not in drawable(PLAIN)
    assert len(drawable(PLAIN)) == 7
    assert drawable(TumourSettings(structures=("pancreatic_lesion",))) == ("pancreatic_lesion",)
    assert "kidney_cyst" not in drawable(TumourSettings(kinds=("automaton",)))
    with pytest.raises(UsageError, match="spleen"):
        drawable(TumourSettings(structures=("spleen",)))
    with pytest.raises(UsageError, match="kinds"):
        draw_order("kidney_cyst", rng(), TumourSettings(kinds=("automaton",)))


def test_what_was_missed_is_drawn_more_often_up_to_three_times() -> None:
    strata = (Stratum(structure="liver_lesion", diameter_mm=(5.0, 10.0), weight=MOST),)
    draws = rng()
    tiny = sum(
        draw_order("liver_lesion", draws, PLAIN, strata).diameter_mm <= 10.0 for _ in range(2000)
    )
    # 0.4 of the mix, three times as often against 0.6 of the rest.
    assert tiny / 2000 == pytest.approx(1.2 / 1.8, abs=0.04)
    untargeted = TumourSettings(targeted=False)
    tiny = sum(
        draw_order("liver_lesion", draws, untargeted, strata).diameter_mm <= 10.0
        for _ in range(2000)
    )
    assert tiny / 2000 == pytest.approx(0.4, abs=0.04)
    allowed = ["liver_lesion", "kidney_cyst"]
    counts = Counter(draw_structure(allowed, draws, PLAIN, strata) for _ in range(2000))
    assert counts["liver_lesion"] / 2000 == pytest.approx(1.8 / 2.8, abs=0.04)


def test_strata_of_a_report_rise_with_the_share_missed() -> None:
    strata = missed_strata(
        report(
            size("5-10 mm", 10, 100),
            size("10-20 mm", 90, 100),
            size("20-40 mm", 0, 1),
            size("early", 100, 200),
            overall=rate(100, 201),
        )
    )
    weights = {stratum.diameter_mm: stratum.weight for stratum in strata}
    assert {stratum.structure for stratum in strata} == {"liver_lesion"}
    assert len(weights) == 5
    assert weights[5.0, 10.0] > weights[20.0, 40.0] > weights[0.0, 5.0] > weights[10.0, 20.0]
    assert all(1.0 <= weight <= MOST for weight in weights.values())
    assert missed_strata(DetectionReport(model="m", sites=(), diagnoses=())) == ()


def test_a_stratum_survives_json() -> None:
    for stratum in missed_strata(report(overall=rate(1, 2))):
        assert Stratum.model_validate_json(stratum.model_dump_json()) == stratum


def test_large_tumours_of_the_pancreas_lie_in_its_head_and_early_ones_anywhere() -> None:
    present = ["pancreas", "pancreas_head", "pancreas_body", "pancreas_tail"]
    draws = rng()
    large = Counter(draw_host("pancreatic_pdac", 30.0, present, draws) for _ in range(1000))
    early = Counter(draw_host("pancreatic_pdac", 10.0, present, draws) for _ in range(1000))
    assert large["pancreas_head"] == pytest.approx(650, abs=60)
    assert early["pancreas_tail"] == pytest.approx(333, abs=60)
    assert draw_host("pancreatic_pdac", 30.0, ["pancreas", "pancreas_head"], draws) == "pancreas"
    assert draw_host("kidney_cyst", 10.0, ["kidney_right", "liver"], draws) == "kidney_right"
    assert draw_host("kidney_cyst", 10.0, ["liver"], draws) is None


def test_liver_tumours_lie_low_where_the_patch_shows_the_whole_liver() -> None:
    organ = np.zeros((40, 30, 30), np.bool_)
    organ[5:35, 5:25, 5:25] = True
    draws = rng()
    first = [next(iter(centres(organ, 1.0, SITE["liver"], draws))) for _ in range(400)]
    share = np.mean([z < 15 for z, _, _ in first])
    assert 0.55 < share < 0.7
    assert all(organ[centre] for centre in first)
    organ[:] = True
    first = [next(iter(centres(organ, 1.0, SITE["liver"], draws))) for _ in range(400)]
    assert np.mean([z < 40 / 3 for z, _, _ in first]) == pytest.approx(1 / 3, abs=0.08)
    assert list(centres(np.zeros_like(organ), 1.0, SITE["liver"], draws)) == []


def test_levels_are_the_published_ones_in_a_portal_venous_scan_and_else_percentiles() -> None:
    draws = rng()
    venous = draws.normal(115.0, 15.0, 5000).astype(np.float32)
    plain = draws.normal(55.0, 15.0, 5000).astype(np.float32)
    assert level_bounds("liver_lesion", venous) == (100.0, 160.0)
    low, high = level_bounds("liver_lesion", plain)
    assert 30.0 < low < 45.0
    assert 75.0 < high < 90.0
    flat = np.full(10, 50.0, np.float32)
    assert level_bounds("liver_lesion", flat)[1] > level_bounds("liver_lesion", flat)[0]


def test_a_mix_of_sizes_has_shares() -> None:
    for mix in [(0.0, 0.0, 0.0, 0.0), (1.0, -0.1, 0.0, 0.0)]:
        with pytest.raises(ValidationError, match="size_mix"):
            TumourSettings(size_mix=mix)
