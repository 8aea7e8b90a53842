"""A stored model, ready to predict scans: one fold model, or several averaged."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor

from scalemai_core.errors import UsageError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.device import mixed_precision, prepare_cpu, resolve_device
from scalemai_core.learn.network.architectures import build_network
from scalemai_core.learn.network.segmenter import Segmenter
from scalemai_core.learn.predict.blend import stream_blocks
from scalemai_core.learn.predict.footprint import windows_at_once
from scalemai_core.learn.predict.reading import (
    Annotation,
    Behind,
    InnerImage,
    LevelInput,
    Voxels,
    ahead,
    read_level,
    used_ids,
)
from scalemai_core.learn.predict.readout import Labels, Readout, Seen, TakesLabels
from scalemai_core.learn.predict.windows import Windows
from scalemai_core.learn.weights import ReadsBytes, load_weights
from scalemai_core.records.evidence import Evidence
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX, Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.settings.learning import InputSettings, PredictSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.lesion_odds import LesionOdds
from scalemai_core.volume.resample import resampled_grid

DEFAULTS = PredictSettings()


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model sees in a scan."""

    labels: Labels
    """One label map a layer, on the scan's grid."""
    evidence: tuple[dict[str, Evidence], ...]
    """For each annotation read along: what the probabilities say of its structures."""
    lesions: LesionOdds | None
    """What it gives lesions, on the network's own grid; None for a model that knows none."""


class Predictor:
    """Predicts out of fold with one fold's network, or as the ensemble with all."""

    def __init__(
        self,
        networks: Sequence[Segmenter],
        channels: Channels,
        settings: InputSettings,
        device: torch.device,
    ) -> None:
        if not networks:
            raise UsageError("a predictor needs at least one network")
        self._networks = [network.to(device).eval() for network in networks]
        self._channels = channels
        self._settings = settings
        self._device = device

    @classmethod
    def load(
        cls,
        files: ReadsBytes,
        document: ModelDocument,
        folds: Sequence[int] | None,
        device: str,
        threads: int,
    ) -> Predictor:
        """Load the named folds' weights, or with None those that consumers get.

        Raises UsageError for a fold the model lacks.
        """
        if folds is not None and any(not 0 <= fold < len(document.folds) for fold in folds):
            raise UsageError(f"model {document.key} has {len(document.folds)} folds, not {folds}")
        where = resolve_device(device)
        prepare_cpu(threads)
        channels = Channels.from_names(document.channels, load_taxonomy())
        paths = document.served if folds is None else [document.folds[fold] for fold in folds]
        networks: list[Segmenter] = []
        for path in paths:
            network = build_network(document.network, channels, seed=0)
            load_weights(files, path).into(network, document.channels)
            networks.append(network)
        return cls(networks, channels, document.input, where)

    @property
    def layers(self) -> list[Layer]:
        """The layers that it predicts."""
        return [layer.layer for layer in self._channels.layers]

    def inner_grid(self, grid: Grid) -> Grid:
        """The network's own grid over a scan's box."""
        spacing = self._settings.spacing_mm
        return resampled_grid(grid, (spacing, spacing, spacing))

    def predict(
        self,
        image_zyx: ImageZYX,
        grid: Grid,
        settings: PredictSettings = DEFAULTS,
        beside: Sequence[Annotation] = (),
    ) -> Prediction:
        """Whole label maps on ``grid`` of one scan; ``image_zyx`` in Hounsfield units.

        Annotations ``beside`` it, label maps on ``grid``, are read along for their evidence.
        """
        parts: list[Labels] = []
        seen = self.stream(image_zyx, grid, parts.append, settings, beside)
        labels = {layer: np.concatenate([part[layer] for part in parts]) for layer in self.layers}
        return Prediction(labels, seen.evidence, seen.lesions)

    @torch.inference_mode()
    def stream(
        self,
        image: Voxels,
        grid: Grid,
        take: TakesLabels,
        settings: PredictSettings = DEFAULTS,
        beside: Sequence[Annotation] = (),
    ) -> Seen:
        """Hand label maps to ``take``, slices as they are complete; memory does not grow with them.

        ``image`` and the annotations are sliced along z, in a thread that reads ahead; ``take``
        runs in another. Raises UsageError where the scan needs more than ``settings.memory_mb``.
        """
        inner = self.inner_grid(grid)
        windows = Windows.of(inner.shape_zyx, self._settings.patch_zyx, settings.overlap)
        batch = windows_at_once(
            windows, grid.shape_zyx, self._channels, self._networks[0], settings.memory_mb
        )
        ids = [{layer: used_ids(labels) for layer, labels in one.items()} for one in beside]
        behind = Behind(take, len(windows.levels()))
        readout = Readout(self._channels, grid.shape_zyx, inner, behind, ids)
        source = InnerImage(image, inner.shape_zyx, self._settings.window_hu)
        native = [readout.complete(*slices) for slices in windows.completed()]
        steps = [
            partial(read_level, source, beside, *slices)
            for slices in zip(windows.levels(), native, strict=True)
        ]
        with closing(behind), closing(ahead(steps)) as read:
            levels = self._levels(read, native, readout)
            at_once = 1 if self._device.type == "cpu" else batch
            for block in stream_blocks(levels, windows, self._logits, at_once):
                readout.add(block)
            behind.wait()
        return readout.seen()

    def _levels(
        self, read: Iterator[LevelInput], native: Sequence[tuple[int, int]], readout: Readout
    ) -> Iterator[Tensor]:
        for level, slices in zip(read, native, strict=True):
            readout.begin(*slices, level.annotations)
            yield level.image_zyx.to(self._device)

    def _logits(self, image: Tensor) -> Iterator[Tensor]:
        """(windows, 1, z, y, x) -> (windows, channels, z, y, x) of each network."""
        for network in self._networks:
            with mixed_precision(self._device):
                logits = network(image)
            yield logits
