"""Reads an annotation along with streamed probabilities: what they say of each of its masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from scalemai_core.learn.channels import LayerChannels
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.taxonomy.taxonomy import load_taxonomy

LEAST = 1e-6
"""Probabilities are kept this far from 0 and 1."""

NUM_LABELS = 256


@dataclass(frozen=True, slots=True)
class Block:
    """Some slices of one layer's probabilities at the scan's own resolution."""

    z: int
    """First slice."""
    probabilities: Tensor
    """(slices, channels, y, x)"""
    best: Tensor
    """(slices, y, x) probability of the most probable channel."""
    channel: Tensor
    """(slices, y, x) that channel."""
    entropy: Tensor
    """(slices, y, x) nats, over the layer's channels."""


@dataclass(frozen=True, slots=True)
class Testimony:
    """Means over the voxels that the annotation or the prediction gives to a structure."""

    loglik_current: float
    loglik_prediction: float
    entropy: float


class Witness:
    """One layer of one annotation; codes are its channels, wholes annotated as one behind them."""

    def __init__(self, labels_zyx: LabelsZYX, channels: LayerChannels) -> None:
        wholes = _wholes(labels_zyx, channels)
        num = channels.num_channels
        code_of_channel = np.arange(num)
        code_of_label = np.zeros(NUM_LABELS, dtype=np.int64)
        for code, members in enumerate(wholes.values(), start=num):
            code_of_channel[members] = code
        code_of_label[channels.ids[1:]] = code_of_channel[1:]
        for code, name in enumerate(wholes, start=num):
            code_of_label[load_taxonomy()[name].id] = code
        self._names = (*channels.names, *wholes)
        self._members = [torch.from_numpy(members) for members in wholes.values()]
        self._code_of_label = code_of_label
        self._code_of_channel = torch.from_numpy(code_of_channel)
        self._labels_zyx = labels_zyx
        self._sums = torch.zeros(4, num + len(wholes), dtype=torch.float64)

    def see(self, block: Block) -> None:
        """Add the voxels of a block that anybody gives to a structure."""
        device = block.best.device
        slices = self._labels_zyx[block.z : block.z + len(block.best)]
        stated = torch.from_numpy(self._code_of_label[slices]).to(device).flatten()
        predicted = self._code_of_channel.to(device)[block.channel].flatten()
        voxels = torch.nonzero((stated > 0) | (predicted > 0))[:, 0]
        stated, predicted = stated[voxels], predicted[voxels]
        of_stated, of_predicted = self._probabilities(block, voxels, stated, predicted)
        entropy = block.entropy.flatten()[voxels]
        apart = stated != predicted
        # A voxel speaks of the structure it is annotated as, and of the one it is predicted as.
        self._add(stated, of_stated.log(), _out_or_in(of_stated, apart), entropy)
        self._add(
            predicted[apart],
            (-of_predicted[apart]).log1p(),
            of_predicted[apart].log(),
            entropy[apart],
        )

    def _probabilities(
        self, block: Block, voxels: Tensor, stated: Tensor, predicted: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Of the stated and of the predicted code, at the chosen voxels."""
        by_code = block.probabilities.movedim(1, 0).flatten(1)[:, voxels]
        if self._members:
            wholes = [by_code[members.to(by_code.device)].sum(dim=0) for members in self._members]
            by_code = torch.cat([by_code, torch.stack(wholes)])
        of_stated = by_code.gather(0, stated[None])[0]
        of_predicted = by_code.gather(0, predicted[None])[0]
        return of_stated.clamp(LEAST, 1 - LEAST), of_predicted.clamp(LEAST, 1 - LEAST)

    def _add(self, code: Tensor, current: Tensor, prediction: Tensor, entropy: Tensor) -> None:
        num = self._sums.shape[1]
        for row, values in enumerate((current, prediction, entropy)):
            summed = torch.bincount(code, weights=values.double(), minlength=num)
            self._sums[row] += summed.cpu()
        self._sums[3] += torch.bincount(code, minlength=num).cpu()

    def testimony(self) -> dict[str, Testimony]:
        """What was seen of every structure that has voxels on either side."""
        current, prediction, entropy, voxels = self._sums.tolist()
        return {
            name: Testimony(
                loglik_current=current[code] / voxels[code],
                loglik_prediction=prediction[code] / voxels[code],
                entropy=entropy[code] / voxels[code],
            )
            for code, name in enumerate(self._names, start=1)
            if voxels[code]
        }


def _out_or_in(of_stated: Tensor, apart: Tensor) -> Tensor:
    """Log-probability of what the prediction says of the stated structure: out where it differs."""
    return torch.where(apart, (-of_stated).log1p(), of_stated.log())


def _wholes(labels_zyx: LabelsZYX, channels: LayerChannels) -> dict[str, np.ndarray]:
    """Structures annotated as one whose parts are channels, with those; the widest first."""
    taxonomy = load_taxonomy()
    used = np.flatnonzero(np.bincount(labels_zyx.ravel(), minlength=NUM_LABELS)).tolist()
    channel_of = {name: index for index, name in enumerate(channels.names, start=1)}
    wholes: dict[str, np.ndarray] = {}
    taken: set[int] = set()
    for name in sorted(
        (taxonomy.by_id(one).name for one in used if one),
        key=lambda name: len(taxonomy.ancestors(name)),
    ):
        parts = [part.name for part in taxonomy.descendants(name)]
        members = [channel_of[part] for part in parts if part in channel_of]
        if name not in channel_of and members and not taken & set(members):
            wholes[name] = np.array(members)
            taken |= set(members)
    return wholes
