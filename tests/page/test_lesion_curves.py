"""FROC and ROC curves: well formed, inside their axes, and equal to the record."""

from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest
from made_up_lesions import DIAGNOSIS, make_detection, make_site, one_patient, unmeasured

from scalemai_core.page.report.curves import (
    FROC_SIZE,
    ROC_SIZE,
    curve_files,
    draw_froc,
    draw_roc,
    patients_told,
)

SVG = "{http://www.w3.org/2000/svg}"


def dots(svg: str) -> dict[str, tuple[float, float]]:
    return {
        str(dot.get("class")): (float(dot.get("cx", "")), float(dot.get("cy", "")))
        for dot in ET.fromstring(svg).iter("circle")
    }


def test_two_curves_with_bands_share_the_froc_and_stay_inside() -> None:
    root = ET.fromstring(draw_froc(make_site()))
    lines = {line.get("class"): line.get("points", "").split() for line in root.iter("polyline")}
    assert set(lines) == {"curve", "curve normal"}
    assert {band.get("class") for band in root.iter("path")} == {"band", "band normal"}
    for place in lines["curve"]:
        x, y = (float(at) for at in place.split(","))
        assert 0 < x < FROC_SIZE[0]
        assert 0 < y < FROC_SIZE[1]
    assert len(lines["curve"]) == 49  # of 61: from 1/8 on


def test_the_operating_point_moves_left_with_reports() -> None:
    found = dots(draw_froc(make_site()))
    assert set(found) == {"solid", "solid-normal", "ring"}
    assert found["ring"][0] < found["solid"][0]
    assert found["ring"][1] > found["solid"][1]


def test_without_false_positives_the_mark_stands_at_the_axis_end() -> None:
    x, _ = dots(draw_froc(one_patient("liver")))["solid"]
    assert x == 44.0


def test_the_operating_point_of_patients_comes_from_the_diagnoses() -> None:
    told = patients_told(DIAGNOSIS)
    assert told == pytest.approx((5 / 45, 68 / 71))
    assert set(dots(draw_roc(make_site(), DIAGNOSIS))) == {"solid"}
    assert dots(draw_roc(make_site(), None)) == {}
    healthy = DIAGNOSIS.model_copy(update={"counts": ((3, 0), (0, 0)), "classes": ("none", "a")})
    assert patients_told(healthy) is None


def test_without_lesions_there_is_no_curve() -> None:
    assert draw_froc(unmeasured()) == ""
    assert draw_roc(unmeasured(), None) == ""
    assert curve_files(make_detection(unmeasured())) == {}


def test_files_carry_their_style_title_and_size() -> None:
    files = curve_files(make_detection(make_site(), one_patient("liver")))
    assert set(files) == {"froc_pancreas.svg", "roc_pancreas.svg", "froc_liver.svg"}
    for file in files.values():
        root = ET.fromstring(file)
        assert root.tag == f"{SVG}svg"
        assert float(root.get("width", "")) >= ROC_SIZE[0]
        assert root.find(f"{SVG}style") is not None
    words = " ".join(ET.fromstring(files["roc_pancreas.svg"]).itertext())
    assert "Lesions of pancreas: ROC" in words
    assert "AUC 0.951" in words
