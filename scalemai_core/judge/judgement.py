"""Judges one scan: every annotation against its prediction, with the findings on both."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.judge.rules.masks import Bools, Floats, Masks
from scalemai_core.judge.side import Side, States
from scalemai_core.judge.summary import LayerMaps, LayerRuns
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
from scalemai_core.volume.histogram import NUM_IDS as NUM_VALUES

Findings = dict[Candidate, list[Finding]]
Row = dict[str, Any]

_FIELDS = tuple(Judgement.model_fields)


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
    stated = States.of(states)
    annotated = Side.of(scan, image_zyx, current, stated, settings)
    predicted = Side.of(scan, image_zyx, prediction, stated.as_predicted(), settings)
    findings = {
        Candidate.CURRENT: list(annotated.findings),
        Candidate.PREDICTION: list(predicted.findings),
    }
    return judge_sides(scan, states, annotated, predicted), findings


def judge_sides(
    scan: Scan, states: Mapping[str, State], current: Side, prediction: Side
) -> list[Judgement]:
    """Judge a side against a prediction: the structures with voxels or a known state."""
    # The numbers are our own: checking millions of them again would cost more than finding them.
    rows = judged_rows(scan, states, current, prediction)
    said = {"candidate": Candidate.CURRENT}
    return [
        Judgement.model_construct(None, **{**row, **said, "state": State(row["state"])})
        for row in rows
    ]


def judged_rows(
    scan: Scan,
    states: Mapping[str, State],
    current: Side,
    prediction: Side,
    among: Collection[str] | None = None,
) -> list[Row]:
    """The same judgements as rows of a table: millions of them never become records.

    Where only some structures are asked for, only those are compared.
    """
    taxonomy = load_taxonomy()
    own, predicted = current.runs, prediction.runs
    if among is not None:
        own, predicted = (_only(runs, among, taxonomy) for runs in (own, predicted))
    columns = _agreement(own, predicted, scan.grid, taxonomy)
    for candidate, side in ((Candidate.CURRENT, current), (Candidate.PREDICTION, prediction)):
        columns |= _numbers(side.masks, candidate)
        columns |= _signs(side.findings, candidate, taxonomy)
    columns["offset_mm"] = _nullable(
        np.linalg.norm(current.masks.centroid_mm - prediction.masks.centroid_mm, axis=1)
    )
    there = (current.masks.volume_ml > 0) | (prediction.masks.volume_ml > 0)
    rows = States.of(states).known | there
    if among is not None:
        rows &= np.isin(np.arange(NUM_IDS), [taxonomy[name].id for name in among])
    return _rows(scan.scan_id, rows, states, columns, taxonomy)


def _only(runs: LayerRuns, structures: Collection[str], taxonomy: Taxonomy) -> LayerRuns:
    """The layers of some structures, without any other."""
    kept = np.zeros(NUM_VALUES, dtype=np.uint8)
    for name in structures:
        kept[taxonomy.member_ids(name)] = taxonomy.member_ids(name)
    layers = {taxonomy[name].layer for name in structures}
    return {layer: runs[layer].merged(kept) for layer in layers}


def _agreement(
    current: LayerRuns, prediction: LayerRuns, grid: Grid, taxonomy: Taxonomy
) -> dict[str, Sequence[Any]]:
    surface_mm, hd95_mm, surface_dice = np.full((3, NUM_IDS), np.nan)
    # Layers share no structure.
    meetings = sum(current[layer].joint_histogram(prediction[layer]) for layer in current)
    overlap = Overlap.of_histogram(np.asarray(meetings), taxonomy.unions)
    for layer in current:
        surfaces = compare_surfaces(
            current[layer], prediction[layer], grid.spacing_mm_zyx, taxonomy.unions
        )
        ids = [structure.id for structure in taxonomy.in_layer(layer)]
        surface_mm[ids], hd95_mm[ids] = surfaces.mean_mm[ids], surfaces.hd95_mm[ids]
        surface_dice[ids] = surfaces.dice[ids]
    return {
        "dice": _nullable(overlap.dice),
        "intersection_ml": (grid.voxel_ml * overlap.intersection).tolist(),
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


def _rows(
    scan_id: str,
    rows: Bools,
    states: Mapping[str, State],
    columns: Mapping[str, Sequence[Any]],
    taxonomy: Taxonomy,
) -> list[Row]:
    names = ("", *taxonomy.names)
    every: dict[str, Sequence[Any]] = {
        **columns,
        "scan_id": [scan_id] * NUM_IDS,
        "structure": names,
        "candidate": [Candidate.CURRENT.value] * NUM_IDS,
        "state": [states.get(name, State.UNKNOWN).value for name in names],
    }
    wanted = (every[field] for field in _FIELDS)
    return [
        dict(zip(_FIELDS, row, strict=True))
        for row in compress(zip(*wanted, strict=True), rows.tolist())
    ]


def _nullable(values: Floats) -> list[float | None]:
    """Plain numbers, None for NaN."""
    return [None if math.isnan(value) else value for value in values.tolist()]
