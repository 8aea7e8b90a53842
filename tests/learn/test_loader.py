"""Batches: the same patches from a thread and from processes, for any rank, from any step on."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from memory import TAXONOMY, MemoryVolumes, add_case, make_plan

from scalemai_core.learn.feed.loader import Share, batches
from scalemai_core.learn.feed.patches import Patch, PatchSource
from scalemai_core.settings.learning import InputSettings, TrainSettings


def open_source() -> PatchSource:
    volumes = MemoryVolumes()
    plan = make_plan(
        [add_case(volumes, seed) for seed in range(3)],
        input=InputSettings(spacing_mm=4.0, patch_zyx=(8, 8, 8)),
        train=TrainSettings(steps=8, batch=4, augment=True),
    )
    return PatchSource(plan, volumes, TAXONOMY)


def breaks() -> PatchSource:
    raise ValueError("no such workspace")


def equal(one: Patch, other: Patch) -> bool:
    return (
        one.scan_id == other.scan_id
        and np.array_equal(one.image_zyx, other.image_zyx)
        and all(np.array_equal(one.labels[layer], other.labels[layer]) for layer in one.labels)
    )


def test_ranks_share_every_batch_between_them() -> None:
    shares = [Share(batch=4, rank=rank, world=2) for rank in (0, 1)]
    assert [list(share.samples(3)) for share in shares] == [[12, 14], [13, 15]]


@pytest.mark.parametrize("workers", [0, 2])
def test_batches_are_the_patches_of_their_samples(workers: int) -> None:
    source, share = open_source(), Share(batch=4, rank=1, world=2)
    found = list(batches(open_source, share, range(3, 8), workers))
    assert len(found) == 5
    for number, patches in zip(range(3, 8), found, strict=True):
        expected = [source.patch(index) for index in share.samples(number)]
        assert all(map(equal, patches, expected))
        assert all(isinstance(patch.image_zyx, np.ndarray) for patch in patches)
        assert all(patch.labels.keys() == patch.allowed.keys() for patch in patches)


@pytest.mark.parametrize("workers", [0, 1])
def test_no_batches_need_no_source(workers: int) -> None:
    assert list(batches(breaks, Share(batch=2), range(0), workers)) == []


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_the_source_reaches_the_trainer(workers: int) -> None:
    with pytest.raises(ValueError, match="no such workspace"):
        next(batches(breaks, Share(batch=2), range(2), workers))


def test_leaving_early_leaves_nothing_behind() -> None:
    running = batches(partial(open_source), Share(batch=2), range(8), 0)
    assert len(next(running)) == 2
    running.close()  # pyright: ignore[reportAttributeAccessIssue] - a generator
