"""Training patches, a pure function of seed and global sample index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalemai_core.learn.allowed import AllowedSets, allowed_sets
from scalemai_core.learn.augment import Variation
from scalemai_core.learn.cases import CaseReader, Region, ShapeZYX
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.volumes import VolumeReader
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.training import TrainingCase, TrainingPlan
from scalemai_core.taxonomy.taxonomy import Taxonomy
from scalemai_core.volume.resample import resample_image, resample_labels


@dataclass(frozen=True, slots=True)
class Patch:
    """One sample of training."""

    image_zyx: NDArray[np.float32]
    labels: dict[Layer, LabelsZYX]
    allowed: dict[Layer, AllowedSets]


class PatchSource:
    """Draws patch ``index`` of a plan: the same for any number of processes and in any order."""

    def __init__(self, plan: TrainingPlan, reader: VolumeReader, taxonomy: Taxonomy) -> None:
        self.channels = Channels.from_names(plan.channels, taxonomy)
        self._plan = plan
        self._taxonomy = taxonomy
        self._cases = CaseReader(reader, plan.input)
        layers = [layer.layer for layer in self.channels.layers]
        self._of_case = [_with_layers(case, layers) for case in plan.cases]
        self._allowed: dict[int, dict[Layer, AllowedSets]] = {}

    def patch(self, index: int) -> Patch:
        """Every case once an epoch in a random order; then where in it, then how varied."""
        number = self._case_number(index)
        case = self._of_case[number]
        rng = np.random.default_rng([self._plan.seed, 1, index])
        variation = Variation.draw(rng) if self._plan.train.augment else Variation()
        patch_zyx = self._plan.input.patch_zyx
        shape_zyx = self._cases.shape_at_spacing(case)
        if all(n <= size for n, size in zip(shape_zyx, patch_zyx, strict=True)):
            region = _placed(self._cases.whole(case), variation, patch_zyx)
        else:
            region = self._drawn_box(case, variation, rng)
        if number not in self._allowed:
            self._allowed[number] = self._allowed_of(case)
        image_zyx = variation.intensities(region.image_zyx)
        return Patch(image_zyx, region.labels, self._allowed[number])

    def _case_number(self, index: int) -> int:
        epoch, place = divmod(index, len(self._of_case))
        order = np.random.default_rng([self._plan.seed, 0, epoch]).permutation(len(self._of_case))
        return int(order[place])

    def _drawn_box(
        self, case: TrainingCase, variation: Variation, rng: np.random.Generator
    ) -> Region:
        """The patch's box in native voxels around a drawn centre, kept inside the scan."""
        settings = self._plan.input
        centre_zyx = self._centre(case, rng)
        start: list[int] = []
        stop: list[int] = []
        for axis, size in enumerate(case.grid.shape_zyx):
            per_voxel = settings.spacing_mm / case.grid.spacing_mm_zyx[axis]
            wanted = settings.patch_zyx[axis] * per_voxel / variation.scale_zyx[axis]
            extent = max(1, round(wanted))
            room = size - extent
            if room > 0:
                first = min(max(int(centre_zyx[axis]) - extent // 2, 0), room)
            else:
                first = round(room * variation.place_zyx[axis])
            start.append(first)
            stop.append(first + extent)
        return self._cases.box(case, _triple(start), _triple(stop), settings.patch_zyx)

    def _centre(self, case: TrainingCase, rng: np.random.Generator) -> NDArray[np.int64]:
        """A voxel of a known lesion or structure, each drawn evenly, or any voxel."""
        train = self._plan.train
        anywhere = rng.integers(case.grid.shape_zyx)
        wanted = rng.uniform()
        choices: list[NDArray[np.int32]] = []
        if wanted < train.lesions:
            choices = self._known(case, self._cases.lesions(case, self._plan.seed))
        if not choices and wanted < train.lesions + (1.0 - train.lesions) * train.foreground:
            positions = self._cases.positions(case, self._plan.seed)
            choices = self._known(case, sorted(positions.items()))
        if not choices:
            return anywhere
        voxels = choices[int(rng.integers(len(choices)))]
        return voxels[int(rng.integers(len(voxels)))].astype(np.int64)

    def _known(
        self, case: TrainingCase, found: Iterable[tuple[int, NDArray[np.int32]]]
    ) -> list[NDArray[np.int32]]:
        """Voxels of what is known, by structure id."""
        unknown = {self._taxonomy[name].id for name in case.unknown}
        return [voxels for structure_id, voxels in found if structure_id not in unknown]

    def _allowed_of(self, case: TrainingCase) -> dict[Layer, AllowedSets]:
        return {
            layer.layer: allowed_sets(layer, case.unknown, self._taxonomy, case.weights)
            for layer in self.channels.layers
        }


def _with_layers(case: TrainingCase, layers: Sequence[Layer]) -> TrainingCase:
    """The case with exactly the trained layers."""
    return case.model_copy(
        update={"label_maps": {layer: case.label_maps.get(layer) for layer in layers}}
    )


def _placed(region: Region, variation: Variation, patch_zyx: ShapeZYX) -> Region:
    """A whole scan, scaled, somewhere in a patch; what is scaled beyond the patch is cut."""
    shape_zyx = _triple(
        [
            max(1, round(n * scale))
            for n, scale in zip(region.image_zyx.shape, variation.scale_zyx, strict=True)
        ]
    )
    target, source = _overlap(shape_zyx, patch_zyx, variation.place_zyx)
    image_zyx = np.zeros(patch_zyx, dtype=np.float32)
    image_zyx[target] = resample_image(region.image_zyx, shape_zyx)[source]
    labels: dict[Layer, LabelsZYX] = {}
    for layer, labels_zyx in region.labels.items():
        labels[layer] = np.zeros(patch_zyx, dtype=np.uint8)
        labels[layer][target] = resample_labels(labels_zyx, shape_zyx)[source]
    return Region(image_zyx, labels)


def _overlap(
    shape_zyx: ShapeZYX, patch_zyx: ShapeZYX, place_zyx: tuple[float, float, float]
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Where a volume lies in the patch, and which part of it."""
    target: list[slice] = []
    source: list[slice] = []
    for size, room, place in zip(shape_zyx, patch_zyx, place_zyx, strict=True):
        first = round((room - size) * place)
        target.append(slice(max(first, 0), min(first + size, room)))
        source.append(slice(max(-first, 0), max(-first, 0) + target[-1].stop - target[-1].start))
    return tuple(target), tuple(source)


def _triple(values: Sequence[int]) -> ShapeZYX:
    z, y, x = values
    return (z, y, x)


def stack(patches: Sequence[Patch], device: torch.device) -> Tensor:
    """(batch, 1, z, y, x) images."""
    images = np.stack([patch.image_zyx for patch in patches])[:, None]
    return torch.from_numpy(images).to(device)
