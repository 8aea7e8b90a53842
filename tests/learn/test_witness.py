"""The evidence of a streamed prediction, against the whole probabilities at once."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from memory import TAXONOMY
from numpy.typing import NDArray

from scalemai_core.learn.channels import Channels, LayerChannels
from scalemai_core.learn.predict.reading import used_ids
from scalemai_core.learn.predict.readout import Readout
from scalemai_core.learn.predict.sums import Block
from scalemai_core.records.evidence import Evidence
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX, Layer

SHAPE = (5, 6, 7)
GRID = Grid.of(SHAPE, np.eye(4))
CHANNELS = Channels.of(["liver", "spleen", "pancreas_head", "pancreas_body"], TAXONOMY)


def probabilities(seed: int) -> NDArray[np.float64]:
    """(channels, z, y, x), a softmax of noise."""
    noise = np.random.default_rng(seed).normal(0, 2, (CHANNELS.layers[0].num_channels, *SHAPE))
    weights = np.exp(noise)
    return weights / weights.sum(axis=0)


def labels(names: list[str], seed: int) -> LabelsZYX:
    """Noise of some structures and background."""
    ids = np.array([0, *(TAXONOMY[name].id for name in names)], dtype=np.uint8)
    return np.random.default_rng(seed).choice(ids, SHAPE)


def streamed(p: NDArray[np.float64], *beside: LabelsZYX) -> tuple[dict[str, Evidence], ...]:
    used = [{Layer.ANATOMY: used_ids(one)} for one in beside]
    readout = Readout(CHANNELS, SHAPE, GRID, lambda labels: None, used)
    logits = torch.from_numpy(np.log(p)).float()
    for z in range(0, SHAPE[0], 2):
        chosen = slice(z, z + 2)
        annotations = [{Layer.ANATOMY: one[chosen]} for one in beside]
        readout.begin(*readout.complete(z, min(z + 2, SHAPE[0])), annotations)
        for y in (slice(0, 1), slice(1, 4), slice(4, 6)):
            part = logits[:, chosen, y]
            readout.add(Block(z, y.start, part, torch.ones(part.shape[1:])))
    return readout.seen().evidence


def at_once(
    p: NDArray[np.float64], stated: NDArray[np.bool_], members: list[int]
) -> tuple[float, float, float]:
    """Mean log-likelihood of annotation and of prediction, and mean entropy, of one structure."""
    inside = p[members].sum(axis=0)
    predicted = np.isin(p.argmax(axis=0), members)
    either = stated | predicted
    said = np.log(np.where(stated, inside, 1 - inside))[either]
    seen = np.log(np.where(predicted, inside, 1 - inside))[either]
    entropy = -(p * np.log(p)).sum(axis=0)[either]
    return float(said.mean()), float(seen.mean()), float(entropy.mean())


def layer() -> LayerChannels:
    (only,) = CHANNELS.layers
    return only


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_evidence_of_a_structure_is_that_of_the_whole_probabilities(seed: int) -> None:
    p, labels_zyx = probabilities(seed), labels(["liver", "spleen", "pancreas_head"], seed)
    (found,) = streamed(p, labels_zyx)
    for channel, name in enumerate(layer().names, start=1):
        expected = at_once(p, labels_zyx == TAXONOMY[name].id, [channel])
        one = found[name]
        assert (one.loglik_current, one.loglik_prediction, one.entropy) == pytest.approx(
            expected, rel=1e-4
        )


def test_a_parent_annotated_as_one_is_compared_with_the_sum_of_its_parts() -> None:
    p, labels_zyx = probabilities(4), labels(["liver", "pancreas"], 4)
    (found,) = streamed(p, labels_zyx)
    parts = [
        channel
        for channel, name in enumerate(layer().names, start=1)
        if name in {"pancreas_head", "pancreas_body"}
    ]
    one = found["pancreas"]
    stated = labels_zyx == TAXONOMY["pancreas"].id
    inside = p[parts].sum(axis=0)
    predicted = np.isin(p.argmax(axis=0), parts)
    either = stated | predicted
    expected = np.log(np.where(stated, inside, 1 - inside))[either].mean()
    assert one.loglik_current == pytest.approx(float(expected), rel=1e-4)
    assert "pancreas_head" not in found


def test_annotations_read_along_do_not_disturb_each_other() -> None:
    p = probabilities(5)
    one, other = labels(["liver"], 5), labels(["spleen"], 6)
    together = streamed(p, one, other)
    assert together == (*streamed(p, one), *streamed(p, other))


def test_a_prediction_is_at_least_as_likely_as_any_annotation_of_the_same_voxels() -> None:
    p = np.where(probabilities(7) > 0.5, 0.9, 0.1 / 4)
    p /= p.sum(axis=0)
    (found,) = streamed(p, labels(["liver", "spleen"], 7))
    assert all(one.loglik_prediction >= one.loglik_current for one in found.values())


def test_confidence_is_that_inside_the_prediction_and_along_its_border_in_the_slice() -> None:
    p, labels_zyx = probabilities(8), labels(["liver"], 8)
    channel, best = p.argmax(axis=0), p.max(axis=0)
    padded = np.pad(channel, ((0, 0), (1, 1), (1, 1)), mode="edge")
    shifted = [padded[:, :-2, 1:-1], padded[:, 2:, 1:-1], padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]]
    border = np.any([channel != each for each in shifted], axis=0)
    (found,) = streamed(p, labels_zyx)
    for number, name in enumerate(layer().names, start=1):
        inside = channel == number
        assert found[name].confidence == pytest.approx(best[inside].mean(), rel=1e-4)
        along = best[inside & border].mean()
        assert found[name].boundary_confidence == pytest.approx(along, rel=1e-4)
