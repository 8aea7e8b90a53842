"""Made-up rows of decisions for the tests of a judgement's page."""

from __future__ import annotations

from typing import Any

from made_up_rounds import EXPERT

from scalemai_core.page.judgement.explanation import Explanation
from scalemai_core.settings.engine import EngineSettings

USUAL: dict[str, Any] = {
    "structure": "liver", "usual_dice": 0.93, "spread_dice": 0.02,
    "usual_log_volume": 7.3132, "spread_log_volume": 0.0367,
    "usual_mean_hu": 105.0, "spread_mean_hu": 5.0,
    "usual_height_mm": None, "spread_height_mm": None,
}  # fmt: skip


def make_row(**changes: Any) -> dict[str, Any]:
    """A liver of which the model sees more, and wins."""
    return {
        "scan_id": "0831a3ff", "case": "case_0023", "structure": "liver", "kind": "organ",
        "state": "present", "origin": "source", "source": "population", "dice": 0.71,
        "volume_ml_current": 1032.4, "volume_ml_prediction": 1512.0, "intersection_ml": 903.1,
        "surface_mm": 6.2, "hd95_mm": 31.0, "mean_hu_current": 88.0, "mean_hu_prediction": 104.0,
        "height_mm_current": 130.0, "height_mm_prediction": 160.0,
        "pieces_current": 2, "pieces_prediction": 1, "crumbs_current": 0.12,
        "crumbs_prediction": 0.0, "at_border_current": False, "at_border_prediction": False,
        "findings_current": "pieces", "findings_prediction": "",
        "message": "12% of liver lies apart from its largest piece",
        "score_current": 0.64, "error_current": 0.11, "quality_current": 0.04,
        "score_rival": 0.93, "error_rival": 0.02, "quality_rival": 0.991,
        "rival": "prediction", "better": 0.97, "gain": 0.29, "enabled": True,
        "action": "replace", "reason": "another mask is surely better, and good",
    } | changes  # fmt: skip


def make_explanation(row: dict[str, Any] | None = None, **changes: Any) -> Explanation:
    """Why round 2 replaced it, but for the changes."""
    values: dict[str, Any] = {
        "number": 2, "row": row or make_row(), "usual": USUAL, "expert": EXPERT,
        "settings": EngineSettings(), "out_of_fold": True, "repair": "", "history": (),
        "standing": "Now (dataset version 3): present",
    } | changes  # fmt: skip
    return Explanation(**values)
