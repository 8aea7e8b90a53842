"""The arms of the feed benchmark: how each library prepares data, and batches of 2 patches of 96^3.

``python benchmarks/feed_arms.py ARM STEP FOLDER WORKERS BATCHES`` runs one step in a process of its
own; nnU-Net's runs under an interpreter that has nnunetv2. Each library is imported by its arm.
"""
# ruff: noqa: PLC0415 - an arm pays for its own imports, and no other's

# nnU-Net lives in an environment of its own:
# pyright: reportMissingImports=false
from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

PATCH = (96, 96, 96)
BATCH = 2
FOREGROUND = 0.5
"""Share of patches centred in a structure, in every arm."""
WINDOW_HU = (-175.0, 250.0)
SPACING_MM = 1.5
WARM_UP = 20
"""More batches than any arm prepares ahead: what was ready before the clock starts is used up."""

Batches = Iterator[list[tuple[NDArray[Any], NDArray[Any]]]]
"""Per patch image (z, y, x) in [0, 1] and labels of the layer anatomy."""


def scaled(image_zyx: NDArray[np.int16]) -> NDArray[np.float32]:
    """What every arm delivers."""
    low, high = WINDOW_HU
    return np.clip((image_zyx.astype(np.float32) - low) / (high - low), 0, 1).astype(np.float32)


def cases_of(folder: Path) -> list[tuple[str, NDArray[np.int16], NDArray[np.uint8]]]:
    """Name, image and anatomy of every case, memory-mapped."""
    return [
        (path.name, np.load(path / "image.npy", "r"), np.load(path / "anatomy.npy", "r"))
        for path in sorted((folder / "cases").iterdir())
    ]


def scalemai(folder: Path, workers: int, batches: int, plan: str = "plan") -> Batches:
    """Three layers of labels and the image from Zarr."""
    from functools import partial

    from scalemai_core.learn.feed.loader import Share
    from scalemai_core.learn.feed.loader import batches as prepared

    source = partial(open_source, str(folder / f"{plan}.json"))
    for patches in prepared(source, Share(batch=BATCH), range(batches), workers):
        yield [(patch.image_zyx, patch.labels[next(iter(patch.labels))]) for patch in patches]


def scalemai_one(folder: Path, workers: int, batches: int) -> Batches:
    """One layer of labels, as the other libraries have."""
    return scalemai(folder, workers, batches, plan="plan of one layer")


def open_source(path: str) -> Any:
    """Opened once in every process."""
    from scalemai_core.learn.feed.patches import PatchSource
    from scalemai_core.learn.volumes import StoredVolumes
    from scalemai_core.records.training import TrainingPlan
    from scalemai_core.store.workspace import Workspace
    from scalemai_core.taxonomy.taxonomy import load_taxonomy

    plan = TrainingPlan.model_validate_json(Path(path).read_text())
    return PatchSource(plan, StoredVolumes(Workspace.open(plan.workspace)), load_taxonomy())


def monai(folder: Path, workers: int, batches: int, crops: int = 1) -> Batches:
    """PersistentDataset of scaled images, then RandCropByPosNegLabeld; the cache is warm."""
    import torch
    from monai.data.dataloader import DataLoader
    from monai.data.dataset import PersistentDataset
    from monai.transforms.compose import Compose
    from monai.transforms.croppad.dictionary import RandCropByPosNegLabeld
    from monai.transforms.intensity.dictionary import ScaleIntensityRanged
    from monai.transforms.io.dictionary import LoadImaged
    from monai.transforms.utility.dictionary import EnsureChannelFirstd, EnsureTyped

    keys = ("image", "label")
    crop = RandCropByPosNegLabeld(
        keys, "label", PATCH, pos=FOREGROUND, neg=1 - FOREGROUND, num_samples=crops
    )
    steps = [
        LoadImaged(keys, image_only=True),
        EnsureChannelFirstd(keys, channel_dim="no_channel"),
        ScaleIntensityRanged("image", *WINDOW_HU, 0, 1, clip=True),
        EnsureTyped(keys, dtype=(torch.float32, torch.uint8), track_meta=False),
        crop,
    ]
    files = [
        {"image": str(path / "image.npy"), "label": str(path / "anatomy.npy")}
        for path in sorted((folder / "cases").iterdir())
    ]
    data = PersistentDataset(files, Compose(steps), cache_dir=folder / "monai")
    for index in range(len(files)):
        data[index]
    loader = DataLoader(
        data,
        batch_size=BATCH // crops,
        shuffle=True,
        num_workers=workers,
        persistent_workers=True,
        drop_last=True,
    )
    left = batches
    while left:
        for batch in loader:
            yield [
                (image.numpy()[0], label.numpy()[0])
                for image, label in zip(batch["image"], batch["label"], strict=True)
            ]
            left -= 1
            if not left:
                return


