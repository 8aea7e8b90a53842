"""One process of a training run: torchrun starts ``-m scalemai_core.learn.train PLAN.json``."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
import torch.distributed as dist
from torch.distributed.elastic.multiprocessing.errors import record

from scalemai_core.learn.device import prepare_cpu, resolve_device
from scalemai_core.learn.networks import Segmenter, build_network
from scalemai_core.learn.patches import PatchSource
from scalemai_core.learn.trainer import Progress, Trainer
from scalemai_core.learn.volumes import StoredVolumes, VolumeReader
from scalemai_core.learn.weights import ReadsBytes, Weights, load_weights
from scalemai_core.records.training import TrainingPlan
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy


@record
def main() -> None:
    """Train what the plan says; rank 0 writes the weights, last of all."""
    plan = TrainingPlan.model_validate_json(Path(sys.argv[1]).read_text())
    workspace = Workspace.open(plan.workspace)
    device = _join(plan)
    report = partial(_report, os.getppid())
    try:
        network = train(plan, StoredVolumes(workspace), workspace.files, device, report)
        if dist.get_rank() == 0:
            weights = Weights.of(network, plan.channels)
            workspace.files.write_bytes(plan.weights, weights.to_bytes())
    finally:
        dist.destroy_process_group()


def train(
    plan: TrainingPlan,
    reader: VolumeReader,
    files: ReadsBytes,
    device: torch.device,
    report: Callable[[Progress], None],
) -> Segmenter:
    """The trained network; from ``plan.init`` it takes ``warm_steps``, else ``steps``."""
    source = PatchSource(plan, reader, load_taxonomy())
    network = build_network(plan.network, source.channels, plan.seed)
    steps = plan.train.steps
    if plan.init is not None:
        load_weights(files, plan.init).into(network, plan.channels)
        steps = plan.train.warm_steps
    Trainer(network, source, plan.train, device).run(steps, report)
    return network


def _join(plan: TrainingPlan) -> torch.device:
    """Join the other processes; each takes a GPU of its own, or CPU threads."""
    device = resolve_device(plan.device)
    prepare_cpu(plan.threads)
    torch.set_flush_denormal(True)  # denormal gradients cost a CPU dearly; this process only trains
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    return device


def _report(launcher: int, progress: Progress) -> None:
    """A line of JSON for whoever launched the run; ends a process that lost its launcher."""
    if os.getppid() != launcher:
        raise SystemExit("the launcher of this training is gone")
    if dist.get_rank() == 0:
        sys.stdout.write(json.dumps(progress) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
