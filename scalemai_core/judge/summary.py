"""From the voxels of one candidate to the columns that the rules see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import cast

import numpy as np
from scipy import ndimage  # pyright: ignore[reportMissingTypeStubs]

from scalemai_core.judge.rules.masks import Bools, Floats, Masks
from scalemai_core.measure.edges import Edges, find_edges
from scalemai_core.measure.overlap import Overlap
from scalemai_core.measure.shape import ShapeTable, describe
from scalemai_core.radiology.stated import stated
from scalemai_core.records.annotation import State
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.scan import Scan
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.taxonomy.structure import Kind, Structure
from scalemai_core.taxonomy.taxonomy import NUM_IDS, Taxonomy, load_taxonomy
from scalemai_core.volume.runs import Runs

EDGE_MM = 3.0
"""How far apart voxels are compared: wider than a scanner's blur. Ours."""

LayerMaps = Mapping[Layer, LabelsZYX]
"""Label maps by layer; a layer that is left out is empty."""

LayerRuns = Mapping[Layer, Runs]
"""Label maps by layer, cut into runs."""


@dataclass(frozen=True, slots=True)
class States:
    """Which structures are stated to be there and which not, by id; the others are unknown."""

    present: Bools
    absent: Bools
    from_voxels: bool = False
    """What is known is present where it has voxels: so speaks a prediction."""

    @classmethod
    def of(cls, states: Mapping[str, State], taxonomy: Taxonomy) -> States:
        """From states by structure; raises UsageError for an unknown name."""
        present, absent = np.zeros((2, NUM_IDS), dtype=np.bool_)
        for name, state in states.items():
            present[taxonomy[name].id] = state is State.PRESENT
            absent[taxonomy[name].id] = state is State.ABSENT
        return cls(present, absent)

    @property
    def known(self) -> Bools:
        """Not unknown."""
        return self.present | self.absent

    def as_predicted(self) -> States:
        """What is known here, stated by the voxels of a prediction."""
        return replace(self, from_voxels=True)

    def given(self, volume_ml: Floats) -> tuple[Bools, Bools]:
        """Stated present, stated absent, for masks of these volumes."""
        if not self.from_voxels:
            return self.present, self.absent
        return volume_ml > 0, self.known & (volume_ml == 0)


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
    states: States,
    settings: JudgeSettings,
) -> Masks:
    """All that the rules see of one candidate; ``maps`` and their ``runs`` hold every layer."""
    taxonomy = load_taxonomy()
    tables = {
        layer: describe(
            labels,
            image_zyx,
            scan.grid,
            taxonomy.unions,
            min_component_ml=settings.min_component_ml,
        )
        for layer, labels in runs.items()
    }
    shape = _joined(tables, taxonomy)
    shared = _shared_voxels(runs, taxonomy)
    present, absent = states.given(shape.volume_ml)
    slice_mm = scan.grid.spacing_mm_zyx[0]
    edges = _edges(runs, image_zyx, scan.grid, taxonomy)
    return Masks(
        taxonomy=taxonomy,
        sex=scan.sex,
        slice_mm=slice_mm,
        present=present,
        absent=absent,
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


def _joined(tables: Mapping[Layer, ShapeTable], taxonomy: Taxonomy) -> ShapeTable:
    """One table: each structure's row from its own layer."""
    first = next(iter(tables.values()))
    joined = {field: getattr(first, field).copy() for field in first.__dataclass_fields__}
    for layer, table in tables.items():
        ids = [structure.id for structure in taxonomy.in_layer(layer)]
        for field, column in joined.items():
            column[ids] = getattr(table, field)[ids]
    return type(first)(**joined)


def _ends_mm(shape: ShapeTable, grid: Grid) -> Floats:
    """(89, 2) heights of the outer faces of the lowest and the highest slice, over the centroid."""
    to_index = np.linalg.inv(grid.matrix)
    centroid_z = shape.centroid_ras_mm @ to_index[2, :3] + to_index[2, 3]
    away = shape.box_zyx[:, 0].astype(np.float64) - 0.5 - centroid_z[:, None]
    return shape.centroid_ras_mm[:, 2:] + away * grid.matrix[2, 2]


def _edges(runs: LayerRuns, image_zyx: ImageZYX, grid: Grid, taxonomy: Taxonomy) -> Edges:
    """Of all layers at once: bones are denser than what surrounds them."""
    bones = np.array([False, *(s.kind is Kind.BONE for s in taxonomy.structures)])
    return find_edges(
        runs.values(),
        image_zyx,
        grid.spacing_mm_zyx,
        taxonomy.unions,
        densest=bones,
        reach_mm=EDGE_MM,
    )


def _own_voxels(shape: ShapeTable, taxonomy: Taxonomy) -> Floats:
    """Voxels of a structure that belong to none of its parts."""
    own = shape.voxels.astype(np.float64)
    for structure in taxonomy.structures:
        if structure.parent is not None:
            own[taxonomy[structure.parent].id] -= shape.voxels[structure.id]
    return own


def _shared_voxels(runs: LayerRuns, taxonomy: Taxonomy) -> Floats:
    """(89, 89) voxels that structures of different layers share."""
    shared = np.zeros((NUM_IDS, NUM_IDS))
    anatomy = runs[Layer.ANATOMY]
    for layer in (Layer.VESSELS, Layer.LESIONS):
        between = Overlap.of_histogram(anatomy.joint_histogram(runs[layer]), taxonomy.unions).shared
        between[0, :] = between[:, 0] = 0
        shared += between + between.T
    return shared


def _host_share(
    maps: LayerMaps, shape: ShapeTable, shared: Floats, grid: Grid, settings: JudgeSettings
) -> Floats:
    """Share of each structure inside its labelled hosts, or near them where that is little."""
    taxonomy = load_taxonomy()
    share = np.full(NUM_IDS, np.nan)
    for structure in taxonomy.structures:
        hosts = [taxonomy[name].id for name in structure.inside]
        if shape.voxels[structure.id] == 0 or not shape.voxels[hosts].any():
            continue
        share[structure.id] = shared[hosts, structure.id].sum() / shape.voxels[structure.id]
        if share[structure.id] < settings.host_share:
            share[structure.id] = _near_share(maps, structure, shape, grid, settings.host_mm)
    return share


def _near_share(
    maps: LayerMaps, structure: Structure, shape: ShapeTable, grid: Grid, reach_mm: float
) -> float:
    """Share of a structure within a distance of its hosts."""
    taxonomy = load_taxonomy()
    spacing_mm = np.array(grid.spacing_mm_zyx)
    reach = np.ceil(reach_mm / spacing_mm).astype(int)
    low = np.maximum(shape.box_zyx[structure.id, :, 0] - reach, 0)
    high = shape.box_zyx[structure.id, :, 1] + reach
    box = tuple(slice(int(first), int(last)) for first, last in zip(low, high, strict=True))
    inside = taxonomy.unions[structure.id][maps[structure.layer][box]]
    members = np.concatenate([taxonomy.member_ids(name) for name in structure.inside])
    host = np.isin(maps[taxonomy[structure.inside[0]].layer][box], members)
    if not host.any():
        return 0.0
    # Sound because distances are asked for, of a mask: scipy then returns one array.
    away_mm = cast("Floats", ndimage.distance_transform_edt(~host, sampling=spacing_mm))  # pyright: ignore[reportUnknownMemberType]
    return float(np.count_nonzero(away_mm[inside] <= reach_mm)) / float(np.count_nonzero(inside))
