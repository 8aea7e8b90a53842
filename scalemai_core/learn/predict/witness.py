"""Reads an annotation along with streamed probabilities: what they say of each of its masks."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scalemai_core.learn.channels import LayerChannels
from scalemai_core.learn.predict.sight import Members, Sight
from scalemai_core.learn.predict.threads import summed
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.compiled import compiled

LEAST = 1e-6
"""Probabilities are kept this far from 0 and 1."""

NUM_LABELS = 256
AT_ONCE = 1 << 14
"""Voxels that are summed together."""
Codes = NDArray[np.uint8]
Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Testimony:
    """Means over the voxels that the annotation or the prediction gives to a structure."""

    loglik_current: float
    loglik_prediction: float
    entropy: float


class Said(NamedTuple):
    """Of every voxel the code it is annotated and the one it is predicted as."""

    stated: Codes
    predicted: Codes
    of_stated: Floats
    """Log-probabilities of the two."""
    of_predicted: Floats
    entropy: Floats


class Witness:
    """One layer of one annotation; codes are its channels, wholes annotated as one behind them."""

    def __init__(self, used: NDArray[np.intp], channels: LayerChannels) -> None:
        """``used``: the ids that the annotation's label map holds."""
        wholes = _wholes(used, channels)
        num = channels.num_channels
        code_of_channel = np.arange(num, dtype=np.uint8)
        code_of_label = np.zeros(NUM_LABELS, dtype=np.uint8)
        for code, members in enumerate(wholes.values(), start=num):
            code_of_channel[members] = code
        code_of_label[channels.ids[1:]] = code_of_channel[1:]
        for code, name in enumerate(wholes, start=num):
            code_of_label[load_taxonomy()[name].id] = code
        self._names = (*channels.names, *wholes)
        self._members = Members.of(
            [*([channel] for channel in range(num)), *(each.tolist() for each in wholes.values())]
        )
        self._code_of_label = code_of_label
        self._code_of_channel = code_of_channel
        self._sums = np.zeros((4, num + len(wholes)))

    def see(self, labels_zyx: LabelsZYX, sight: Sight) -> None:
        """Add the voxels that anybody gives to a structure; ``labels_zyx``: as annotated there."""
        stated = self._code_of_label[labels_zyx].ravel()
        predicted = self._code_of_channel[sight.channel].ravel()
        said = Said(
            stated,
            predicted,
            sight.log_of(stated, self._members),
            sight.log_of(predicted, self._members),
            sight.entropy.ravel(),
        )
        self._sums += summed(
            lambda part, sums: _add(said, part.start, part.stop, sums),
            stated.size,
            AT_ONCE,
            self._sums.shape,
        )

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


@compiled
def _add(said: Said, first: int, stop: int, sums: NDArray[np.float64]) -> None:
    """A voxel speaks of the structure it is annotated as, and of the one it is predicted as."""
    for at in range(first, stop):
        stated, predicted = said.stated[at], said.predicted[at]
        if stated > 0:
            log_in, log_out = _in_and_out(said.of_stated[at])
            sums[0, stated] += log_in
            sums[1, stated] += log_in if stated == predicted else log_out
            sums[2, stated] += said.entropy[at]
            sums[3, stated] += 1.0
        if predicted > 0 and stated != predicted:
            log_in, log_out = _in_and_out(said.of_predicted[at])
            sums[0, predicted] += log_out
            sums[1, predicted] += log_in
            sums[2, predicted] += said.entropy[at]
            sums[3, predicted] += 1.0


@compiled
def _in_and_out(log_p: np.float32) -> tuple[float, float]:
    """Logs of a probability that is kept off 0 and 1, and of what is missing to 1."""
    log_in = min(max(np.float64(log_p), math.log(LEAST)), math.log1p(-LEAST))
    return log_in, math.log(-math.expm1(log_in))


def _wholes(used: NDArray[np.intp], channels: LayerChannels) -> dict[str, np.ndarray]:
    """Structures annotated as one whose parts are channels, with those; the widest first."""
    taxonomy = load_taxonomy()
    channel_of = {name: index for index, name in enumerate(channels.names, start=1)}
    wholes: dict[str, np.ndarray] = {}
    taken: set[int] = set()
    names = (taxonomy.by_id(one).name for one in used.tolist() if one)
    for name in sorted(
        (name for name in names if name not in channel_of),
        key=lambda name: len(taxonomy.ancestors(name)),
    ):
        parts = [part.name for part in taxonomy.descendants(name)]
        members = [channel_of[part] for part in parts if part in channel_of]
        if members and not taken & set(members):
            wholes[name] = np.array(members)
            taken |= set(members)
    return wholes
