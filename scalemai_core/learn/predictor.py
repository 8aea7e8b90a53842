"""A stored model, ready to predict scans: one fold model, or several averaged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from scalemai_core.errors import UsageError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.device import mixed_precision, prepare_cpu, resolve_device
from scalemai_core.learn.intensity import windowed
from scalemai_core.learn.networks import Segmenter, build_network
from scalemai_core.learn.readout import Prediction, Readout
from scalemai_core.learn.weights import ReadsBytes, load_weights
from scalemai_core.learn.windows import stream_windows
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.settings.learning import InputSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.resample import resample_image, resampled_grid


class Predictor:
    """Predicts out of fold with one fold's network, or as the ensemble with all."""

    def __init__(
        self,
        networks: Sequence[Segmenter],
        channels: Channels,
        settings: InputSettings,
        device: torch.device,
    ) -> None:
        self._networks = [network.to(device).eval() for network in networks]
        self._channels = channels
        self._settings = settings
        self._device = device

    @classmethod
    def load(
        cls,
        files: ReadsBytes,
        document: ModelDocument,
        folds: Sequence[int],
        device: str,
        threads: int,
    ) -> Predictor:
        """Load the named folds' weights; raises UsageError for a fold the model lacks."""
        if not folds or any(not 0 <= fold < len(document.folds) for fold in folds):
            raise UsageError(f"model {document.key} has {len(document.folds)} folds, not {folds}")
        where = resolve_device(device)
        prepare_cpu(threads)
        channels = Channels.from_names(document.channels, load_taxonomy())
        networks: list[Segmenter] = []
        for fold in folds:
            network = build_network(document.network, channels, seed=0)
            load_weights(files, document.folds[fold]).into(network, document.channels)
            networks.append(network)
        return cls(networks, channels, document.input, where)

    @torch.inference_mode()
    def predict(
        self,
        image_zyx: ImageZYX,
        grid: Grid,
        overlap: float = 0.5,
        beside: Sequence[Mapping[Layer, LabelsZYX]] = (),
    ) -> Prediction:
        """Label maps on ``grid`` and confidences of one scan; ``image_zyx`` in Hounsfield units.

        Annotations ``beside`` it, label maps on ``grid``, are read along for their evidence.
        """
        spacing = self._settings.spacing_mm
        inner = resampled_grid(grid, (spacing, spacing, spacing))
        image = windowed(resample_image(image_zyx, inner.shape_zyx), self._settings.window_hu)
        readout = Readout(self._channels, grid.shape_zyx, inner, beside)
        windows = stream_windows(
            torch.from_numpy(image).to(self._device),
            self._settings.patch_zyx,
            overlap,
            self._probabilities,
        )
        for slices in windows:
            readout.add(slices)
        return readout.prediction()

    def _probabilities(self, image: Tensor) -> Tensor:
        """(1, 1, z, y, x) -> (channels, z, y, x), the mean over the networks, a softmax a layer."""
        total: Tensor | None = None
        for network in self._networks:
            with mixed_precision(self._device):
                logits = network(image)[0]
            layers = [logits[layer.span].float().softmax(dim=0) for layer in self._channels.layers]
            own = torch.cat(layers)
            total = own if total is None else total.add_(own)
        if total is None:
            raise UsageError("a predictor needs at least one network")
        return total if len(self._networks) == 1 else total.div_(len(self._networks))
