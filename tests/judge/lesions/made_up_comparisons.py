"""Comparisons of candidates with lesions of which only what matters is said."""

from __future__ import annotations

from typing import Any

from made_up_candidates import candidate

from scalemai_core.judge.lesions.settle import Words
from scalemai_core.records.detection import Detection, DetectionKind
from scalemai_core.records.grid import Grid
from scalemai_core.records.lesion import Lesion, LesionCandidate
from scalemai_core.records.said import Said
from scalemai_core.records.scan import GoldRole, Scan
from scalemai_core.records.statement import Presence

UNIT = Grid(shape_zyx=(8, 12, 20), affine=((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1)))


def made_scan(name: str = "scan", gold: GoldRole | None = None, grid: Grid = UNIT) -> Scan:
    return Scan(
        scan_id=name,
        patient=f"patient of {name}",
        case=name,
        source="hospital",
        grid=grid,
        source_axes="RAS",
        source_affine=grid.affine,
        fold=0,
        gold=gold,
    )


def lesion(structure: str, number: int = 1, **numbers: Any) -> Lesion:
    """As large as a made-up candidate, and in the same place."""
    like = candidate("like", structure, 0.5, number=number, **numbers)
    return Lesion(**like.model_dump(include=set(Lesion.model_fields)))


def row(
    kind: DetectionKind,
    one: LesionCandidate | None = None,
    *,
    of: Lesion | None = None,
    scan: str = "scan",
    gold: GoldRole | None = None,
    site: str = "liver",
) -> Detection:
    return Detection(
        scan_id=scan,
        patient=f"patient of {scan}",
        gold=gold,
        site=site,
        kind=kind,
        candidate=None if one is None else one.model_copy(update={"scan_id": scan}),
        lesion=of,
    )


def denied(structure: str, organ: str, **more: Any) -> Said:
    said = Said(
        structure=structure,
        organ=organ,
        presence=Presence.ABSENT,
        explicit=True,
        may_delete=True,
        sentences=(f"No {structure}.",),
    )
    return said.model_copy(update=more)


def named(structure: str, organ: str, **more: Any) -> Said:
    said = Said(
        structure=structure,
        organ=organ,
        presence=Presence.PRESENT,
        sentences=(f"A {structure}.",),
        count=1,
    )
    return said.model_copy(update=more)


def words(*said: Said) -> Words:
    return {(one.structure, one.organ): one for one in said}
