"""How networks are built, trained and used."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scalemai_core.settings.section import Section


class NetworkSettings(Section):
    """The network, by its MONAI name."""

    name: Literal["SegResNet", "DynUNet", "UNet"] = "SegResNet"
    """Architecture."""
    width: int = Field(default=16, ge=4)
    """Channels at the first level."""
    levels: int = Field(default=4, ge=2, le=6)
    """Resolution levels, the first included."""
    stem_stride: Literal[1, 2] = 1
    """2 computes the finest level at half resolution: much faster on a CPU, softer edges."""


class InputSettings(Section):
    """How a scan enters the network."""

    spacing_mm: float = Field(default=1.5, gt=0)
    """Isotropic spacing the network sees; section 13.1."""
    window_hu: tuple[float, float] = (-175.0, 250.0)
    """Hounsfield window mapped to [0, 1]; section 13.1."""
    patch_zyx: tuple[int, int, int] = (96, 96, 96)
    """Patch of training and sliding window, voxels at ``spacing_mm``; section 13.1."""


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
    """Intensity scale, shift and noise; never a left/right flip, which would swap paired labels."""


class PredictSettings(Section):
    """The sliding window."""

    overlap: float = Field(default=0.5, ge=0, lt=1)
    """Share by which neighbouring windows overlap; section 13.1."""
    out_of_fold: bool = True
    """Predict with the fold model that never saw the patient; section 1.4."""
    lesion_reach_mm: float = Field(default=30.0, ge=0)
    """How far from any organ that bears lesions their log-odds are kept: what grows out of it
    farther than this is cut off. Ours."""
