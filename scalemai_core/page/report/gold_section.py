"""What the page says of gold: the section's words, and a row a structure for its table."""

from __future__ import annotations

import polars as pl
from markupsafe import Markup

from scalemai_core.judge.decisions.promote import ENDPOINTS
from scalemai_core.page.report.gold import MAX_ROWS, draw_gold
from scalemai_core.page.report.warning import sentence
from scalemai_core.records.gold import GoldScore

_COLUMNS = ("dice", "champion_dice", "nsd")


def gold_section(score: GoldScore | None, margin: float) -> dict[str, object]:
    """What ``gold.html`` shows beside the score itself; ``margin`` is what a structure may lose."""
    return {
        "gold_chart": Markup("" if score is None else draw_gold(score, margin)),
        "num_gold": 0 if score is None else len(score.structures),
        "max_rows": MAX_ROWS,
        "margin": margin,
        "endpoint": "" if score is None else sentence(ENDPOINTS[score.endpoint]).rstrip("."),
    }


def gold_rows(score: GoldScore | None) -> pl.DataFrame:
    """Dice of both models and surface Dice of the new one, by structure."""
    rows = [
        (
            one.structure,
            one.dice.new.value,
            one.dice.champion.value if one.dice.champion else None,
            one.nsd.new.value,
        )
        for one in (score.structures if score else ())
    ]
    schema = {"structure": pl.String} | dict.fromkeys(_COLUMNS, pl.Float64)
    return pl.DataFrame(rows, schema=schema, orient="row")
