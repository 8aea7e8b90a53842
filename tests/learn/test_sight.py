"""What compiled loops see in a tile of logits, against the whole softmax in double precision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from memory import TAXONOMY
from numpy.typing import NDArray

from scalemai_core.learn.channels import Channels
from scalemai_core.learn.predict import borders, upsample, witness
from scalemai_core.learn.predict.borders import Borders
from scalemai_core.learn.predict.readout import Labels, Readout, Seen
from scalemai_core.learn.predict.sight import Members, Sight, best_channels
from scalemai_core.learn.predict.sums import Block
from scalemai_core.learn.predict.threads import in_threads, summed
from scalemai_core.records.evidence import Evidence
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer

NAMES = ["liver", "spleen", "stomach", "pancreas_head", "pancreas_body", "pancreas_tail"]
CHANNELS = Channels.of(NAMES, TAXONOMY)
SHAPES = st.tuples(st.integers(1, 9), st.integers(1, 4), st.integers(1, 12), st.integers(1, 70))
FLAVOURS = st.sampled_from(["noise", "ties", "empty", "certain"])


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def logits_of(shape: Sequence[int], flavour: str, seed: int) -> torch.Tensor:
    """(channels, z, y, x), not contiguous where there is room for it."""
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 3, (shape[0], shape[1], shape[2] + 1, shape[3])).astype(np.float32)
    if flavour == "ties":
        values = np.round(values / 4)
    if flavour == "certain":
        values *= 30
    if flavour == "empty":
        values[0, :, ::2] = 40.0
    return torch.from_numpy(values)[:, :, 1:]


def softmax(logits: torch.Tensor) -> NDArray[np.float64]:
    return logits.double().softmax(dim=0).numpy()


def entropy(p: NDArray[np.float64]) -> NDArray[np.float64]:
    return -(p * np.log(np.where(p > 0, p, 1))).sum(axis=0)


def noted_of(shape: Sequence[int], seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed + 1)
    return (rng.random(shape[1:]) < rng.choice([0, 0.02, 0.5])).astype(np.uint8) * np.uint8(7)


@settings(max_examples=60, deadline=None)
@given(shape=SHAPES, flavour=FLAVOURS, seed=st.integers(0, 1 << 20))
def test_a_sight_is_the_softmax_measured(
    shape: tuple[int, int, int, int], flavour: str, seed: int
) -> None:
    logits, noted = logits_of(shape, flavour, seed), noted_of(shape, seed)
    p, sight = softmax(logits), Sight.of(logits, noted)
    channel = logits.numpy().argmax(axis=0)
    np.testing.assert_array_equal(sight.channel, channel)
    np.testing.assert_array_equal(best_channels(logits), channel)
    seen = (noted > 0) | (channel > 0)
    np.testing.assert_allclose(sight.log_best[seen], np.log(p.max(axis=0))[seen], atol=1e-6)
    np.testing.assert_allclose(sight.entropy[seen], entropy(p)[seen], rtol=2e-5, atol=2e-6)


@settings(max_examples=60, deadline=None)
@given(shape=SHAPES, flavour=FLAVOURS, seed=st.integers(0, 1 << 20))
def test_a_code_is_as_probable_as_its_channels_together(
    shape: tuple[int, int, int, int], flavour: str, seed: int
) -> None:
    logits, rng = logits_of(shape, flavour, seed), np.random.default_rng(seed)
    whole = rng.permutation(shape[0])[: rng.integers(1, shape[0] + 1)].tolist()
    groups = [*([channel] for channel in range(shape[0])), whole]
    members = Members.of(groups)
    codes = rng.integers(0, len(groups), shape[1:]).astype(np.uint8)
    sight = Sight.of(logits, codes)
    p = softmax(logits)
    by_code = np.stack([p[group].sum(axis=0) for group in groups])
    expected = np.take_along_axis(by_code, codes[None].astype(int), axis=0)[0].ravel()
    stated = codes.ravel() > 0
    for found in (sight.log_of(codes.ravel(), members), sight.log_by_torch(codes.ravel(), members)):
        assert not found[~stated].any()
        np.testing.assert_allclose(np.exp(found[stated]), expected[stated], rtol=5e-5, atol=1e-30)


@pytest.mark.parametrize("flavour", ["noise", "ties", "empty", "certain"])
def test_the_way_over_torch_sees_the_same(flavour: str) -> None:
    logits = logits_of((7, 3, 5, 40), flavour, seed=3)
    noted = np.ones(logits.shape[1:], np.uint8)
    one, other = Sight.of(logits, noted), Sight.by_torch(logits)
    np.testing.assert_array_equal(one.channel, other.channel)
    np.testing.assert_allclose(one.log_best, other.log_best, atol=1e-6)
    np.testing.assert_allclose(one.entropy, other.entropy, rtol=2e-5, atol=2e-6)


def test_large_tiles_are_seen_alike_by_any_number_of_threads(threads: int) -> None:
    logits = logits_of((5, 1, 260, 301), "noise", seed=threads)
    sight = Sight.of(logits, np.zeros(logits.shape[1:], np.uint8))
    p = softmax(logits)
    seen = sight.channel > 0
    np.testing.assert_array_equal(sight.channel, p.argmax(axis=0))
    np.testing.assert_allclose(sight.log_best[seen], np.log(p.max(axis=0))[seen], atol=1e-6)
    np.testing.assert_allclose(sight.entropy[seen], entropy(p)[seen], rtol=2e-5, atol=2e-6)


def test_a_channel_ruled_out_takes_no_part() -> None:
    logits = logits_of((4, 1, 3, 9), "noise", seed=0).clone()
    logits[2] = -torch.inf
    sight = Sight.of(logits, np.ones((1, 3, 9), np.uint8))
    np.testing.assert_allclose(sight.entropy, entropy(softmax(logits)), rtol=2e-5)


def test_every_row_has_one_thread(threads: int) -> None:
    for num in (0, 1, 2, 10, 100):
        for least in (1, 4, 30):
            done = np.zeros(num, int)

            def work(part: slice, done: NDArray[np.int_] = done) -> None:
                done[part] += 1

            in_threads(work, num, least)
            assert (done == 1).all()


def test_sums_are_rounded_alike_by_any_number_of_threads(threads: int) -> None:
    values = np.random.default_rng(0).normal(0, 1e6, 1001)

    def add(part: slice, sums: NDArray[np.float64]) -> None:
        sums[0] += values[part].sum()

    parts = [values[first : first + 64].sum() for first in range(0, 1001, 64)]
    assert summed(add, 1001, 64, (1,))[0] == np.array(parts)[:, None].sum(axis=0)[0]
    assert summed(add, 0, 64, (1,))[0] == 0


@settings(max_examples=40, deadline=None)
@given(
    splits=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    width=st.integers(1, 9),
    at_once=st.sampled_from([1, 5, 1000]),
    flavour=FLAVOURS,
    seed=st.integers(0, 1 << 20),
)
def test_borders_are_those_of_whole_slices(
    splits: list[int], width: int, at_once: int, flavour: str, seed: int
) -> None:
    layer, height = CHANNELS.layers[0], sum(splits)
    logits = logits_of((layer.num_channels, 3, height, width), flavour, seed)
    noted = np.zeros(logits.shape[1:], np.uint8)
    found = Borders(layer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(borders, "AT_ONCE", at_once)
        for z in (slice(0, 2), slice(2, 3)):
            ends = np.cumsum(splits).tolist()
            for y in map(slice, [0, *ends], ends):
                found.add(z.start, y.start, Sight.of(logits[:, z, y], noted[z, y]))
            found.forget()
    channel, best = logits.numpy().argmax(axis=0), softmax(logits).max(axis=0)
    padded = np.pad(channel, ((0, 0), (1, 1), (1, 1)), mode="edge")
    shifted = [padded[:, :-2, 1:-1], padded[:, 2:, 1:-1], padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]]
    border = np.any([channel != each for each in shifted], axis=0)
    for means, chosen in ((found.inside(), channel >= 0), (found.along(), border)):
        expected = {
            name: best[own].mean()
            for number, name in enumerate(layer.names, start=1)
            if (own := (channel == number) & chosen).any()
        }
        assert means == pytest.approx(expected, rel=1e-5)


def read_out(few: int, at_once: int) -> tuple[list[Labels], Seen]:
    """A scan and two annotations, its slices together as far as ``few`` voxels go."""
    inner, native = (6, 7, 8), (9, 11, 12)
    rng = np.random.default_rng(5)
    logits = torch.from_numpy(rng.normal(0, 3, (CHANNELS.num_channels, *inner))).float()
    wholes = [TAXONOMY[name].id for name in ("pancreas", "liver")]
    first = {Layer.ANATOMY: rng.choice(np.array([0, 0, *wholes], np.uint8), native)}
    other = {Layer.VESSELS: np.zeros(native, np.uint8)}
    ids = [{Layer.ANATOMY: np.unique(first[Layer.ANATOMY]).astype(np.intp)}, {}]
    parts: list[Labels] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(upsample, "FEW", few)
        patch.setattr(borders, "AT_ONCE", at_once)
        patch.setattr(witness, "AT_ONCE", at_once)
        readout = Readout(CHANNELS, native, Grid.of(inner, np.eye(4)), parts.append, ids)
        for z in (slice(0, 4), slice(4, 6)):
            start, stop = readout.complete(z.start, z.stop)
            own = [
                {layer: labels[start:stop] for layer, labels in one.items()}
                for one in (first, other)
            ]
            readout.begin(start, stop, own)
            for y in (slice(0, 1), slice(1, 5), slice(5, 7)):
                block = logits[:, z, y]
                readout.add(Block(z.start, y.start, block, torch.ones(block.shape[1:])))
    return parts, readout.seen()


@pytest.mark.parametrize(("few", "at_once"), [(2 * 132, 1000), (5 * 132, 50), (1 << 14, 7)])
def test_slices_that_go_together_say_what_each_of_them_says(few: int, at_once: int) -> None:
    (parts, seen), (single, alone) = read_out(few, at_once), read_out(1, 1 << 14)
    for one, other in zip(parts, single, strict=True):
        np.testing.assert_array_equal(one[Layer.ANATOMY], other[Layer.ANATOMY])
    assert sum(len(part[Layer.ANATOMY]) for part in parts) == 9
    for one, other in zip(seen.evidence, alone.evidence, strict=True):
        assert one.keys() == other.keys()
        for name, evidence in one.items():
            assert numbers(evidence) == pytest.approx(numbers(other[name]), rel=1e-9)


def numbers(evidence: Evidence) -> dict[str, float]:
    return {name: value for name, value in evidence if value is not None}
