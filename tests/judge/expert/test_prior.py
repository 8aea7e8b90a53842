"""Prior odds of faults: learned from the masks at hand and from answers, shrunk where few."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalemai_core.judge.expert.prior import fault_priors, shifted


def masks(
    source: str, structure: str, good: np.ndarray, seed: int, seen: float = 0.0
) -> pl.DataFrame:
    """Masks with a calibrated quality at equal shares of good and faulty ones."""
    rng = np.random.default_rng(seed)
    score = rng.normal(np.where(good, 1.0, -1.0), 1.0)
    quality = 1 / (1 + np.exp(-2 * score))
    looked = rng.random(len(good)) < seen
    faulty = [bool(not one) if see else None for one, see in zip(good, looked, strict=True)]
    return pl.DataFrame(
        {
            "source": source,
            "kind": "organ",
            "structure": structure,
            "quality": quality,
            "faulty": pl.Series(faulty, dtype=pl.Boolean),
        }
    )


@pytest.mark.parametrize("share", [0.05, 0.3, 0.6])
def test_the_share_of_faulty_masks_is_found_without_an_answer(share: float) -> None:
    rng = np.random.default_rng(1)
    table = masks("lab", "liver", rng.random(4000) > share, seed=2)
    prior = fault_priors(table, practised_good=0.5, strength=20.0)
    assert prior.mean() == pytest.approx(share, abs=0.05)


def test_sources_and_structures_are_told_apart() -> None:
    rng = np.random.default_rng(1)
    careless = masks("careless", "liver", rng.random(1500) > 0.6, seed=2)
    careful = masks("careful", "liver", rng.random(1500) > 0.1, seed=3)
    prior = fault_priors(pl.concat([careless, careful]), practised_good=0.5, strength=20.0)
    assert prior[:1500].mean() > 0.5 > 0.2 > prior[1500:].mean()


def test_a_structure_with_few_masks_leans_on_its_family() -> None:
    rng = np.random.default_rng(1)
    many = masks("lab", "liver", rng.random(2000) > 0.5, seed=2)
    few = masks("lab", "spleen", np.ones(2, dtype=bool), seed=3)
    prior = fault_priors(pl.concat([many, few]), practised_good=0.5, strength=50.0)
    assert prior[-1] > 0.35


def test_answers_outweigh_what_was_believed() -> None:
    good = np.zeros(300, dtype=bool)
    table = masks("lab", "liver", good, seed=2, seen=1.0)
    prior = fault_priors(table.with_columns(quality=pl.lit(0.99)), practised_good=0.5, strength=5.0)
    assert prior.min() > 0.9


def test_masks_of_an_unknown_source_are_a_group_of_their_own() -> None:
    rng = np.random.default_rng(4)
    lost = masks("lab", "liver", rng.random(300) > 0.6, seed=5)
    lab = masks("lab", "liver", rng.random(300) > 0.05, seed=6)
    nobody = lost.with_columns(source=pl.lit(None, dtype=pl.String))
    named = lost.with_columns(source=pl.lit("elsewhere"))
    prior = fault_priors(pl.concat([nobody, lab]), practised_good=0.5, strength=20.0)
    assert prior == pytest.approx(fault_priors(pl.concat([named, lab]), 0.5, 20.0))
    assert prior[:300].min() > prior[300:].max()


@given(quality=st.floats(0.001, 0.999), practised=st.floats(0.05, 0.95))
def test_under_the_share_it_practised_on_nothing_shifts(quality: float, practised: float) -> None:
    found = shifted(np.array([quality]), practised, np.array([1.0 - practised]))
    assert found[0] == pytest.approx(quality, rel=1e-6)


def test_more_faults_make_every_mask_less_likely_good() -> None:
    quality = np.linspace(0.05, 0.95, 9)
    calm, alarmed = (shifted(quality, 0.5, np.full(9, prior)) for prior in (0.05, 0.6))
    assert (calm > alarmed).all()
    assert (np.diff(calm) > 0).all()
    assert len(fault_priors(masks("a", "b", np.zeros(0, dtype=bool), 1), 0.5, 5.0)) == 0
