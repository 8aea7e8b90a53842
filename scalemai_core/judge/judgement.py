"""Judges one scan: every annotation against its prediction, with the findings on both."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from itertools import compress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.judge.rules.masks import Bools, Masks
from scalemai_core.judge.side import Side, States
from scalemai_core.judge.summary import LayerMaps, LayerRuns
from scalemai_core.measure.overlap import Overlap
from scalemai_core.measure.surface import compare_surfaces
from scalemai_core.records.annotation import State
from scalemai_core.records.columns import Column, Columns, joined
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
    scan: Scan, states: Mapping[str, State], current: Side, prediction: Side
) -> list[dict[str, Any]]:
    """The same judgements as rows of a table."""
    return joined([judged_columns(scan, states, current, prediction)]).to_dicts()


def judged_columns(
    scan: Scan,
    states: Mapping[str, State],
    current: Side,
    prediction: Side,
    among: Collection[str] | None = None,
) -> Columns:
    """The same by column, NaN for None: millions of judgements never become records or rows.

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
    columns["offset_mm"] = np.linalg.norm(
        current.masks.centroid_mm - prediction.masks.centroid_mm, axis=1
    )
    there = (current.masks.volume_ml > 0) | (prediction.masks.volume_ml > 0)
    rows = States.of(states).known | there
    if among is not None:
        rows &= np.isin(np.arange(NUM_IDS), [taxonomy[name].id for name in among])
    names = ("", *taxonomy.names)
    columns |= {
        "scan_id": [scan.scan_id] * NUM_IDS,
        "structure": names,
        "candidate": [Candidate.CURRENT.value] * NUM_IDS,
        "state": [states.get(name, State.UNKNOWN).value for name in names],
    }
    return _chosen(columns, rows)


def _only(runs: LayerRuns, structures: Collection[str], taxonomy: Taxonomy) -> LayerRuns:
    """The layers of some structures, without any other."""
    kept = np.zeros(NUM_VALUES, dtype=np.uint8)
    for name in structures:
        kept[taxonomy.member_ids(name)] = taxonomy.member_ids(name)
    layers = {taxonomy[name].layer for name in structures}
    return {layer: runs[layer].merged(kept) for layer in layers}


def _agreement(
    current: LayerRuns, prediction: LayerRuns, grid: Grid, taxonomy: Taxonomy
) -> dict[str, Column]:
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
        "dice": overlap.dice,
        "intersection_ml": grid.voxel_ml * overlap.intersection,
        "surface_mm": surface_mm,
        "hd95_mm": hd95_mm,
        "surface_dice": surface_dice,
    }


def _numbers(masks: Masks, side: Candidate) -> dict[str, Column]:
    """The columns of one candidate, one value a structure id."""
    x, y, z = masks.centroid_mm.T
    columns: dict[str, Column] = {
        "volume_ml": masks.volume_ml,
        "mean_hu": masks.mean_hu,
        "pieces": masks.pieces,
        "sd_hu": masks.sd_hu,
        "crumbs": masks.crumb_share,
        "holes": masks.hole_share,
        "flat_end": masks.flat_end.max(axis=1),
        "open_border": masks.open_share,
        "open_face": np.fmax.reduce(masks.open_face, axis=(1, 2)),
        "height_mm": masks.ends_mm[:, 1] - masks.ends_mm[:, 0],
        "x_mm": x,
        "y_mm": y,
        "z_mm": z,
        "at_border": masks.at_border,
    }
    return {f"{name}_{side.value}": values for name, values in columns.items()}


def _signs(
    findings: Sequence[Finding], candidate: Candidate, taxonomy: Taxonomy
) -> dict[str, Column]:
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
        f"faults_{candidate.value}": counts[Severity.FAULT],
        f"doubts_{candidate.value}": counts[Severity.DOUBT],
        f"findings_{candidate.value}": [",".join(names) for names in rules],
    }


def _chosen(columns: Mapping[str, Column], rows: Bools) -> Columns:
    """Some rows of all columns, in the order of a judgement's fields."""
    chosen = rows.tolist()
    every = ((field, columns[field]) for field in _FIELDS)
    return {
        field: values[rows] if isinstance(values, np.ndarray) else list(compress(values, chosen))
        for field, values in every
    }
