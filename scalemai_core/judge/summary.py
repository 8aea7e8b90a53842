"""From the voxels of one candidate to the columns that the rules see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from scalemai_core.judge.rules.masks import Floats, Masks
from scalemai_core.measure.edges import Edges, find_edges
from scalemai_core.measure.overlap import Overlap
from scalemai_core.measure.shape import ShapeTable, describe
from scalemai_core.radiology.stated import stated
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.scan import Scan
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.taxonomy.structure import Kind
from scalemai_core.taxonomy.taxonomy import NUM_IDS, Taxonomy, load_taxonomy
from scalemai_core.volume.reach import count_near
from scalemai_core.volume.runs import Runs

EDGE_MM = 3.0
"""How far apart voxels are compared: wider than a scanner's blur. Ours."""

LayerMaps = Mapping[Layer, LabelsZYX]
"""Label maps by layer; a layer that is left out is empty."""

LayerRuns = Mapping[Layer, Runs]
"""Label maps by layer, cut into runs."""


def complete(maps: LayerMaps, grid: Grid) -> dict[Layer, LabelsZYX]:
    """Every layer's label map, empty ones for those left out; raises ValueError off the grid."""
    for layer, labels_zyx in maps.items():
        if labels_zyx.shape != grid.shape_zyx:
            shapes = f"{labels_zyx.shape}, the scan {grid.shape_zyx}"
            raise ValueError(f"label map of {layer.value} has shape {shapes}")
    empty = np.zeros(grid.shape_zyx, dtype=np.uint8)
    return {layer: maps.get(layer, empty) for layer in Layer}


def cut(maps: LayerMaps) -> LayerRuns:
    """The runs of every layer."""
    return {layer: Runs.of(labels_zyx) for layer, labels_zyx in maps.items()}


def summarise(
    scan: Scan,
    image_zyx: ImageZYX,
    maps: LayerMaps,
    runs: LayerRuns,
    settings: JudgeSettings,
) -> Masks:
    """All that the rules see of one candidate; ``maps`` and their ``runs`` hold every layer.

    Nothing is stated of the masks yet.
    """
    taxonomy = load_taxonomy()
    layers, least_ml = tuple(runs.values()), settings.min_component_ml
    shape = describe(layers, image_zyx, scan.grid, taxonomy.unions, min_component_ml=least_ml)
    shared = _shared_voxels(runs, taxonomy)
    nothing = np.zeros(NUM_IDS, dtype=np.bool_)
    slice_mm = scan.grid.spacing_mm_zyx[0]
    edges = _edges(runs, image_zyx, scan.grid, taxonomy)
    return Masks(
        taxonomy=taxonomy,
        sex=scan.sex,
        slice_mm=slice_mm,
        present=nothing,
        absent=nothing,
        volume_ml=shape.volume_ml,
        own_ml=_own_voxels(shape, taxonomy) * scan.grid.voxel_ml,
        mean_hu=shape.mean_hu,
        sd_hu=shape.sd_hu,
        centroid_mm=shape.centroid_ras_mm,
        ends_mm=_ends_mm(shape, scan.grid),
        pieces=shape.num_pieces,
        crumb_share=shape.outside_largest_share,
        at_border=np.asarray(shape.touches.any(axis=(1, 2))),
        flat_end=shape.flat_end_share,
        gap_mm=shape.empty_slices.astype(np.float64) * slice_mm,
        hole_share=shape.hole_share,
        host_share=_host_share(maps, shape, shared, scan.grid, settings),
        open_share=edges.open_share,
        open_face=edges.open_face,
        texture_hu=edges.texture_hu,
        overlap_ml=shared * scan.grid.voxel_ml,
        reported=stated(scan.report, taxonomy),
    )


def _ends_mm(shape: ShapeTable, grid: Grid) -> Floats:
    """(89, 2) heights of the outer faces of the lowest and the highest slice, over the centroid."""
    to_index = np.linalg.inv(grid.matrix)
    centroid_z = shape.centroid_ras_mm @ to_index[2, :3] + to_index[2, 3]
    away = shape.box_zyx[:, 0].astype(np.float64) - 0.5 - centroid_z[:, None]
    return shape.centroid_ras_mm[:, 2:] + away * grid.matrix[2, 2]


