from __future__ import annotations

import math

import pytest

from scalemai_core.judge.lesions.cost import seconds_per_scan, sweep
from scalemai_core.judge.lesions.operating_point import ScoredScan
from scalemai_core.settings.lesions import LesionSettings


def test_the_published_operating_point_saves_92_percent() -> None:
    seconds = seconds_per_scan(
        false_positives=0.6, lesions=1.0, sensitivity=0.99, settings=LesionSettings()
    )
    assert seconds == pytest.approx(20.55)
    assert 1 - seconds / 270 == pytest.approx(0.924, abs=5e-4)
    untouched = LesionSettings(edit_share=0.0)
    seconds = seconds_per_scan(
        false_positives=0.6, lesions=1.0, sensitivity=0.99, settings=untouched
    )
    assert 270 / seconds == pytest.approx(47, abs=0.5)


def test_a_sweep_trades_false_candidates_for_missed_lesions() -> None:
    scans = [
        ScoredScan(patient="a", lesions=(3.0, -math.inf), false_positives=(1.0, 2.0)),
        ScoredScan(patient="b", lesions=(), false_positives=(2.0,)),
    ]
    costs = sweep(scans, LesionSettings())
    assert [c.log_odds for c in costs] == [1.0, 2.0, 3.0]
    assert [c.false_positives_per_scan for c in costs] == [1.5, 1.0, 0.0]
    assert [c.sensitivity for c in costs] == [0.5] * 3
    assert costs[0].seconds_per_scan == pytest.approx(1.5 * 5 + 0.5 * 15 + 0.5 * 270)
    assert costs[0].saved_share == pytest.approx(1 - costs[0].seconds_per_scan / 270)


def test_where_there_is_nothing_to_draw_nothing_can_be_saved() -> None:
    normal = ScoredScan(patient="a", lesions=(), false_positives=(1.0,))
    (cost,) = sweep([normal], LesionSettings(seconds_look=7.0))
    assert cost.seconds_per_scan == 12.0
    assert cost.saved_share is None
    assert cost.sensitivity is None
    assert sweep([], LesionSettings()) == ()
