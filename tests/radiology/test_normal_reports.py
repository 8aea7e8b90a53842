"""What is gained: an ordinary normal report clears most of the organs that it denies lesions in."""

from __future__ import annotations

from normal_reports import NORMAL

from scalemai_core.radiology.reading import read_report
from scalemai_core.taxonomy.taxonomy import load_taxonomy

ORGANS = (("liver",), ("pancreas",), ("kidney_left", "kidney_right"))


def test_most_organs_of_ordinary_normal_reports_may_be_cleared() -> None:
    cleared = 0
    for report in NORMAL:
        organs = {organ for _, organ in read_report(report, load_taxonomy()).may_delete}
        cleared += sum(organs.issuperset(organ) for organ in ORGANS)
    assert cleared >= 0.75 * len(ORGANS) * len(NORMAL)
