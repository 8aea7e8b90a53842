"""One arm of ``inference_speed.py``, in a process of its own: imports what it needs and no other's.

Prints a line of JSON: seconds, processor seconds, peak RSS, and RSS once all was imported. An
arm starts from the same image and the same traced network, and ends with a label map on disk.
"""

# ruff: noqa: PLC0415 - an arm pays for its own imports, and no other's

# nnU-Net lives in an environment of its own:
# pyright: reportMissingImports=false
from __future__ import annotations

import json
import resource
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

PATCH = (96, 96, 96)
OVERLAP = 0.5

Labels = NDArray[np.uint8]


def light_network(folder: Path) -> Any:
    """The traced network of all arms: the same arithmetic in whichever environment runs it."""
    import torch

    return torch.jit.load(folder / "network.pt").eval()


def scalemai(folder: Path, image_zyx: NDArray[np.float32]) -> Labels:
    """This engine's bands; the greatest logit is read out as they are complete."""
    import torch

    from scalemai_core.learn.predict.blend import stream_blocks
    from scalemai_core.learn.predict.sight import best_channels
    from scalemai_core.learn.predict.upsample import Upsampler
    from scalemai_core.learn.predict.windows import Windows

    network = light_network(folder)
    z, y, x = image_zyx.shape
    windows = Windows.of((z, y, x), PATCH, OVERLAP)
    upsampler = Upsampler((z, y, x), (z, y, x))
    labels = np.empty((z, y, x), np.uint8)
    image = torch.from_numpy(image_zyx)
    with torch.inference_mode():
        levels = (image[first:stop] for first, stop in windows.levels())
        for block in stream_blocks(levels, windows, lambda window: [network(window)]):
            for tile in upsampler.tiles(block):
                found = best_channels(tile.logits)
                num_slices, num_rows, _ = found.shape
                there = np.s_[tile.z : tile.z + num_slices, tile.y : tile.y + num_rows]
                labels[there] = found
    return labels


def monai(folder: Path, image_zyx: NDArray[np.float32]) -> Labels:
    """SlidingWindowInferer, then the greatest channel."""
    import torch
    from monai.inferers.inferer import SlidingWindowInferer

    network = light_network(folder)
    inferer = SlidingWindowInferer(PATCH, 1, OVERLAP, mode="gaussian")
    with torch.inference_mode():
        logits: Any = inferer(torch.from_numpy(image_zyx)[None, None], network)
        return logits[0].argmax(dim=0).to(torch.uint8).numpy()


def nnunet(folder: Path, image_zyx: NDArray[np.float32]) -> Labels:
    """nnU-Net v2's predictor of preprocessed data, then the greatest channel."""
    from types import SimpleNamespace

    import torch
    from nnunetv2.inference.predict_from_raw_data import nnUNetPredictor

    network = light_network(folder)
    predictor = nnUNetPredictor(
        tile_step_size=1 - OVERLAP,
        use_gaussian=True,
        use_mirroring=False,
        perform_everything_on_device=False,
        device=torch.device("cpu"),
        allow_tqdm=False,
    )
    predictor.network = network
    predictor.configuration_manager = SimpleNamespace(patch_size=list(PATCH))
    heads = json.loads((folder / "case.json").read_text())["classes"]
    predictor.label_manager = SimpleNamespace(num_segmentation_heads=heads)
    logits = predictor.predict_sliding_window_return_logits(torch.from_numpy(image_zyx)[None])
    return logits.argmax(dim=0).to(torch.uint8).numpy()


ARMS = {"scalemai": scalemai, "MONAI": monai, "nnU-Net": nnunet}


def peak_mb() -> float:
    """Largest resident set so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


MODULES = {
    "scalemai": (
        "scalemai_core.learn.predict.blend",
        "scalemai_core.learn.predict.sight",
        "scalemai_core.learn.predict.upsample",
    ),
    "MONAI": ("monai.inferers.inferer",),
    "nnU-Net": ("nnunetv2.inference.predict_from_raw_data",),
}
"""What an arm imports, so that it is in the baseline and not in the time."""


def main() -> None:
    """Run one arm once; a small volume first, so that nothing is compiled within the time."""
    name, place, threads = sys.argv[1:]
    folder = Path(place)
    for module in ("torch", *MODULES[name]):
        import_module(module)
    import torch

    torch.set_num_threads(int(threads))
    run = ARMS[name]
    before = peak_mb()
    run(folder, np.zeros(PATCH, np.float32))
    image_zyx = np.load(folder / "image.npy")
    started, worked = time.perf_counter(), time.process_time()
    labels = run(folder, image_zyx)
    seconds, worked = time.perf_counter() - started, time.process_time() - worked
    np.save(folder / f"labels of {name}.npy", labels)
    found = {"seconds": seconds, "cpu": worked, "peak_mb": peak_mb(), "before_mb": before}
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main()
