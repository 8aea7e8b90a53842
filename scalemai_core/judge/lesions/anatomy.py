"""The organs that lesions are looked for in, as far as annotation and prediction show them."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import NUM_IDS, Taxonomy
from scalemai_core.volume.resample import resample_labels


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


def host_voxels(anatomy_zyx: LabelsZYX, taxonomy: Taxonomy) -> NDArray[np.bool_]:
    """Voxels of any organ in which lesions are looked for."""
    hosts = np.zeros(NUM_IDS, dtype=np.bool_)
    for site in lesion_sites(taxonomy):
        for host in site.hosts:
            hosts[taxonomy.member_ids(host)] = True
    return hosts[anatomy_zyx]
