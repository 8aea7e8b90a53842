"""The two documents by which MONAI runs a bundle: what it is, and how a scan goes through it."""

from __future__ import annotations

from importlib.metadata import version as installed
from typing import Any

from scalemai_core.learn.channels import Channels, channel_titles
from scalemai_core.learn.network.architectures import BODIES, body_arguments, segmenter_arguments
from scalemai_core.records.model import ModelDocument
from scalemai_core.settings.architectures import ARCHITECTURES
from scalemai_core.settings.learning import NetworkSettings

WEIGHTS = "models/model.safetensors"
LICENCE = "LICENSE"
SCHEMA = (
    "https://github.com/Project-MONAI/MONAI-extra-test-data/releases/download/0.8.1/"
    "meta_schema_20240725.json"
)
OVERLAP = 0.5
"""Share by which neighbouring windows overlap; method reference, section 13.1."""

Tree = dict[str, Any]


def inference_config(document: ModelDocument, channels: Channels, num_networks: int) -> Tree:
    """``configs/inference.json``: MONAI's transforms and inferer, the bundle's own network."""
    return {
        "imports": ["$import glob", "$import torch"],
        "bundle_root": ".",
        "dataset_dir": "./scans",
        "output_dir": "$@bundle_root + '/eval'",
        "input_files": "$sorted(glob.glob(@dataset_dir + '/*.nii.gz'))",
        "checkpoint": f"$@bundle_root + '/{WEIGHTS}'",
        "device": "$torch.device('cuda:0' if torch.cuda.is_available() else 'cpu')",
        "network_def": {
            "_target_": "scripts.ensemble.Ensemble",
            "networks": [_network(document.network, channels) for _ in range(num_networks)],
        },
        "network": {
            "_target_": "scripts.inference.with_weights",
            "network": "@network_def",
            "file": "@checkpoint",
            "device": "@device",
        },
        "preprocessing": {"_target_": "Compose", "transforms": _before(document)},
        "dataset": {
            "_target_": "Dataset",
            "data": "$[{'image': file} for file in @input_files]",
            "transform": "@preprocessing",
        },
        "inferer": {
            "_target_": "SlidingWindowInferer",
            "roi_size": list(document.input.patch_zyx),
            "sw_batch_size": 1,
            "overlap": OVERLAP,
            "mode": "gaussian",
            "sw_device": "@device",
            "device": "cpu",
        },
        "postprocessing": {"_target_": "Compose", "transforms": _after(channels)},
        "run": [
            {
                "_target_": "scripts.inference.segment",
                "dataset": "@dataset",
                "network": "@network",
                "inferer": "@inferer",
                "postprocessing": "@postprocessing",
            }
        ],
    }


def metadata(document: ModelDocument, channels: Channels, version: int) -> Tree:
    """``configs/metadata.json``: versions, purpose, and what goes in and comes out."""
    titles = channel_titles(document.channels)
    image = {
        "type": "image",
        "format": "hounsfield",
        "modality": "CT",
        "num_channels": 1,
        "spatial_shape": list(document.input.patch_zyx),
        "dtype": "float32",
        "value_range": [0, 1],
        "is_patch_data": True,
        "channel_def": {"0": "image"},
    }
    labels = {
        "type": "logits",
        "format": "segmentation",
        "num_channels": channels.num_channels,
        "spatial_shape": list(document.input.patch_zyx),
        "dtype": "float32",
        "value_range": [],
        "is_patch_data": True,
        "channel_def": {str(index): title for index, title in enumerate(titles)},
    }
    return {
        "schema": SCHEMA,
        "version": f"{version}.0.0",
        "changelog": {f"{version}.0.0": f"round {document.round}, model {document.key}"},
        "monai_version": installed("monai"),
        "pytorch_version": installed("torch").partition("+")[0],
        "numpy_version": installed("numpy"),
        "required_packages_version": _packages(document.network),
        "name": "ScaleMAI",
        "task": "Segmentation of organs, vessels and lesions in CT",
        "description": "Label maps of anatomy, vessels and lesions, one softmax for each layer.",
        "authors": "see docs/README.md",
        "copyright": f"see {LICENCE}",
        "data_type": "nibabel",
        "image_classes": "CT in Hounsfield units, any orientation and spacing",
        "label_classes": {
            layer.layer.value: dict(
                zip(map(str, layer.ids.tolist()), ("background", *layer.names), strict=True)
            )
            for layer in channels.layers
        },
        "pred_classes": f"{channels.num_channels} logits, a softmax a layer",
        "intended_use": "research; not a medical device",
        "network_data_format": {"inputs": {"image": image}, "outputs": {"pred": labels}},
    }


def _network(settings: NetworkSettings, channels: Channels) -> Tree:
    body = BODIES[settings.name]
    return {
        "_target_": "scripts.segmenter.Segmenter",
        "body": {"_target_": f"{body.__module__}.{body.__name__}", **body_arguments(settings)},
        **segmenter_arguments(settings, channels),
    }


def _before(document: ModelDocument) -> list[Tree]:
    low, high = document.input.window_hu
    spacing_mm = document.input.spacing_mm
    return [
        {"_target_": "LoadImaged", "keys": "image"},
        {"_target_": "EnsureChannelFirstd", "keys": "image"},
        {"_target_": "Orientationd", "keys": "image", "axcodes": "SAR", "labels": None},
        {"_target_": "CopyItemsd", "keys": "image", "times": 1, "names": "native"},
        {
            "_target_": "scripts.transforms.ResizeToSpacingd",
            "keys": "image",
            "spacing_mm": spacing_mm,
        },
        {
            "_target_": "ScaleIntensityRanged",
            "keys": "image",
            "a_min": low,
            "a_max": high,
            "b_min": 0.0,
            "b_max": 1.0,
            "clip": True,
        },
    ]


def _after(channels: Channels) -> list[Tree]:
    layers = [
        {"name": layer.layer.value, "first": layer.start, "ids": layer.ids.tolist()}
        for layer in channels.layers
    ]
    maps = {
        "_target_": "scripts.transforms.LayerMapsd",
        "keys": "pred",
        "native": "native",
        "layers": layers,
    }
    saved = [
        {
            "_target_": "SaveImaged",
            "keys": layer.layer.value,
            "output_dir": "@output_dir",
            "output_postfix": layer.layer.value,
            "output_dtype": "uint8",
            "mode": "nearest",
            "resample": True,
            "separate_folder": False,
            "print_log": False,
        }
        for layer in channels.layers
    ]
    return [maps, *saved]


def _packages(settings: NetworkSettings) -> dict[str, str]:
    names = ("nibabel", "safetensors", *ARCHITECTURES[settings.name].packages)
    return {name: installed(name) for name in names}
