"""A scan's lesion candidates, found again whenever they are needed: the same voxels, every time."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.judge.lesions.anatomy import seen_anatomy
from scalemai_core.judge.lesions.candidates import ComponentsZYX, find_candidates
from scalemai_core.judge.lesions.detect import detections, known_sites
from scalemai_core.measure.detection.lesions import find_lesions
from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.detection import Detection
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.lesion import Lesion, LesionCandidate
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


def compare_stored(
    store: Workspace, case: LabelledScan, model: ModelDocument, settings: LesionSettings
) -> tuple[Detection, ...]:
    """Stored candidates beside the lesions of gold, or of the present annotation; nothing where the
    model knows no lesions."""
    odds = store.predictions.read_lesions(model.key, case.scan.scan_id)
    if odds is None:
        return ()
    labels = lesion_labels(store, case)
    predicted = predicted_anatomy(store, model, case.scan.scan_id)
    return compare(case, find_in(case, odds, labels, predicted, settings), labels, predicted, model)


def compare(
    case: LabelledScan,
    candidates: Candidates,
    labels: Mapping[Layer, LabelsZYX],
    predicted: Mapping[Layer, LabelsZYX],
    model: ModelDocument,
) -> tuple[Detection, ...]:
    """Candidates beside the lesions of ``labels``: gold's, or those of the present annotation."""
    lesions = _labelled_lesions(labels, predicted, case.scan.grid)
    sites = known_sites(_states(case), model.channels.get(Layer.LESIONS, ()))
    found = (candidates.components_zyx, candidates.found)
    return tuple(detections(case.scan, sites, lesions, found))


def _labelled_lesions(
    labels: Mapping[Layer, LabelsZYX], predicted: Mapping[Layer, LabelsZYX], grid: Grid
) -> tuple[NDArray[np.uint32], tuple[Lesion, ...]]:
    """Lesions of ``labels`` by number; the organs are looked at only where there are any."""
    lesions_zyx = labels.get(Layer.LESIONS)
    if lesions_zyx is None or not lesions_zyx.any():
        return np.zeros(grid.shape_zyx, dtype=np.uint32), ()
    anatomy_zyx = seen_anatomy(labels, predicted, grid.shape_zyx)
    return find_lesions(lesions_zyx, anatomy_zyx, grid, load_taxonomy())


def predicted_anatomy(
    store: Workspace, model: ModelDocument, scan_id: str
) -> dict[Layer, LabelsZYX]:
    """The stored prediction of the organs, for a model that knows any."""
    if Layer.ANATOMY not in model.channels:
        return {}
    return {Layer.ANATOMY: store.predictions.read(model.key, scan_id, Layer.ANATOMY)}


def anatomy_labels(store: Workspace, case: LabelledScan) -> dict[Layer, LabelsZYX]:
    """The annotated organs, where there are any."""
    return _labels(store, case, (Layer.ANATOMY,))


def lesion_labels(store: Workspace, case: LabelledScan) -> dict[Layer, LabelsZYX]:
    """The annotated organs and lesions, where there are any."""
    return _labels(store, case, (Layer.ANATOMY, Layer.LESIONS))


def _labels(
    store: Workspace, case: LabelledScan, layers: Collection[Layer]
) -> dict[Layer, LabelsZYX]:
    maps = case.label_maps
    return {layer: store.labels.read(maps[layer]) for layer in layers if layer in maps}


def _states(case: LabelledScan) -> dict[str, State]:
    """Of gold what is trusted; elsewhere nothing is, and every site is looked at."""
    if case.scan.gold is None:
        return dict.fromkeys(case.states, State.PRESENT)
    origins = case.told("structure", "origin")
    return {name: case.states[name] for name, origin in origins if origin == Origin.GOLD}
