"""How well a network finds lesions of new patients: sensitivity at equal false candidates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
from patients import PhantomFolder
from trials import Scores

from scalemai_core.judge.lesions.candidates import find_candidates
from scalemai_core.learn.predict.predictor import Predictor
from scalemai_core.measure.detection.froc import froc_curve
from scalemai_core.measure.detection.lesions import find_lesions
from scalemai_core.measure.detection.match import match
from scalemai_core.measure.detection.meeting import Meeting
from scalemai_core.measure.detection.table import DetectionTable, ScanMatching
from scalemai_core.records.label_map import Layer
from scalemai_core.settings.learning import PredictSettings
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.resample import resample_labels

SETTINGS = LesionSettings(min_mm3=30.0)
"""Two voxels of 2.5 mm at least."""
FALSE_PER_SCAN = (0.25, 0.5, 1.0)
SIZES_MM = (0.0, 10.0, 15.0, 20.0, 100.0)
"""Ends of the groups of lesions, by the diameter of the sphere of their volume."""
PREDICT = PredictSettings(overlap=0.25)


def score_lesions(predictor: Predictor, folder: PhantomFolder, indices: Iterable[int]) -> Scores:
    """Sensitivity of all lesions and by size, at the same false candidates per scan."""
    rows, diameters = list[ScanMatching](), list[float]()
    for index in indices:
        row, own = _look(predictor, folder, index)
        rows.append(row)
        diameters += own
    table = DetectionTable.of_scans(rows)
    diameter_mm = np.array(diameters)
    scores: Scores = {"lesions": float(len(diameters)), "found": _share(table.lesion_confidence)}
    for false in FALSE_PER_SCAN:
        scores[at(false)] = float(froc_curve(table).sensitivity_at(false))
    for group, (low, high) in zip(size_names(), pairwise(SIZES_MM), strict=True):
        own = (diameter_mm >= low) & (diameter_mm < high)
        curve = froc_curve(table.with_lesions(own))
        for false in FALSE_PER_SCAN:
            scores[f"{group} {at(false)}"] = float(curve.sensitivity_at(false))
        scores[f"{group} lesions"] = float(own.sum())
    scores["false"] = len(table.false_positive_scan) / len(rows)
    return scores


def at(false: float) -> str:
    """Name of the sensitivity at so many false candidates a scan."""
    return f"sensitivity at {false:g}"


def size_names() -> Sequence[str]:
    """Of the groups of lesions."""
    *between, _ = [f"{low:g} to {high:g} mm" for low, high in pairwise(SIZES_MM)]
    return (*between, f"from {SIZES_MM[-2]:g} mm")


def _look(
    predictor: Predictor, folder: PhantomFolder, index: int
) -> tuple[ScanMatching, list[float]]:
    """What was found in one patient, and the true lesions' diameters by their number."""
    name, grid = str(index), folder.grid(index)
    odds = predictor.predict(folder.image(name), grid, PREDICT).lesions
    if odds is None:
        raise SystemExit("the network knows no lesions")
    anatomy_zyx = folder.labels(f"{index}/{Layer.ANATOMY}")
    truth_zyx = folder.labels(f"{index}/{Layer.LESIONS}")
    near_zyx = resample_labels(anatomy_zyx, odds.grid.shape_zyx)
    components_zyx, candidates = find_candidates(
        odds.codes_zyx, odds.types_zyx, near_zyx, odds.grid, name, SETTINGS
    )
    pieces_zyx, lesions = find_lesions(truth_zyx, anatomy_zyx, grid, load_taxonomy())
    meeting = Meeting.of_arrays(
        pieces_zyx, resample_labels(components_zyx, grid.shape_zyx), grid.spacing_mm_zyx
    )
    confidence = {one.number: one.probability for one in candidates}
    row = ScanMatching(name, match(meeting), confidence)
    # The table has a scan's lesions by their number, as they are here.
    return row, [(6.0 * one.volume_mm3 / np.pi) ** (1 / 3) for one in lesions]


def _share(confidence: np.ndarray) -> float:
    return float((confidence > 0).mean()) if len(confidence) else float("nan")
