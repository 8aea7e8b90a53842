"""A scan's lesion candidates, found again whenever they are needed: the same voxels, every time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from scalemai_core.judge.lesions.anatomy import seen_anatomy
from scalemai_core.judge.lesions.candidates import ComponentsZYX, find_candidates
from scalemai_core.judge.lesions.detect import detections, known_sites
from scalemai_core.measure.detection.lesions import find_lesions
from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.detection import Detection
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.lesion import LesionCandidate
from scalemai_core.records.model import ModelDocument
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.lesion_odds import LesionOdds
from tasks.dataset import LabelledScan


@dataclass(frozen=True, slots=True)
class Candidates:
    """All that a model takes for lesions in a scan, on the model's own grid."""

    components_zyx: ComponentsZYX
    """Numbers of the candidates."""
    found: tuple[LesionCandidate, ...]


def find_in(
    case: LabelledScan,
    odds: LesionOdds,
    labels: Mapping[Layer, LabelsZYX],
    predicted: Mapping[Layer, LabelsZYX],
    settings: LesionSettings,
) -> Candidates:
    """Candidates near the organs that annotation or prediction shows."""
    anatomy_zyx = seen_anatomy(labels, predicted, odds.grid.shape_zyx)
    scan_id = case.scan.scan_id
    found = find_candidates(
        odds.codes_zyx, odds.types_zyx, anatomy_zyx, odds.grid, scan_id, settings
    )
    return Candidates(*found)


def stored_candidates(
    store: Workspace, case: LabelledScan, model: ModelDocument, settings: LesionSettings
) -> Candidates | None:
    """Those of the stored prediction; None where the model knows no lesions."""
    odds = store.predictions.read_lesions(model.key, case.scan.scan_id)
    if odds is None:
        return None
    predicted = predicted_anatomy(store, model, case.scan.scan_id)
    return find_in(case, odds, anatomy_labels(store, case), predicted, settings)


def compare(
    store: Workspace,
    case: LabelledScan,
    candidates: Candidates,
    predicted: Mapping[Layer, LabelsZYX],
    model: ModelDocument,
) -> tuple[Detection, ...]:
    """Candidates beside the lesions of gold, or of the present annotation."""
    grid, labels = case.scan.grid, case.labels(store)
    lesions = find_lesions(
        labels.get(Layer.LESIONS, np.zeros(grid.shape_zyx, dtype=np.uint8)),
        seen_anatomy(labels, predicted, grid.shape_zyx),
        grid,
        load_taxonomy(),
    )
    sites = known_sites(_states(case), model.channels.get(Layer.LESIONS, ()))
    found = (candidates.components_zyx, candidates.found)
    return tuple(detections(case.scan, sites, lesions, found))


def predicted_anatomy(
    store: Workspace, model: ModelDocument, scan_id: str
) -> dict[Layer, LabelsZYX]:
    """The stored prediction of the organs, for a model that knows any."""
    if Layer.ANATOMY not in model.channels:
        return {}
    return {Layer.ANATOMY: store.predictions.read(model.key, scan_id, Layer.ANATOMY)}


def anatomy_labels(store: Workspace, case: LabelledScan) -> dict[Layer, LabelsZYX]:
    """The annotated organs, where there are any."""
    name = case.label_maps.get(Layer.ANATOMY)
    return {} if name is None else {Layer.ANATOMY: store.labels.read(name)}


def _states(case: LabelledScan) -> dict[str, State]:
    """Of gold what is trusted; elsewhere nothing is, and every site is looked at."""
    if case.scan.gold is None:
        return dict.fromkeys(case.annotations, State.PRESENT)
    return {name: one.state for name, one in case.annotations.items() if one.origin is Origin.GOLD}
