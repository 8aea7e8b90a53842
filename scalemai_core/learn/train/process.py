"""One process of a training run: torchrun starts this module with a workspace and a plan in it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from functools import partial

import torch
import torch.distributed as dist
from torch.distributed.elastic.multiprocessing.errors import record

from scalemai_core.errors import ScaleMAIError
from scalemai_core.learn.channels import Channels
from scalemai_core.learn.device import (
    place_network,
    prepare_cpu,
    prepare_training,
    resolve_device,
)
from scalemai_core.learn.feed.loader import Share, batches
from scalemai_core.learn.feed.patches import PatchSource
from scalemai_core.learn.network.architectures import build_network
from scalemai_core.learn.network.segmenter import Segmenter
from scalemai_core.learn.train.checkpoint import Checkpoints
from scalemai_core.learn.train.last_words import LastWords
from scalemai_core.learn.train.launch import GIVEN_UP
from scalemai_core.learn.train.state import TrainingState
from scalemai_core.learn.train.trainer import Trainer
from scalemai_core.learn.volumes import StoredVolumes, VolumeReader
from scalemai_core.learn.weights import ReadsBytes, Weights, load_weights
from scalemai_core.records.progress import TrainingProgress
from scalemai_core.records.training import TrainingPlan
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

PATIENCE_MINUTES = 5
"""How long processes wait for one another, to meet or within a step, before they start again."""


def main() -> None:
    """Train what the plan says; an error that a new start would not mend is told as such."""
    _say(f"process {os.environ['RANK']} of {os.environ['WORLD_SIZE']} starts")
    try:
        _work(Workspace.open(sys.argv[1]), sys.argv[2], os.getppid())
    except ScaleMAIError as error:
        _say(GIVEN_UP + str(error).replace("\n", " "))
        raise
    finally:
        if dist.is_initialized():
            dist.destroy_process_group()


def _work(workspace: Workspace, document: str, launcher: int) -> None:
    """Rank 0 writes the weights, last of all, and no process ends before they are there."""
    files = workspace.files
    plan = TrainingPlan.model_validate_json(files.read_bytes(document))
    device = _join(plan)
    if not files.exists(plan.weights):
        checkpoints = Checkpoints(files, plan)
        report = partial(_report, launcher)
        network = train(plan, StoredVolumes(workspace), files, device, report, checkpoints)
        if dist.get_rank() == 0:
            files.write_bytes(plan.weights, Weights.of(network, plan.channels).to_bytes())
    dist.barrier()


def train(
    plan: TrainingPlan,
    reader: VolumeReader,
    files: ReadsBytes,
    device: torch.device,
    report: Callable[[TrainingProgress], None],
    checkpoints: Checkpoints | None = None,
) -> Segmenter:
    """The trained network: from the last checkpoint, else from ``plan.init``, else from scratch."""
    channels = Channels.from_names(plan.channels, load_taxonomy())
    network = build_network(plan.network, channels, plan.seed)
    if plan.init is not None:
        load_weights(files, plan.init).into(network, plan.channels)
    place_network(network, device)
    state = TrainingState(network, plan.train)
    if checkpoints is not None:
        checkpoints.resume(state)
    rank = dist.get_rank() if dist.is_initialized() else 0
    world = dist.get_world_size() if dist.is_initialized() else 1
    share = Share(batch=plan.train.batch, rank=rank, world=world)
    open_source = partial(_open_source, plan, reader)
    supply = partial(batches, open_source, share, workers=plan.feed_workers)
    Trainer(state, plan, channels).run(supply, report, checkpoints)
    return state.model


def _open_source(plan: TrainingPlan, reader: VolumeReader) -> PatchSource:
    """In whichever process prepares patches."""
    return PatchSource(plan, reader, load_taxonomy())


def _join(plan: TrainingPlan) -> torch.device:
    """Join the other processes; each takes a GPU of its own, or CPU threads."""
    prepare_training(deterministic=plan.train.deterministic)
    device = resolve_device(plan.device)
    prepare_cpu(plan.threads)
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]) % torch.cuda.device_count())
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    dist.init_process_group(backend, timeout=timedelta(minutes=PATIENCE_MINUTES))
    return device


def _report(launcher: int, progress: TrainingProgress) -> None:
    """A line of JSON for whoever launched the run; ends a process that lost its launcher."""
    if os.getppid() != launcher:
        raise SystemExit("the launcher of this training is gone")
    if dist.get_rank() == 0:
        _say(progress.model_dump_json())


def _say(line: str) -> None:
    """A line for whoever launched the run; where nobody listens any more, there is no more to do.

    The process then ends as if all were well, since torchrun starts one that failed again.
    """
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        raise SystemExit(0) from None


if __name__ == "__main__":
    record(main, LastWords())()
