"""Training patches, a pure function of seed and global sample index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.feed.augment import Variation
from scalemai_core.learn.feed.cases import Box, CaseReader, Region, ShapeZYX
from scalemai_core.learn.feed.centres import Centre, Centres
from scalemai_core.learn.feed.mix import Mix
from scalemai_core.learn.feed.synthetic import DrawnTumours, DrawsTumours, with_tumour
from scalemai_core.learn.intensity import windowed
from scalemai_core.learn.loss.allowed import AllowedSets, allowed_sets, mask_weights
from scalemai_core.learn.volumes import VolumeReader
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.training import Part, TrainingCase, TrainingPlan
from scalemai_core.synthesize.tumour.order import TumourOrder
from scalemai_core.taxonomy.taxonomy import Taxonomy

MARGIN = 0.1
"""The voxel that a patch is drawn for lies anywhere in it but near its faces, as shares of its
extent: were it always in the middle, a network would look for small lesions there and nowhere else.
Ours."""


@dataclass(frozen=True, slots=True)
class Patch:
    """One sample of training."""

    image_zyx: NDArray[np.float32]
    """Intensities in [0, 1]."""
    labels: dict[Layer, LabelsZYX]
    allowed: dict[Layer, AllowedSets]
    scan_id: str
    part: Part
    """What the sample was drawn from."""
    structure: str | None
    """What it is centred in; None for anywhere. A synthetic sample's is the tumour, or the organ
    in which there was no room for one."""


class PatchSource:
    """Draws patch ``index`` of a plan: the same for any number of processes and in any order."""

    def __init__(
        self,
        plan: TrainingPlan,
        reader: VolumeReader,
        taxonomy: Taxonomy,
        tumours: DrawsTumours | None = None,
    ) -> None:
        self.channels = Channels.from_names(plan.channels, taxonomy)
        self._plan = plan
        self._taxonomy = taxonomy
        self._tumours = tumours or DrawnTumours(plan.tumours, plan.missed)
        self._layers = tuple(layer.layer for layer in self.channels.layers)
        self._case_list = [self._trainable(case) for case in plan.cases]
        self._mix = Mix(self._case_list, plan.train.mix, plan.seed)
        self._cases = CaseReader(reader)
        self._centres = Centres(plan.train, taxonomy, self._tumours)
        self._allowed_sets = lru_cache(maxsize=1024)(self._sets_of)

    def patch(self, index: int) -> Patch:
        """Which part and case; then where in it, then how varied."""
        part, number = self._mix.draw(index)
        case = self._case_list[number]
        rng = np.random.default_rng([self._plan.seed, 1, index])
        variation = Variation.draw(rng, self._plan.train)
        layers = self._layers_of(case, part)
        centre = self._centres.draw(case, part, self._cases.places(case, layers), rng)
        at_zyx = rng.uniform(MARGIN, 1.0 - MARGIN, size=3)
        region = self._cases.box(case, self._box(case, centre, at_zyx, variation), layers)
        structure = centre.structure
        if centre.tumour is not None and structure is not None:
            drawn = self._with_tumour(region, centre.tumour, structure)
            if drawn is not None:
                region, structure = drawn, centre.tumour.structure
        mirrored = variation.mirror and self._two_sided(region)
        if mirrored:
            region, structure = self._mirrored(region), self._other_side(structure)
        image_zyx = variation.intensities(windowed(region.image_zyx, self._plan.input.window_hu))
        return Patch(
            image_zyx=image_zyx,
            labels={layer: region.labels[layer] for layer in self._layers},
            allowed=self._allowed(case, index, mirrored=mirrored),
            scan_id=case.scan_id,
            part=part,
            structure=structure,
        )

    def _trainable(self, case: TrainingCase) -> TrainingCase:
        """The case with those tumours only that a channel learns."""
        channels = {name for layer in self.channels.layers for name in layer.names}
        learned = [t for t in case.tumours if not channels.isdisjoint(self._family(t))]
        return case.model_copy(update={"tumours": tuple(learned)})

    def _family(self, name: str) -> set[str]:
        """Itself, its parts, and what it is a part of."""
        taxonomy = self._taxonomy
        return {s.name for s in (*taxonomy.descendants(name), *taxonomy.ancestors(name))}

    def _layers_of(self, case: TrainingCase, part: Part) -> tuple[Layer, ...]:
        """The trained layers, and those of the organs that tumours are drawn into."""
        if part is not Part.SYNTHETIC:
            return self._layers
        organs = {organ for name in case.tumours for organ in self._taxonomy[name].inside}
        more = {self._taxonomy[organ].layer for organ in organs}
        return (*self._layers, *sorted(more.difference(self._layers)))

    def _with_tumour(self, region: Region, order: TumourOrder, organ: str) -> Region | None:
        spacing_mm = self._plan.input.spacing_mm
        return with_tumour(region, order, organ, spacing_mm, self._tumours, self._taxonomy)

    def _box(
        self,
        case: TrainingCase,
        centre: Centre,
        at_zyx: NDArray[np.float64],
        variation: Variation,
    ) -> Box:
        """The patch's box in native voxels, its centre at some share of it, inside the scan."""
        settings, spacing_mm_zyx = self._plan.input, case.grid.spacing_mm_zyx
        start: list[int] = []
        stop: list[int] = []
        for axis, size in enumerate(case.grid.shape_zyx):
            per_voxel = settings.spacing_mm / spacing_mm_zyx[axis]
            wanted = settings.patch_zyx[axis] * per_voxel / variation.scale_zyx[axis]
            extent = max(1, round(wanted))
            room = size - extent
            if room > 0:
                first = min(max(int(centre.place_zyx[axis]) - int(extent * at_zyx[axis]), 0), room)
            else:
                first = round(room * variation.place_zyx[axis])
            start.append(first)
            stop.append(first + extent)
        return Box(_triple(start), _triple(stop), settings.patch_zyx)

    def _two_sided(self, region: Region) -> bool:
        """Whether every structure that has a side has a partner on the other."""
        one_sided = [s.id for s in self._taxonomy.structures if s.side and not s.pair]
        return not any(np.isin(labels, one_sided).any() for labels in region.labels.values())

    def _mirrored(self, region: Region) -> Region:
        """Left for right, in space and in name."""
        swap = self._taxonomy.swap_sides
        labels = {layer: swap[zyx[:, :, ::-1]] for layer, zyx in region.labels.items()}
        return Region(np.ascontiguousarray(region.image_zyx[:, :, ::-1]), labels)

    def _other_side(self, structure: str | None) -> str | None:
        return structure and (self._taxonomy[structure].pair or structure)

    def _allowed(
        self, case: TrainingCase, index: int, *, mirrored: bool
    ) -> dict[Layer, AllowedSets]:
        """What the labels say; masks of models the more, the further training has come."""
        ramp = pseudo_weight(index / self._plan.samples, self._plan.train.mix.pseudo_ramp)
        unknown, weights = case.unknown, dict(case.weights)
        if ramp < 1.0:
            weights |= {name: ramp * weights.get(name, 1.0) for name in case.pseudo}
        if mirrored:
            unknown = tuple(self._taxonomy[name].pair or name for name in unknown)
            weights = {self._taxonomy[name].pair or name: w for name, w in weights.items()}
        return {
            layer.layer: replace(sets, weight=mask_weights(layer, weights))
            for layer, sets in zip(self.channels.layers, self._allowed_sets(unknown), strict=True)
        }

    def _sets_of(self, unknown: tuple[str, ...]) -> list[AllowedSets]:
        return [allowed_sets(layer, unknown, self._taxonomy) for layer in self.channels.layers]


def pseudo_weight(done: float, ramp: float) -> float:
    """What masks of models have to say when a share of training is done: rises as a square to 1.

    Method reference, section 1.8.
    """
    return 1.0 if done >= ramp else (done / ramp) ** 2


def _triple(values: Sequence[int]) -> ShapeZYX:
    z, y, x = values
    return (z, y, x)


def stack(patches: Sequence[Patch], device: torch.device) -> Tensor:
    """(batch, 1, z, y, x) images."""
    images = np.stack([patch.image_zyx for patch in patches])[:, None]
    return torch.from_numpy(images).to(device)
