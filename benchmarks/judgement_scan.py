"""A scan with all 88 structures and two readings of it, for measuring the judgement's cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from scalemai_core.measure.overlap import Overlap
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.scan import Scan
from scalemai_core.synthesize.degrade import degrade
from scalemai_core.synthesize.faults import DegradeSettings, FaultKind
from scalemai_core.synthesize.phantoms import PhantomSettings, make_phantom
from scalemai_core.taxonomy.structure import Structure
from scalemai_core.taxonomy.taxonomy import load_taxonomy

FIELD_MM_ZYX = (450.0, 384.0, 384.0)
"""512 x 512 x 300 voxels of 0.75 x 0.75 x 1.5 mm."""

FAULTS = DegradeSettings(
    fault_share=0.15,
    unknown_share=0.0,
    kinds=(
        FaultKind.DROPPED_COMPONENT,
        FaultKind.LEAK,
        FaultKind.SHIFT,
        FaultKind.OVER_SEGMENTATION,
        FaultKind.UNDER_SEGMENTATION,
        FaultKind.TRUNCATED_SLICES,
        FaultKind.HOLES,
    ),
)
"""What is wrong with the annotation; every structure keeps some voxels."""

Maps = dict[Layer, LabelsZYX]
Mask = NDArray[np.bool_]
Numbers = dict[str, tuple[float | None, ...]]
"""Four numbers by structure."""


@dataclass(frozen=True, slots=True)
class BusyScan:
    """One scan; in both readings all structures have voxels."""

    image_zyx: ImageZYX
    current: Maps
    """With faults, and the kidneys' names exchanged."""
    prediction: Maps
    """Its surfaces wave around the truth by a voxel or two."""
    grid: Grid

    @property
    def structures(self) -> list[str]:
        """Those with voxels in both readings."""
        taxonomy = load_taxonomy()
        found: list[str] = []
        for layer in Layer:
            overlap = Overlap.of_maps(self.current[layer], self.prediction[layer], taxonomy.unions)
            both = (overlap.volume_a > 0) & (overlap.volume_b > 0)
            found += [one.name for one in taxonomy.in_layer(layer) if both[one.id]]
        return found

    @property
    def record(self) -> Scan:
        """What is known of the scan beside its voxels: its grid."""
        return Scan(
            scan_id="busy",
            patient="busy",
            case="busy",
            source="phantom",
            grid=self.grid,
            source_axes="RAS",
            source_affine=self.grid.affine,
            fold=0,
        )


def save_scan(scan: BusyScan, folder: Path) -> None:
    """Write arrays and grid into a new folder."""
    folder.mkdir()
    np.save(folder / "image.npy", scan.image_zyx)
    for reading in ("current", "prediction"):
        for layer, labels_zyx in getattr(scan, reading).items():
            np.save(folder / f"{reading}_{layer}.npy", labels_zyx)
    (folder / "grid.json").write_text(scan.grid.model_dump_json())


def load_scan(folder: Path) -> BusyScan:
    """Read what ``save_scan`` wrote."""
    current, prediction = (
        {layer: np.load(folder / f"{reading}_{layer}.npy") for layer in Layer}
        for reading in ("current", "prediction")
    )
    grid = Grid.model_validate_json((folder / "grid.json").read_text())
    return BusyScan(np.load(folder / "image.npy"), current, prediction, grid)


def masks_of(
    scan: BusyScan, structures: Sequence[str], *, crop: bool
) -> Iterator[tuple[str, Mask, Mask]]:
    """Each structure's two masks, in the box that holds both or as large as the volume."""
    taxonomy = load_taxonomy()
    boxes = {
        layer: [ndimage.find_objects(maps[layer], 255) for maps in (scan.current, scan.prediction)]
        for layer in (Layer if crop else ())
    }
    for name in structures:
        layer, ids = taxonomy[name].layer, taxonomy.member_ids(name)
        box: tuple[slice, ...] = (slice(None),) * 3
        if crop:
            found = [side[i - 1] for side in boxes[layer] for i in ids if side[i - 1] is not None]
            box = tuple(
                slice(min(one[axis].start for one in found), max(one[axis].stop for one in found))
                for axis in range(3)
            )
        own = np.isin(np.arange(256), ids)
        yield name, own[scan.current[layer][box]], own[scan.prediction[layer][box]]


