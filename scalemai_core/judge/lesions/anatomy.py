"""The organs that lesions are looked for in, as far as annotation and prediction show them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import NUM_IDS, Taxonomy
from scalemai_core.volume.resample import resample_label_slices, resample_labels


class Sliced(Protocol):
    """A label map that gives what is sliced."""

    def __getitem__(self, box: tuple[slice, slice, slice], /) -> LabelsZYX:
        """The voxels of a box."""
        ...


def seen_anatomy(
    annotated: Mapping[Layer, LabelsZYX],
    predicted: Mapping[Layer, LabelsZYX],
    shape_zyx: tuple[int, int, int],
) -> LabelsZYX:
    """Anatomy on a grid over the same box: as annotated and, where that says nothing, as predicted.

    A truncated pancreas therefore hides no lesion that the model sees in the rest of it.
    """
    seen_zyx = np.zeros(shape_zyx, dtype=np.uint8)
    for labels in (annotated, predicted):
        if (anatomy_zyx := labels.get(Layer.ANATOMY)) is not None:
            own_zyx = resample_labels(anatomy_zyx, shape_zyx)
            seen_zyx = np.where(seen_zyx == 0, own_zyx, seen_zyx)
    return seen_zyx


class SeenAnatomy:
    """``seen_anatomy`` of label maps that come a few slices at a time."""

    def __init__(
        self,
        annotated: Sliced | None,
        native_zyx: tuple[int, int, int],
        shape_zyx: tuple[int, int, int],
    ) -> None:
        """Annotated anatomy, if there is any, and the predicted are of shape ``native_zyx``."""
        self._annotated = annotated
        self._num_native = native_zyx[0]
        self._num_seen = 0
        self.labels_zyx: LabelsZYX = np.zeros(shape_zyx, dtype=np.uint8)

    def add(self, predicted: Mapping[Layer, LabelsZYX]) -> None:
        """The next slices of the prediction."""
        first = self._num_seen
        self._num_seen += len(next(iter(predicted.values())))
        own: list[LabelsZYX] = []
        if self._annotated is not None:
            own.append(self._annotated[first : self._num_seen, :, :])
        if (anatomy_zyx := predicted.get(Layer.ANATOMY)) is not None:
            own.append(anatomy_zyx)
        for part_zyx in own:
            there, labels_zyx = resample_label_slices(
                part_zyx, first, self._num_native, self.labels_zyx.shape
            )
            seen_zyx = self.labels_zyx[there]
            self.labels_zyx[there] = np.where(seen_zyx == 0, labels_zyx, seen_zyx)


def host_voxels(anatomy_zyx: LabelsZYX, taxonomy: Taxonomy) -> NDArray[np.bool_]:
    """Voxels of any organ in which lesions are looked for."""
    hosts = np.zeros(NUM_IDS, dtype=np.bool_)
    for site in lesion_sites(taxonomy):
        for host in site.hosts:
            hosts[taxonomy.member_ids(host)] = True
    return hosts[anatomy_zyx]
