"""The marginal loss over random trees of structures and random states, against a plain sum."""

from __future__ import annotations

from dataclasses import dataclass

import hypothesis.strategies as st
import numpy as np
import torch
from hypothesis import given, settings
from torch import Tensor
from torch.nn import functional

from scalemai_core.learn.channels import Channels, LayerChannels
from scalemai_core.learn.loss.allowed import AllowedSets, allowed_sets
from scalemai_core.learn.loss.marginal import LossTerms, segmentation_loss
from scalemai_core.learn.loss.target import LayerTarget
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy

REAL = load_taxonomy()
NAMES = tuple(structure.name for structure in REAL.in_layer(Layer.ANATOMY)[:9])
SHAPE = (2, 3, 5)
ENTROPY = LossTerms(balance=0.0, dice_weight=0.0)


@dataclass(frozen=True)
class World:
    """A random tree, what is annotated in it, and what two patches know of it."""

    taxonomy: Taxonomy
    layer: LayerChannels
    unknown: tuple[frozenset[str], ...]
    labels: tuple[Tensor, ...]
    logits: Tensor

    @property
    def allowed(self) -> list[AllowedSets]:
        return [allowed_sets(self.layer, each, self.taxonomy) for each in self.unknown]

    @property
    def targets(self) -> list[list[LayerTarget]]:
        return [
            [LayerTarget.of(self.layer, allowed, labels)]
            for allowed, labels in zip(self.allowed, self.labels, strict=True)
        ]

    def entropy(self) -> Tensor:
        """Voxel by voxel, minus the log of the summed probabilities of what is allowed, among the
        channels that anything is known of."""
        terms: list[Tensor] = []
        num = self.layer.num_channels
        for logits, allowed, labels in zip(self.logits, self.allowed, self.labels, strict=True):
            seen = np.flatnonzero(~allowed.held)
            for z, value in zip(logits.flatten(1).double().T, labels.flatten(), strict=True):
                target = int(allowed.target[value])
                channels = [target] if target < num else allowed.sets[target - num].tolist()
                terms.append(torch.logsumexp(z[seen], 0) - torch.logsumexp(z[channels], 0))
        return torch.stack(terms).mean()


@st.composite
def worlds(draw: st.DrawFn, *, known: bool = False) -> World:
    parents = {
        name: draw(st.sampled_from([None, None, *NAMES[:index]]))
        for index, name in enumerate(NAMES)
    }
    structures = [
        each.model_copy(update={"parent": parents[each.name]}) if each.name in parents else each
        for each in REAL.structures
    ]
    taxonomy = Taxonomy(REAL.version, REAL.sources, structures)
    annotated = draw(st.sets(st.sampled_from(NAMES), min_size=1))
    layer = Channels.of(sorted(annotated), taxonomy).layers[0]
    some = st.just(frozenset[str]()) if known else st.frozensets(st.sampled_from(NAMES))
    unknown = (draw(some), draw(some))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    values = [0, *(layer.ids[1:] if known else (taxonomy[name].id for name in NAMES))]
    labels = tuple(torch.from_numpy(rng.choice(values, SHAPE).astype(np.uint8)) for _ in range(2))
    logits = rng.normal(size=(2, layer.num_channels, *SHAPE)) * draw(st.sampled_from([0.1, 2, 8]))
    return World(taxonomy, layer, unknown, labels, torch.from_numpy(logits).float())


def gradient_of(world: World, terms: LossTerms, dtype: torch.dtype = torch.float32) -> Tensor:
    logits = world.logits.to(dtype).requires_grad_()
    return torch.autograd.grad(segmentation_loss(logits, world.targets, terms), logits)[0]


@settings(deadline=None, max_examples=25)
@given(worlds())
def test_the_entropy_is_the_plain_sum_over_what_is_allowed(world: World) -> None:
    loss = segmentation_loss(world.logits, world.targets, ENTROPY)
    torch.testing.assert_close(loss.double(), world.entropy(), atol=1e-6, rtol=1e-6)


@settings(deadline=None, max_examples=25)
@given(worlds())
def test_unlabelled_structures_receive_exactly_zero(world: World) -> None:
    gradient = gradient_of(world, LossTerms())
    without_dice = gradient_of(world, LossTerms(dice_weight=0.0))
    for sample, unknown in enumerate(world.unknown):
        for channel, name in enumerate(world.layer.names, start=1):
            above = {each.name for each in world.taxonomy.ancestors(name)}
            if {name, *above} <= unknown:
                assert not gradient[sample, channel].any()
            elif name in unknown:  # its parent's mask says where it may be, but not how much of it
                same = torch.equal(gradient[sample, channel], without_dice[sample, channel])
                assert same


@settings(deadline=None, max_examples=25)
@given(worlds(known=True))
def test_with_all_known_it_is_plain_cross_entropy(world: World) -> None:
    logits = world.logits.requires_grad_()
    channels = np.searchsorted(world.layer.ids, torch.stack(world.labels).numpy())
    plain = functional.cross_entropy(logits, torch.from_numpy(channels))
    loss = segmentation_loss(logits, world.targets, ENTROPY)
    torch.testing.assert_close(loss, plain, atol=1e-6, rtol=1e-6)
    expected, own = (torch.autograd.grad(each, logits)[0] for each in (plain, loss))
    torch.testing.assert_close(own, expected, atol=1e-6, rtol=0)


@settings(deadline=None, max_examples=25)
@given(worlds(), st.booleans())
def test_compiled_loops_and_torch_operations_agree(world: World, half: bool) -> None:  # noqa: FBT001
    terms = LossTerms(lesion_recall=0.7)
    if half:
        world.logits.copy_(world.logits.bfloat16())
        own = gradient_of(world, terms, torch.bfloat16)
        expected = gradient_of(world, terms, torch.float64).bfloat16()
        assert own.dtype is torch.bfloat16
        torch.testing.assert_close(own, expected, atol=1e-5, rtol=2**-7)
    else:
        own, expected = gradient_of(world, terms), gradient_of(world, terms, torch.float64)
        torch.testing.assert_close(own.double(), expected, atol=1e-5, rtol=0)
