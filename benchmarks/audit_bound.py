"""Does the audit's bound hold? Simulated audits of automatic decisions whose truth is known.

    python benchmarks/audit_bound.py --seed 7 --audits 2000

Each audit draws a round: a number of automatic decisions, strata with error rates of their own, a
sample as the engine sizes and draws it. The 95 % bound must cover the true rate in at least 95 % of
audits; a bound wider than wanted does not count as proof, and is told apart.
"""

from __future__ import annotations

import argparse

import numpy as np
import polars as pl

from scalemai_core.judge.decisions.audit import audit, audit_size, draw_audit
from scalemai_core.measure.statistics import clopper_pearson
from scalemai_core.settings.judgement import DecideSettings

STRATA = ("impute", "replace", "set_absent", "touched")
SIZES = (50, 300, 2_000, 20_000)
"""Automatic decisions of a round: small workspaces to large ones."""


def main() -> None:
    """One row a size of round."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--audits", type=int, default=2_000)
    options = parser.parse_args()
    settings = DecideSettings()
    rng = np.random.default_rng(options.seed)
    print(f"seed {options.seed}, {options.audits} audits, wanted width {settings.audit_width:.3f}")
    print("| decisions | looked at | coverage | exact 95 % interval | mean width | as narrow |")
    print("|---|---|---|---|---|---|")
    covered_in_all = 0
    for size in SIZES:
        rows = [one_audit(size, settings, rng) for _ in range(options.audits // len(SIZES))]
        looked, covered, width = (np.array(column) for column in zip(*rows, strict=True))
        covered_in_all += int(covered.sum())
        _print(f"{size:,}", looked, covered, width, settings)
    interval = clopper_pearson(covered_in_all, options.audits // len(SIZES) * len(SIZES))
    print(
        f"all: {float(interval.estimate):.4f} covered, "
        f"{float(interval.low):.4f} to {float(interval.high):.4f}"
    )


def one_audit(
    decisions: int, settings: DecideSettings, rng: np.random.Generator
) -> tuple[int, bool, float]:
    """Masks looked at, whether the bound covers the true rate, and its width."""
    shares = rng.dirichlet(np.ones(len(STRATA)))
    rates = np.exp(rng.uniform(np.log(0.002), np.log(0.1), len(STRATA)))
    stratum = rng.choice(len(STRATA), decisions, p=shares)
    wrong = rng.random(decisions) < rates[stratum]
    changes = pl.DataFrame(
        {
            "scan_id": [f"{i:06d}" for i in range(decisions)],
            "structure": "liver",
            "stratum": np.array(STRATA)[stratum],
            "wrong": wrong,
        }
    )
    drawn = draw_audit(changes, audit_size(decisions, settings), int(rng.integers(2**31)))
    found = audit(int(drawn["wrong"].sum()), drawn.height, decisions)
    bound = found.upper_bound if found.upper_bound is not None else 1.0
    return drawn.height, bound >= float(wrong.mean()), found.width or 0.0


def _print(
    name: str,
    looked: np.ndarray,
    covered: np.ndarray,
    width: np.ndarray,
    settings: DecideSettings,
) -> None:
    interval = clopper_pearson(int(covered.sum()), len(covered))
    narrow = float((width <= 1.5 * settings.audit_width).mean())
    print(
        f"| {name} | {looked.mean():.0f} | {covered.mean():.4f} | "
        f"{float(interval.low):.4f} to {float(interval.high):.4f} | {width.mean():.4f} | "
        f"{narrow:.1%} |"
    )


if __name__ == "__main__":
    main()
