"""The label files of one case as layers, states and findings on the grid of its image."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import RejectedInput
from scalemai_core.intake.case import CaseFiles, LabelMapFile, MaskFile
from scalemai_core.intake.composition import Composition
from scalemai_core.intake.file_volume import NUM_AXES, FileVolume, named
from scalemai_core.intake.label_findings import (
    mask_finding,
    no_information_finding,
    overlap_finding,
    unmapped_codes_finding,
    unmapped_masks_finding,
)
from scalemai_core.intake.label_grid import check_same_grid
from scalemai_core.intake.legend import (
    Legend,
    is_ignored,
    legend_of_codes,
    legend_of_labels,
    resolve,
)
from scalemai_core.intake.segmentations import paint_segmentations
from scalemai_core.intake.states import states_of
from scalemai_core.intake.volume_file import read_volume
from scalemai_core.records.annotation import State
from scalemai_core.records.finding import Finding
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.taxonomy.label_names import LabelNames
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.orientation import to_canonical

_MAX_CODE = np.iinfo(np.uint16).max
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class CaseLabels:
    """Everything a source's label files say of one scan."""

    labels: dict[Layer, LabelsZYX]
    states: dict[str, State]
    findings: tuple[Finding, ...]


def read_labels(files: CaseFiles, grid: Grid, names: LabelNames | None) -> CaseLabels:
    """Compose all label files of a case on the image's grid.

    Raises RejectedInput naming the file where one cannot be read or lies on another grid: nothing
    is taken by halves.
    """
    composition = Composition(load_taxonomy(), grid.shape_zyx)
    findings: list[Finding] = []
    stated: set[str] = set()
    incomplete = False
    if files.masks:
        stated |= _paint_masks(files.masks, composition, grid, names, findings)
    if files.segmentations:
        named_there, odd = paint_segmentations(
            files.segmentations, files.image[0], composition, grid, names
        )
        stated |= named_there
        findings += odd
    if files.label_map is not None:
        for legend, codes_zyx in _coded_layers(files.label_map, grid, names):
            counts = _voxels_per_code(codes_zyx)
            findings += _code_findings(files.label_map.path, legend, counts)
            _paint_codes(codes_zyx, counts, legend, composition)
            stated |= legend.stated
            incomplete |= any(counts[code] > 0 for code in legend.no_information)
    findings += [overlap_finding(*overlap, grid) for overlap in composition.overlaps()]
    for name in stated:
        composition.open(load_taxonomy()[name].layer)
    emptied = (composition.sizes() > 0) | incomplete
    states = states_of(load_taxonomy(), stated, composition.held(), emptied)
    return CaseLabels(composition.labels, states, tuple(findings))


def _paint_masks(
    masks: tuple[MaskFile, ...],
    composition: Composition,
    grid: Grid,
    names: LabelNames | None,
    findings: list[Finding],
) -> set[str]:
    """Paint binary masks one at a time, parents first; returns the structures they name."""
    taxonomy = load_taxonomy()
    by_structure: dict[str, list[MaskFile]] = defaultdict(list)
    unmapped: list[MaskFile] = []
    for mask in masks:
        structure = resolve(mask.label, names)
        if structure is not None:
            by_structure[structure].append(mask)
        elif not is_ignored(mask.label, names):
            unmapped.append(mask)
    if unmapped:
        findings.append(unmapped_masks_finding(unmapped))
    for structure in sorted(by_structure, key=lambda name: len(taxonomy.ancestors(name))):
        found = taxonomy[structure]
        union_zyx = np.zeros(grid.shape_zyx, dtype=np.bool_)
        for mask in by_structure[structure]:
            union_zyx |= _read_mask(mask, grid, findings)
        composition.count(structure, int(np.count_nonzero(union_zyx)))
        composition.paint(found.layer, union_zyx * np.uint8(found.id))
    return set(by_structure)


def _read_mask(mask: MaskFile, grid: Grid, findings: list[Finding]) -> NDArray[np.bool_]:
    volume = read_volume(mask.path)
    values_zyx = _on_grid(_values(volume), volume, grid, mask.path)
    mask_zyx: NDArray[np.bool_] = values_zyx > _HALF
    inside = values_zyx[mask_zyx]
    if inside.size and inside.min() != inside.max():
        findings.append(mask_finding(mask, inside))
    return mask_zyx


