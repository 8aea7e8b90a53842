"""Masks that stand in for a truth where there is no gold: they agree with a model that never
learned from them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from scalemai_core.judge.expert.population import usual_by_structure
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Candidate
from scalemai_core.settings.judgement import ExpertSettings


def agreeing_masks(
    judgements: Iterable[pl.DataFrame], settings: ExpertSettings, seed: int
) -> pl.DataFrame:
    """Scan and structure of masks that agree as is usual for the structure, without a finding.

    Most masks are right, and two independent witnesses rarely make the same mistake (method
    reference, section 1.4). Where models are poor, what is usual is poor agreement: without such
    masks the expert would learn that whatever differs from a prediction is wrong. At most
    ``settings.stand_ins`` scans, drawn at random.
    """
    usual = usual_by_structure(judgements).select("structure", "usual_dice", "spread_dice")
    agreeing = pl.concat([_agreeing(block, usual) for block in judgements])
    scans = agreeing["scan_id"].unique().sort().to_numpy()
    rng = np.random.default_rng(seed)
    drawn = rng.permutation(scans)[: settings.stand_ins].tolist()
    return agreeing.filter(pl.col("scan_id").is_in(drawn)).sort("scan_id", "structure")


def _agreeing(judgements: pl.DataFrame, usual: pl.DataFrame) -> pl.DataFrame:
    return (
        judgements.join(usual, on="structure")
        .filter(
            (pl.col("candidate") == Candidate.CURRENT.value)
            & (pl.col("state") == State.PRESENT.value)
            & pl.col("gold").is_null()
            & (pl.col("dice") >= pl.col("usual_dice") - pl.col("spread_dice"))
            & (pl.col("faults_current") + pl.col("doubts_current") == 0)
        )
        .select("scan_id", "structure")
    )
