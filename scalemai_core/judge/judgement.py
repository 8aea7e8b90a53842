"""Judges one scan: every annotation against its prediction, with the findings on both."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.judge.rules.masks import Bools, Floats, Masks
from scalemai_core.judge.rules.registry import verify
from scalemai_core.judge.summary import LayerMaps, LayerRuns, States, complete, cut, summarise
from scalemai_core.measure.overlap import Overlap
from scalemai_core.measure.surface import compare_surfaces
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Candidate
from scalemai_core.records.finding import Finding, Severity
from scalemai_core.records.grid import Grid
from scalemai_core.records.judgement import Judgement
from scalemai_core.records.label_map import ImageZYX
from scalemai_core.records.scan import Scan
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.taxonomy.taxonomy import NUM_IDS, Taxonomy, load_taxonomy

Findings = dict[Candidate, list[Finding]]


def judge_scan(
    scan: Scan,
    image_zyx: ImageZYX,
    current: LayerMaps,
    prediction: LayerMaps,
    states: Mapping[str, State],
    settings: JudgeSettings,
) -> tuple[list[Judgement], Findings]:
    """Judge all structures of a scan that have voxels in either candidate or a known state.

    Label maps are on the scan's grid; a layer that is left out is empty, a structure without a
    state is unknown. The rules (method reference, section 1.5) run on both candidates; a prediction
    is taken to say ``absent`` where it has no voxels of a structure whose state is known. Raises
    ValueError where shapes differ or a label map holds ids that no structure has.
    """
    taxonomy = load_taxonomy()
    current, prediction = complete(current, scan.grid), complete(prediction, scan.grid)
    stated = States.of(states, taxonomy)
    runs, predicted_runs = cut(current), cut(prediction)
    annotated = summarise(scan, image_zyx, current, runs, stated, settings)
    predicted = summarise(
        scan, image_zyx, prediction, predicted_runs, stated.as_predicted(), settings
    )
    findings = {
        Candidate.CURRENT: verify(annotated, settings),
        Candidate.PREDICTION: verify(predicted, settings),
    }
    columns = _agreement(runs, predicted_runs, scan.grid, taxonomy)
    for side, masks in ((Candidate.CURRENT, annotated), (Candidate.PREDICTION, predicted)):
        columns |= _numbers(masks, side)
        columns |= _signs(findings[side], side, taxonomy)
    columns["offset_mm"] = _nullable(
        np.linalg.norm(annotated.centroid_mm - predicted.centroid_mm, axis=1)
    )
    rows = stated.known | (annotated.volume_ml > 0) | (predicted.volume_ml > 0)
    return _records(scan.scan_id, rows, states, columns, taxonomy), findings


def _agreement(
    current: LayerRuns, prediction: LayerRuns, grid: Grid, taxonomy: Taxonomy
) -> dict[str, Sequence[Any]]:
    dice, surface_mm, hd95_mm, surface_dice = np.full((4, NUM_IDS), np.nan)
    shared_ml = np.zeros(NUM_IDS)
    for layer in current:
        meetings = current[layer].joint_histogram(prediction[layer])
        overlap = Overlap.of_histogram(meetings, taxonomy.unions)
        surfaces = compare_surfaces(
            current[layer], prediction[layer], grid.spacing_mm_zyx, taxonomy.unions
        )
        ids = [structure.id for structure in taxonomy.in_layer(layer)]
        dice[ids] = overlap.dice[ids]
        shared_ml[ids] = grid.voxel_ml * overlap.intersection[ids]
        surface_mm[ids], hd95_mm[ids] = surfaces.mean_mm[ids], surfaces.hd95_mm[ids]
        surface_dice[ids] = surfaces.dice[ids]
    return {
        "dice": _nullable(dice),
        "intersection_ml": shared_ml.tolist(),
        "surface_mm": _nullable(surface_mm),
        "hd95_mm": _nullable(hd95_mm),
        "surface_dice": _nullable(surface_dice),
    }


def _numbers(masks: Masks, side: Candidate) -> dict[str, Sequence[Any]]:
    """The columns of one candidate, one value a structure id."""
    x, y, z = masks.centroid_mm.T
    columns: dict[str, Sequence[Any]] = {
        "volume_ml": masks.volume_ml.tolist(),
        "mean_hu": _nullable(masks.mean_hu),
        "pieces": masks.pieces.tolist(),
        "sd_hu": _nullable(masks.sd_hu),
        "crumbs": _nullable(masks.crumb_share),
        "holes": _nullable(masks.hole_share),
        "flat_end": _nullable(masks.flat_end.max(axis=1)),
        "open_border": _nullable(masks.open_share),
        "open_face": _nullable(np.fmax.reduce(masks.open_face, axis=(1, 2))),
        "height_mm": _nullable(masks.ends_mm[:, 1] - masks.ends_mm[:, 0]),
        "x_mm": _nullable(x),
        "y_mm": _nullable(y),
        "z_mm": _nullable(z),
        "at_border": masks.at_border.tolist(),
    }
    return {f"{name}_{side.value}": values for name, values in columns.items()}


def _signs(
    findings: Sequence[Finding], candidate: Candidate, taxonomy: Taxonomy
) -> dict[str, Sequence[Any]]:
    """Findings counted by severity, and their rules, one value a structure id."""
    counts: dict[Severity, NDArray[np.int64]] = {
        severity: np.zeros(NUM_IDS, dtype=np.int64) for severity in Severity
    }
    rules: list[list[str]] = [[] for _ in range(NUM_IDS)]
    for finding in findings:
        row = taxonomy[finding.structure].id
        counts[finding.severity][row] += 1
        rules[row].append(finding.rule)
    return {
        f"faults_{candidate.value}": counts[Severity.FAULT].tolist(),
        f"doubts_{candidate.value}": counts[Severity.DOUBT].tolist(),
        f"findings_{candidate.value}": [",".join(names) for names in rules],
    }


def _records(
    scan_id: str,
    rows: Bools,
    states: Mapping[str, State],
    columns: Mapping[str, Sequence[Any]],
    taxonomy: Taxonomy,
) -> list[Judgement]:
    # The numbers are our own: checking millions of them again would cost more than finding them.
    names = {int(row): taxonomy.by_id(int(row)).name for row in np.flatnonzero(rows)}
    return [
        Judgement.model_construct(
            scan_id=scan_id,
            structure=name,
            state=states.get(name, State.UNKNOWN),
            **{column: values[row] for column, values in columns.items()},
        )
        for row, name in names.items()
    ]


def _nullable(values: Floats) -> list[float | None]:
    """Plain numbers, None for NaN."""
    return [None if math.isnan(value) else value for value in values.tolist()]