def monai_pairs(folder: Path, workers: int, batches: int) -> Batches:
    """The same with both patches of a batch from one scan, which is then read half as often."""
    return monai(folder, workers, batches, crops=2)


def prepare_nnunet(folder: Path) -> None:
    """As nnU-Net's own preprocessor saves cases."""
    from nnunetv2.preprocessing.preprocessors.default_preprocessor import DefaultPreprocessor
    from nnunetv2.training.dataloading.nnunet_dataset import (
        comp_blosc2_params,
        nnUNetDatasetBlosc2,
    )

    place = folder / "nnunet"
    place.mkdir(exist_ok=True)
    for name, image_zyx, labels_zyx in cases_of(folder):
        data, seg = scaled(image_zyx)[None], labels_zyx[None].astype(np.int16)
        classes = [int(value) for value in np.unique(seg) if value]
        where = DefaultPreprocessor._sample_foreground_locations(seg, classes)
        blocks, chunks = comp_blosc2_params(data.shape, PATCH, data.itemsize)
        seg = seg.astype(np.int8)
        blocks_seg, chunks_seg = comp_blosc2_params(seg.shape, PATCH, 2)
        nnUNetDatasetBlosc2.save_case(
            data,
            seg,
            {"class_locations": where},
            str(place / name),
            chunks=chunks,
            blocks=blocks,
            chunks_seg=chunks_seg,
            blocks_seg=blocks_seg,
        )


def nnunet(folder: Path, workers: int, batches: int) -> Batches:
    """nnU-Net's data loader and its own processes."""
    from batchgenerators.dataloading.nondet_multi_threaded_augmenter import (
        NonDetMultiThreadedAugmenter,
    )
    from nnunetv2.training.dataloading.data_loader import nnUNetDataLoader
    from nnunetv2.training.dataloading.nnunet_dataset import nnUNetDatasetBlosc2
    from nnunetv2.utilities.label_handling.label_handling import LabelManager

    labels = {"background": 0, **{f"structure {n}": n for n in range(1, 89)}}
    loader = nnUNetDataLoader(
        nnUNetDatasetBlosc2(str(folder / "nnunet")),
        BATCH,
        PATCH,
        PATCH,
        LabelManager(labels, regions_class_order=None),
        oversample_foreground_percent=FOREGROUND,
    )
    run = NonDetMultiThreadedAugmenter(
        loader, None, workers, num_cached=2 * workers, pin_memory=False, wait_time=0.002
    )
    for _ in range(batches):
        batch = next(run)
        images, found = batch["data"].numpy(), batch["target"].numpy()
        yield [(image[0], label[0]) for image, label in zip(images, found, strict=True)]
    run._finish()


ARMS: dict[str, Callable[[Path, int, int], Batches]] = {
    "scalemai": scalemai,
    "scalemai, 1 layer": scalemai_one,
    "MONAI": monai,
    "MONAI, 2 a scan": monai_pairs,
    "nnU-Net": nnunet,
}


def cpu_seconds() -> float:
    """Processor time of this process and its children so far: it does not count waiting."""
    own = psutil.Process()
    return sum(sum(each.cpu_times()[:2]) for each in (own, *own.children(recursive=True)))


def memory_mb() -> tuple[float, float]:
    """RSS, and PSS (shared pages by their share), of this process and its children together."""
    own = psutil.Process()
    found = [each.memory_full_info() for each in (own, *own.children(recursive=True))]
    return sum(each.rss for each in found) / 2**20, sum(each.pss for each in found) / 2**20


def measure(name: str, folder: Path, workers: int, batches: int) -> dict[str, Any]:
    """Patches a second and processor time once all is running, then the memory of more batches."""
    more = 8
    run = ARMS[name](folder, workers, WARM_UP + batches + more)
    for number in range(WARM_UP):
        patches = next(run)
        if number == 0:
            np.savez(folder / f"patch of {name}.npz", image=patches[0][0], labels=patches[0][1])
    started, worked = time.perf_counter(), cpu_seconds()
    for _ in range(batches):
        next(run)
    seconds, worked = time.perf_counter() - started, cpu_seconds() - worked
    memory = [memory_mb() for _ in zip(range(more), run, strict=False)]
    rss, pss = (max(each) for each in zip(*memory, strict=True))
    return {
        "rate": BATCH * batches / seconds,
        "cpu_ms": 1e3 * worked / BATCH / batches,
        "rss_mb": rss,
        "pss_mb": pss,
    }


def main() -> None:
    """One step of one arm."""
    arm, step, folder, workers, batches = sys.argv[1:]
    if step == "prepare":
        prepare_nnunet(Path(folder))
    else:
        sys.stdout.write(json.dumps(measure(arm, Path(folder), int(workers), int(batches))) + "\n")
        sys.stdout.flush()
        os._exit(0)  # nnU-Net's processes wait for each other at a proper exit


if __name__ == "__main__":
    main()