def make_scan(seed: int, shape_zyx: tuple[int, int, int]) -> BusyScan:
    """A phantom drawn at half the resolution, filled up to 88 structures and sampled finely."""
    rng = np.random.default_rng(seed)
    z, y, x = (2.0 * field / size for field, size in zip(FIELD_MM_ZYX, shape_zyx, strict=True))
    phantom = make_phantom(
        seed, 0, PhantomSettings(spacing_mm=(z, y, x), field_mm_zyx=FIELD_MM_ZYX, lesions=2.0)
    )
    _fill_up(phantom.labels)
    wrong = degrade(phantom.labels, phantom.grid, rng, FAULTS).labels
    _exchange(wrong[Layer.ANATOMY], "kidney_left", "kidney_right")
    affine = phantom.grid.matrix @ np.diag([0.5, 0.5, 0.5, 1.0])
    still = np.zeros((3, 1, 1, 1), dtype=np.float32)
    return BusyScan(
        image_zyx=_finer(phantom.image_zyx, shape_zyx, still),
        current={layer: _finer(wrong[layer], shape_zyx, still) for layer in Layer},
        prediction=_moved(phantom.labels, shape_zyx, rng),
        grid=Grid.of(shape_zyx, affine),
    )


def _fill_up(labels: Mapping[Layer, LabelsZYX]) -> None:
    """Give voxels to structures that phantoms lack.

    Parts take theirs from their whole, lesions and others from the largest structure of the layer,
    which is halved across its longest axis: more structures to judge, not more anatomy.
    """
    taxonomy = load_taxonomy()
    for structure in taxonomy.structures:
        labels_zyx = labels[structure.layer]
        if taxonomy.children(structure.name) or (labels_zyx == structure.id).any():
            continue
        if not labels_zyx.any():
            labels_zyx[labels[Layer.ANATOMY] == taxonomy["liver"].id] = structure.id
            continue
        labels_zyx[_half_of_largest(labels_zyx, _donors(structure))] = structure.id


def _donors(structure: Structure) -> list[int]:
    taxonomy = load_taxonomy()
    if structure.layer is Layer.ANATOMY and structure.parent is not None:
        return [one.id for one in taxonomy.descendants(structure.parent)]
    return [one.id for one in taxonomy.in_layer(structure.layer)]


def _half_of_largest(labels_zyx: LabelsZYX, donors: list[int]) -> tuple[NDArray[np.intp], ...]:
    sizes = np.bincount(labels_zyx.ravel(), minlength=256)
    donor = max(donors, key=lambda one: int(sizes[one]))
    places = np.nonzero(labels_zyx == donor)
    along = max(places, key=np.ptp)
    upper = along > np.median(along)
    return tuple(axis[upper] for axis in places)


def _exchange(labels_zyx: LabelsZYX, one: str, other: str) -> None:
    taxonomy = load_taxonomy()
    names = np.arange(256, dtype=np.uint8)
    names[[taxonomy[one].id, taxonomy[other].id]] = taxonomy[other].id, taxonomy[one].id
    labels_zyx[...] = names[labels_zyx]


def _moved(labels: Maps, shape_zyx: tuple[int, int, int], rng: np.random.Generator) -> Maps:
    coarse = [max(size // 32, 2) for size in shape_zyx]
    waves = rng.normal(0.0, 1.5, (3, *coarse)).astype(np.float32)
    factor = np.array(shape_zyx) / coarse
    voxels = np.array([ndimage.zoom(wave, factor, order=1) for wave in waves])
    return {layer: _finer(labels[layer], shape_zyx, voxels) for layer in Layer}


def _finer(
    coarse_zyx: NDArray[Any], shape_zyx: tuple[int, int, int], moved: NDArray[np.float32]
) -> NDArray[Any]:
    """The nearest coarse voxel of every fine one after a move by so many fine voxels."""
    moved = np.broadcast_to(moved, (3, *shape_zyx))
    finer = np.empty(shape_zyx, dtype=coarse_zyx.dtype)
    _, y, x = np.ogrid[:1, : shape_zyx[1], : shape_zyx[2]]
    for z in range(shape_zyx[0]):
        place = [
            np.clip((axis + moved[i, z] + 0.5) // 2, 0, coarse_zyx.shape[i] - 1).astype(np.intp)
            for i, axis in enumerate((z, y[0], x[0]))
        ]
        finer[z] = coarse_zyx[place[0], place[1], place[2]]
    return finer