def _coded_layers(
    file: LabelMapFile, grid: Grid, names: LabelNames | None
) -> Iterator[tuple[Legend, NDArray[np.uint16]]]:
    """Each layer of a label map file with its legend; one, except in a ``.seg.nrrd``."""
    volume = read_volume(file.path)
    values = _values(volume)
    if values.size and not _are_codes(values):
        raise RejectedInput(
            "not_a_label_map",
            f"{file.path} holds values that are no codes from 0 to {_MAX_CODE}",
            "Offer integer labels; an image or a probability map is none.",
        )
    layers = values[..., None] if values.ndim == NUM_AXES else values
    for index in range(layers.shape[NUM_AXES]):
        codes_xyz = layers[..., index].astype(np.uint16)
        legend = _legend(file, volume, index, names)
        yield legend, _on_grid(codes_xyz, volume, grid, file.path)


def _legend(file: LabelMapFile, volume: FileVolume, layer: int, names: LabelNames | None) -> Legend:
    if file.codes is not None:
        return legend_of_labels(file.codes, names)
    if volume.label_codes is not None:
        here = tuple((label, (code,)) for label, at, code in volume.label_codes if at == layer)
        return legend_of_labels(here, names)
    if names is not None and any(isinstance(code, int) for code in names.labels):
        return legend_of_codes(names)
    raise RejectedInput(
        "labels_without_names",
        f"{file.path} does not say which structures its codes stand for",
        "Choose a label map with integer codes, or write the names into the file.",
    )


def _paint_codes(
    codes_zyx: NDArray[np.uint16],
    counts: NDArray[np.intp],
    legend: Legend,
    composition: Composition,
) -> None:
    taxonomy = load_taxonomy()
    for code, structures in legend.structures.items():
        for structure in structures:
            composition.count(structure, int(counts[code]))
    for layer in Layer:
        lookup = np.zeros(_MAX_CODE + 1, dtype=np.uint8)
        for code, structures in legend.structures.items():
            here = [name for name in structures if taxonomy[name].layer is layer]
            if here and counts[code] > 0:
                lookup[code] = composition.winner(here, int(counts[code]))
        if lookup.any():
            composition.paint(layer, lookup[codes_zyx])


def _voxels_per_code(codes_zyx: NDArray[np.uint16]) -> NDArray[np.intp]:
    counts = np.zeros(_MAX_CODE + 1, dtype=np.intp)
    for codes_yx in codes_zyx:  # slice by slice, since bincount widens what it is given
        found = np.bincount(codes_yx.ravel())
        counts[: found.size] += found
    return counts


def _code_findings(path: Path, legend: Legend, counts: NDArray[np.intp]) -> Iterator[Finding]:
    known = {0, *legend.structures, *legend.ignored, *legend.no_information}
    unmapped: dict[str, int] = {}
    for label, codes in legend.unmapped.items():
        unmapped[f"'{label}'"] = int(counts[list(codes)].sum())
        known.update(codes)
    for code in sorted(set(np.flatnonzero(counts).tolist()) - known):
        unmapped[f"code {code}"] = int(counts[code])
    unmapped = {label: num_voxels for label, num_voxels in unmapped.items() if num_voxels > 0}
    if unmapped:
        yield unmapped_codes_finding(path, unmapped)
    num_voxels = sum(int(counts[code]) for code in legend.no_information)
    if num_voxels > 0:
        yield no_information_finding(path, num_voxels)


def _values(volume: FileVolume) -> NDArray[Any]:
    if (volume.slope, volume.intercept) == (1.0, 0.0):
        return volume.raw_xyz
    return np.round(volume.raw_xyz * volume.slope + volume.intercept, 3)


def _are_codes(values: NDArray[Any]) -> bool:
    if values.dtype.kind == "f" and not bool((values == np.rint(values)).all()):
        return False
    return bool(values.min() >= 0) and bool(values.max() <= _MAX_CODE)


def _on_grid(array_xyz: NDArray[Any], volume: FileVolume, grid: Grid, path: Path) -> NDArray[Any]:
    with named(path):
        if array_xyz.ndim != NUM_AXES:
            raise RejectedInput(
                "wrong_dimensions", "a mask has three axes", "Offer one mask a file."
            )
        array_zyx, found = to_canonical(array_xyz, volume.affine)
        check_same_grid(found, grid)
    return array_zyx
