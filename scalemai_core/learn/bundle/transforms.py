"""MONAI transforms for the two steps MONAI has none for. Carried by bundles as it is.

Arrays are (channel, z, y, x): ``Orientationd`` with the codes SAR gives that order of axes.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any, TypedDict

import numpy as np
import torch
from monai.config.type_definitions import KeysCollection
from monai.data.meta_tensor import MetaTensor
from monai.transforms.spatial.array import Resize
from monai.transforms.transform import MapTransform
from torch import Tensor

from scalemai_core.learn.predict.between import between, neighbours, num_at_once, resize_slices


class LayerOutput(TypedDict):
    """One layer among the network's channels."""

    name: str
    first: int
    """Its background's channel."""
    ids: list[int]
    """Label of every channel from there on, 0 for the background."""


class ResizeToSpacingd(MapTransform):
    """Resize to the number of voxels that comes closest to a spacing, edges of both grids aligned.

    ``Spacingd`` keeps the spacing exact and lets the far edges of the scan move instead.
    """

    def __init__(self, keys: KeysCollection, spacing_mm: float) -> None:
        super().__init__(keys)
        self.spacing_mm = spacing_mm

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Replace the images under the keys."""
        changed = dict(data)
        for key in self.key_iterator(changed):
            image = changed[key]
            size = [
                max(1, round(num * edge / self.spacing_mm))
                for num, edge in zip(image.shape[1:], image.pixdim.tolist(), strict=True)
            ]
            changed[key] = Resize(size, mode="trilinear", align_corners=False)(image)
        return changed


class LayerMapsd(MapTransform):
    """From logits to a label map a layer, on the grid of the scan under ``native``.

    Logits are interpolated, then the greatest wins: labels that were resampled
    instead would have the network's coarser steps. A few slices at a time, since all channels at
    the scan's own resolution would take many GB.
    """

    def __init__(self, keys: KeysCollection, native: str, layers: list[LayerOutput]) -> None:
        super().__init__(keys)
        self.native = native
        self.layers = layers

    def __call__(self, data: Mapping[Hashable, Any]) -> dict[Hashable, Any]:
        """Add a label map under each layer's name, and drop the logits."""
        changed = dict(data)
        scan: MetaTensor = changed[self.native]
        for key in self.key_iterator(changed):
            logits = torch.as_tensor(changed.pop(key))
            for layer in self.layers:
                own = logits[layer["first"] : layer["first"] + len(layer["ids"])]
                labels = _label_map(own, layer["ids"], tuple(scan.shape[1:]))
                changed[layer["name"]] = MetaTensor(labels[None], meta=dict(scan.meta))
        return changed


def _label_map(logits: Tensor, ids: list[int], shape_zyx: tuple[int, ...]) -> Tensor:
    """(channels, z, y, x) logits of a layer -> uint8 labels of another shape."""
    num_native, height, width = shape_zyx
    lower, upper, weight = neighbours(num_native, logits.shape[1])
    id_of_channel = torch.tensor(ids, dtype=torch.uint8)
    at_once = num_at_once(len(ids), height, width)
    parts: list[Tensor] = []
    for z in range(0, num_native, at_once):
        chosen = np.s_[z : z + at_once]
        slices = between(logits, lower[chosen], upper[chosen], weight[chosen])
        channel = resize_slices(slices, height, width).argmax(dim=1)
        parts.append(id_of_channel[channel.cpu()])
    return torch.cat(parts)