def _edges(runs: LayerRuns, image_zyx: ImageZYX, grid: Grid, taxonomy: Taxonomy) -> Edges:
    """Of all layers at once: bones are denser than what surrounds them."""
    return find_edges(
        runs.values(),
        image_zyx,
        grid.spacing_mm_zyx,
        taxonomy.unions,
        densest=_bones(taxonomy),
        reach_mm=EDGE_MM,
    )


@cache
def _bones(taxonomy: Taxonomy) -> NDArray[np.bool_]:
    return np.array([False, *(s.kind is Kind.BONE for s in taxonomy.structures)])


def _own_voxels(shape: ShapeTable, taxonomy: Taxonomy) -> Floats:
    """Voxels of a structure that belong to none of its parts."""
    own = shape.voxels.astype(np.float64)
    for structure in taxonomy.structures:
        if structure.parent is not None:
            own[taxonomy[structure.parent].id] -= shape.voxels[structure.id]
    return own


def _shared_voxels(runs: LayerRuns, taxonomy: Taxonomy) -> Floats:
    """(89, 89) voxels that structures of different layers share."""
    anatomy, vessels, lesions = (
        runs[layer] for layer in (Layer.ANATOMY, Layer.VESSELS, Layer.LESIONS)
    )
    meetings = anatomy.joint_histogram(vessels) + anatomy.joint_histogram(lesions)
    between = Overlap.of_histogram(meetings, taxonomy.unions).shared
    between[0, :] = between[:, 0] = 0
    return (between + between.T).astype(np.float64)


@dataclass(frozen=True, slots=True)
class _Guest:
    """A structure that lies inside others, its hosts."""

    row: int
    ids: NDArray[np.bool_]
    """``(89,)``: its own, those of parts included."""
    layer: Layer
    hosts: list[int]
    host_ids: NDArray[np.bool_]
    """``(89,)``: those of any host."""
    host_layer: Layer


@cache
def _guests(taxonomy: Taxonomy) -> tuple[_Guest, ...]:
    found: list[_Guest] = []
    for structure in taxonomy.structures:
        if structure.inside:
            hosts = [taxonomy[name].id for name in structure.inside]
            guest = _Guest(
                row=structure.id,
                ids=taxonomy.unions[structure.id],
                layer=structure.layer,
                hosts=hosts,
                host_ids=np.asarray(taxonomy.unions[hosts].any(axis=0)),
                host_layer=taxonomy[structure.inside[0]].layer,
            )
            found.append(guest)
    return tuple(found)


def _host_share(
    maps: LayerMaps, shape: ShapeTable, shared: Floats, grid: Grid, settings: JudgeSettings
) -> Floats:
    """Share of each structure inside its labelled hosts, or near them where that is little."""
    spacing_mm_zyx = grid.spacing_mm_zyx
    share = np.full(NUM_IDS, np.nan)
    for guest in _guests(load_taxonomy()):
        row, hosts = guest.row, guest.hosts
        if shape.voxels[row] == 0 or not shape.voxels[hosts].any():
            continue
        share[row] = shared[hosts, row].sum() / shape.voxels[row]
        if share[row] < settings.host_share:
            box_zyx = shape.box_zyx[row]
            share[row] = _near_share(maps, guest, box_zyx, settings.host_mm, spacing_mm_zyx)
    return share


def _near_share(
    maps: LayerMaps,
    guest: _Guest,
    own_box: NDArray[np.int64],
    reach_mm: float,
    spacing_mm_zyx: tuple[float, float, float],
) -> float:
    """Share of a structure, which lies in a box (3, 2), within a distance of its hosts."""
    reach = np.ceil(reach_mm / np.array(spacing_mm_zyx)).astype(int)
    low, high = np.maximum(own_box[:, 0] - reach, 0), own_box[:, 1] + reach
    box = tuple(slice(int(first), int(last)) for first, last in zip(low, high, strict=True))
    places = np.flatnonzero(guest.ids[maps[guest.layer][box]])
    around_zyx = maps[guest.host_layer][box]
    return count_near(around_zyx, places, guest.host_ids, reach_mm, spacing_mm_zyx) / len(places)
