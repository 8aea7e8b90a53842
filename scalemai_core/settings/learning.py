"""How networks are built, trained and used."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, JsonValue, model_validator

from scalemai_core.settings.architectures import ArchitectureName, check_architecture
from scalemai_core.settings.section import Section


class NetworkSettings(Section):
    """The network, by its MONAI name."""

    name: ArchitectureName = "SegResNet"
    """Architecture."""
    width: int = Field(default=16, ge=4)
    """Channels at the first level; of SwinUNETR a multiple of 12."""
    levels: int = Field(default=4, ge=2, le=6)
    """Resolution levels, the first included; SwinUNETR has four stages, DynUNet three or more."""
    stem_stride: Literal[1, 2] = 1
    """2 computes the finest level at half resolution: much faster on a CPU, softer edges."""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    """Further arguments of the MONAI class, by its names: ``{kernel_size: 5}`` for MedNeXt. Those
    that the engine sets itself, and unknown ones, are refused with a list of what is free."""

    @model_validator(mode="after")
    def _can_be_built(self) -> Self:
        check_architecture(self.name, self.width, self.levels, self.options)
        return self


class InputSettings(Section):
    """How a scan enters the network."""

    spacing_mm: float = Field(default=1.5, gt=0)
    """Isotropic spacing the network sees; section 13.1."""
    window_hu: tuple[float, float] = (-175.0, 250.0)
    """Hounsfield window mapped to [0, 1]; section 13.1."""
    patch_zyx: tuple[int, int, int] = (96, 96, 96)
    """Patch of training and sliding window, voxels at ``spacing_mm``; section 13.1."""


class MixSettings(Section):
    """What a batch is drawn from, as shares; what a dataset lacks leaves its share to the rest."""

    trusted: float = Field(default=0.4, ge=0)
    """Masks of the dataset's sources and of earlier reviews; section 1.8."""
    reviewed: float = Field(default=0.2, ge=0)
    """Masks that people judged or drew this round; section 1.8."""
    pseudo: float = Field(default=0.2, ge=0)
    """Masks that a model made; section 1.8."""
    synthetic: float = Field(default=0.2, ge=0)
    """Scans of which an organ's lesions are known, with a synthetic tumour more; section 1.8."""
    most_often: float = Field(default=10.0, ge=1)
    """A part of few scans has less than its share: none of them is drawn more than this many times
    as often as the average scan. Ours."""
    pseudo_ramp: float = Field(default=0.2, ge=0, le=1)
    """Share of the steps over which the weight of models' masks rises, squared; section 1.8."""


class TrainSettings(Section):
    """The M-step."""

    steps: int = Field(default=20_000, ge=1)
    """Optimiser steps of a fold model trained from scratch."""
    warm_steps: int = Field(default=5_000, ge=1)
    """Optimiser steps when continuing from the same fold's last model."""
    batch: int = Field(default=2, ge=1)
    """Patches a step, over all processes."""
    learning_rate: float = Field(default=4e-4, gt=0)
    """AdamW, section 3.5; falls by a cosine to 1 % of it."""
    weight_decay: float = Field(default=1e-5, ge=0)
    """Section 3.5."""
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the steps over which the learning rate rises from 0."""
    clip_norm: float = Field(default=12.0, gt=0)
    """Gradient norm limit. Ours."""
    foreground: float = Field(default=0.67, ge=0, le=1)
    """Share of patches centred in a labelled structure, structures drawn evenly. Ours."""
    lesions: float = Field(default=0.0, ge=0, le=1)
    """Share of patches centred in a lesion before ``foreground`` has its share of the rest. Every
    lesion of a scan is as likely, however small; in a scan without one, a structure. Ours."""
    augment: bool = True
    """Intensity scale, shift and noise, and size; see ``mirror`` for flips."""
    mirror: bool = False
    """Flip half of the patches left to right and swap paired structures' labels with them. Such an
    abdomen is situs inversus: off unless the population has such patients."""
    accumulate: int = Field(default=1, ge=1)
    """Batches of one optimiser step. Each has a loss of its own (its Dice and its balance of
    structures), and the step follows the mean of their gradients: less memory than one batch as
    large as all of them, and nearly the same."""
    ema_decay: float = Field(default=0.0, ge=0, lt=1)
    """The model is the running mean of the weights, kept by this share a step; 0 takes the last.
    The random start is not in the mean, so that a short training may have a long memory."""
    checkpoint_every: int = Field(default=500, ge=1)
    """Optimiser steps between checkpoints, from which a killed run goes on."""
    mixed: bool = True
    """Multiply in bfloat16 where the hardware does it; off, all is float32, and one process agrees
    with many to rounding in float32."""
    deterministic: bool = False
    """Only arithmetic that repeats bit for bit: slower on a GPU, no difference on a CPU."""
    compile: bool = False
    """torch.compile the network: pays on a GPU after minutes of compiling."""
    refit: bool = False
    """One model more, on all scans: what consumers get instead of the fold models' ensemble."""
    restart_every: int = Field(default=3, ge=1)
    """Every so many rounds training starts from scratch and not from the last weights, so that a
    model's mistakes do not confirm themselves for ever; section 1.8."""
    mix: MixSettings = MixSettings()
    """What a batch is drawn from."""


class PredictSettings(Section):
    """The sliding window."""

    overlap: float = Field(default=0.5, ge=0, lt=1)
    """Share by which neighbouring windows overlap; section 13.1."""
    out_of_fold: bool = True
    """Predict with the fold model that never saw the patient; section 1.4."""
    memory_mb: int = Field(default=8192, ge=64)
    """Memory that predicting a scan may take beside the loaded model. It decides how many windows a
    GPU sees at once; a scan whose slices are too wide for it is set aside. Length does not matter:
    windows are streamed along z. Ours."""
    lesion_reach_mm: float = Field(default=30.0, ge=0)
    """How far from any organ that bears lesions their log-odds are kept: what grows out of it
    farther than this is cut off. Ours."""
