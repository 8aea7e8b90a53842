"""Apply a round's decisions and verdicts to one scan: new label maps and annotations.

``volume/compose`` writes the voxels; this knows what an annotation says afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.decision import Action
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.store.versions.resolution import Resolution, Revision, resolve
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy
from scalemai_core.volume.change import Change, Strength, Trust
from scalemai_core.volume.compose import Touched, compose

INTACT = 0.8
"""Quality of a mask from which on nothing seems to be missing of it."""
TRUST = {Origin.HUMAN: Trust.REVIEWED, Origin.GOLD: Trust.TRUSTED}

Fields = dict[str, object]
"""What changes of an annotation."""


def revise_scan(store: Workspace, revision: Revision) -> list[Annotation]:
    """The scan's annotations after the round, all structures; label maps are written first."""
    taxonomy = load_taxonomy()
    revised: list[Annotation] = []
    for layer in Layer:
        names = [s.name for s in taxonomy.in_layer(layer)]
        before = [revision.annotations[name] for name in names if name in revision.annotations]
        revised += _revise_layer(store, revision, layer, before, taxonomy)
    return revised


def _revise_layer(
    store: Workspace,
    revision: Revision,
    layer: Layer,
    before: Sequence[Annotation],
    taxonomy: Taxonomy,
) -> list[Annotation]:
    resolutions = resolve(store, revision, layer, before)
    judged = {a.structure: _judged(a, resolutions.get(a.structure), revision) for a in before}
    changing = {name: r for name, r in resolutions.items() if r.changes_voxels}
    if not changing:
        return [a.model_copy(update=judged[a.structure]) for a in before]
    base_name = next((a.label_map for a in before if a.label_map), None)
    base_zyx = (
        store.labels.read(base_name)
        if base_name
        else np.zeros(revision.scan.grid.shape_zyx, dtype=np.uint8)
    )
    composed = compose(
        base_zyx,
        _changes(changing, taxonomy),
        taxonomy.unions,
        present=_heirs(revision, before, taxonomy),
        base_strength=_strengths(revision, before, base_zyx, taxonomy),
    )
    scan = revision.scan
    new_name = store.labels.write(composed.labels_zyx, scan.scan_id, layer, scan.grid)
    voxels = _voxels(composed.labels_zyx, taxonomy)
    for annotation in before:
        judged[annotation.structure] |= _moved(
            annotation,
            new_name,
            changing.get(annotation.structure),
            composed.touched.get(taxonomy[annotation.structure].id),
            present=bool(voxels[taxonomy[annotation.structure].id]),
            round_number=revision.round,
        )
    return [a.model_copy(update=judged[a.structure]) for a in before]


def _judged(annotation: Annotation, resolution: Resolution | None, revision: Revision) -> Fields:
    """By what was found of the mask it has.

    A reader who keeps a mask vouches for it. Else on hold means weight 0, and any other decision
    lifts it to the quality that was found. What a person or a trusted source vouches for is not
    weighed again.
    """
    if resolution is not None and not resolution.changes_voxels:
        return _told(resolution) | {"weight": 1.0, "round": revision.round}
    decided = revision.decisions.get(annotation.structure)
    if decided is None or annotation.origin in TRUST:
        return {}
    known = annotation.state is not State.UNKNOWN
    quality = decided.quality if known else None
    held = decided.unanswered is Action.HOLD and annotation.structure not in revision.verdicts
    if held:
        reason = f"on hold: {decided.reason}"
        return {"weight": 0.0, "reason": reason, "quality": quality}
    return {"weight": 1.0 if quality is None else quality, "quality": quality}


def _moved(
    annotation: Annotation,
    label_map: str,
    resolution: Resolution | None,
    touched: Touched | None,
    *,
    present: bool,
    round_number: int,
) -> Fields:
    """By the layer's new label map."""
    moved: Fields = {"label_map": label_map}
    if resolution is not None:
        state = State.PRESENT if present else State.ABSENT
        moved |= _told(resolution) | {"state": state, "weight": resolution.quality}
    elif touched is not None and annotation.state is not State.UNKNOWN:
        moved |= {
            "state": State.PRESENT if present else annotation.state,
            "reason": "voxels won or lost to a neighbour that changed",
        }
    if len(moved) > 1:
        moved |= {
            "round": round_number,
            "revision": annotation.revision + 1,
            "previous_label_map": annotation.label_map,
        }
    return moved


def _told(resolution: Resolution) -> Fields:
    """On whose word, and why."""
    return {
        "origin": resolution.origin,
        "origin_name": resolution.origin_name,
        "quality": resolution.quality,
        "reason": resolution.reason,
    }


def _heirs(revision: Revision, before: Sequence[Annotation], taxonomy: Taxonomy) -> set[int]:
    """Who may inherit the voxels that a fault had taken.

    A structure whose agreement is as usual has lost none: what a change leaves beside it was never
    its own.
    """
    return {
        taxonomy[annotation.structure].id
        for annotation in before
        if annotation.state is State.PRESENT
        and (decided := revision.decisions.get(annotation.structure)) is not None
        and decided.quality < INTACT
    }


def _changes(changing: Mapping[str, Resolution], taxonomy: Taxonomy) -> list[Change]:
    """A voxel is worth more to a small mask than to a large one, and more to a good one."""
    maps = {id(r.source_zyx): r.source_zyx for r in changing.values() if r.source_zyx is not None}
    voxels = {key: _voxels(labels_zyx, taxonomy) for key, labels_zyx in maps.items()}
    changes: list[Change] = []
    for name, r in changing.items():
        structure, source_zyx = taxonomy[name].id, None if r.absent else r.source_zyx
        size = 1 if source_zyx is None else voxels[id(source_zyx)][structure]
        changes.append(Change(structure, source_zyx, r.trust, r.quality / max(size, 1)))
    return changes


def _strengths(
    revision: Revision, before: Sequence[Annotation], base_zyx: LabelsZYX, taxonomy: Taxonomy
) -> dict[int, Strength]:
    voxels = _voxels(base_zyx, taxonomy)
    strengths: dict[int, Strength] = {}
    for annotation in before:
        structure = taxonomy[annotation.structure].id
        decided = revision.decisions.get(annotation.structure)
        quality = decided.quality if decided else 0.5
        trust = TRUST.get(annotation.origin, Trust.AUTOMATIC)
        strengths[structure] = (trust, quality / max(voxels[structure], 1))
    return strengths


def _voxels(labels_zyx: LabelsZYX, taxonomy: Taxonomy) -> NDArray[np.int64]:
    """Voxels by structure id, those of parts included."""
    counts = np.bincount(labels_zyx.ravel(), minlength=256)[: len(taxonomy.unions)]
    return np.asarray(taxonomy.unions @ counts, dtype=np.int64)
