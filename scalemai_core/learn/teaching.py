"""Which scans teach, and what each of their masks is worth; imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.label_map import Layer
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.scan import Scan
from scalemai_core.records.training import TrainingCase
from scalemai_core.synthesize.tumour.draw import drawable
from scalemai_core.synthesize.tumour.sites import SITES
from scalemai_core.taxonomy.taxonomy import Taxonomy

MACHINE_MADE = (Origin.MODEL.value, Origin.RULE.value, Origin.REPORT.value)

COLUMNS = ("scan_id", "structure", "state", "label_map", "origin", "weight", "round")
"""Of annotations: all that says what they teach."""


def training_cases(
    scans: Sequence[Scan], annotations: pl.DataFrame, plan: RoundPlan, taxonomy: Taxonomy
) -> tuple[TrainingCase, ...]:
    """The scans with at least one mask that may teach, gold left out.

    ``annotations`` have the columns of ``COLUMNS``.
    """
    by_scan = annotations.sort("scan_id", "structure").partition_by("scan_id", as_dict=True)
    tumours = drawable(plan.settings.tumours) if plan.settings.train.mix.synthetic else ()
    cases: list[TrainingCase] = []
    for scan in sorted(scans, key=lambda scan: scan.scan_id):
        rows = by_scan.get((scan.scan_id,))
        if scan.gold is None and rows is not None:
            case = _case(scan, rows, plan.number, tumours, taxonomy)
            cases += [] if case is None else [case]
    return tuple(cases)


def _case(
    scan: Scan,
    rows: pl.DataFrame,
    round_number: int,
    tumours: Sequence[str],
    taxonomy: Taxonomy,
) -> TrainingCase | None:
    """None where no mask with voxels may teach."""
    silent = _silent(rows, taxonomy)
    heard = rows.filter(~silent)
    teaching = heard.filter(pl.col("state") == State.PRESENT.value)
    if not teaching.height:
        return None
    judged = (pl.col("origin") == Origin.HUMAN.value) & (pl.col("round") == round_number)
    reviewed = teaching.filter(judged)["structure"]
    pseudo = teaching.filter(pl.col("origin").is_in(MACHINE_MADE))["structure"]
    maps = dict(rows.select("structure", "label_map").iter_rows())
    return TrainingCase(
        scan_id=scan.scan_id,
        patient=scan.patient,
        grid=scan.grid,
        label_maps={
            layer: next((maps[s.name] for s in taxonomy.in_layer(layer) if maps.get(s.name)), None)
            for layer in Layer
        },
        unknown=tuple(rows.filter(silent)["structure"]),
        weights=dict(
            heard.filter(pl.col("weight") < 1.0).select("structure", "weight").iter_rows()
        ),
        trusted=len(reviewed) + len(pseudo) < teaching.height,
        reviewed=tuple(reviewed),
        pseudo=tuple(pseudo),
        tumours=_tumours(tumours, set(heard["structure"]), set(teaching["structure"])),
    )


def _silent(rows: pl.DataFrame, taxonomy: Taxonomy) -> pl.Expr:
    """What says nothing: what is unknown or on hold, and the wholes of what is on hold.

    A whole is made of its parts' voxels and has no decision of its own. Were it taken for known, a
    part on hold would be taught to be absent where it is drawn.
    """
    unknown, unheard = pl.col("state") == State.UNKNOWN.value, pl.col("weight") == 0
    on_hold = rows.filter(~unknown & unheard)["structure"].to_list()
    wholes = {whole.name for name in on_hold for whole in taxonomy.ancestors(name)}
    return unknown | unheard | pl.col("structure").is_in(sorted(wholes))


def _tumours(drawn: Sequence[str], known: set[str], present: set[str]) -> tuple[str, ...]:
    """Lesions that are known, absence included, and one of whose organs is there."""
    return tuple(name for name in drawn if name in known and not present.isdisjoint(SITES[name]))
