"""What a freshly trained network makes of patches that it learned from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from scalemai_core.learn.device import mixed_precision, prepare_cpu, resolve_device
from scalemai_core.learn.feed.patches import PatchSource, stack
from scalemai_core.learn.network.architectures import build_network
from scalemai_core.learn.volumes import VolumeReader
from scalemai_core.learn.weights import ReadsBytes, load_weights
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.training import TrainingPlan
from scalemai_core.taxonomy.taxonomy import load_taxonomy


@dataclass(frozen=True, slots=True)
class PatchExample:
    """One patch; lesions lie over vessels, vessels over anatomy."""

    image_zyx: NDArray[np.float32]
    """In [0, 1]."""
    labels_zyx: LabelsZYX
    predicted_zyx: LabelsZYX


def patch_examples(
    plan: TrainingPlan, reader: VolumeReader, files: ReadsBytes, number: int
) -> Iterator[PatchExample]:
    """The first patches of a finished training, as labelled and as predicted."""
    device = resolve_device(plan.device)
    prepare_cpu(plan.threads)
    source = PatchSource(plan, reader, load_taxonomy())
    network = build_network(plan.network, source.channels, plan.seed)
    load_weights(files, plan.weights).into(network, plan.channels)
    network.to(device).eval()
    for index in range(number):
        patch = source.patch(index)
        with torch.inference_mode(), mixed_precision(device, wanted=plan.train.mixed):
            logits = network(stack([patch], device))[0]
        predicted = {
            layer.layer: layer.ids[logits[layer.span].argmax(dim=0).cpu().numpy()]
            for layer in source.channels.layers
        }
        yield PatchExample(patch.image_zyx, _merged(patch.labels), _merged(predicted))


def _merged(labels: Mapping[Layer, LabelsZYX]) -> LabelsZYX:
    merged_zyx = np.zeros(next(iter(labels.values())).shape, dtype=np.uint8)
    for layer in Layer:
        if layer in labels:
            merged_zyx = np.where(labels[layer] > 0, labels[layer], merged_zyx)
    return merged_zyx
