"""What an annotation becomes: from which label map, on whose word, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scalemai_core.records.annotation import Annotation, Origin
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.review import Verdict
from scalemai_core.records.scan import Scan
from scalemai_core.store.workspace import Workspace
from scalemai_core.volume.change import Trust

AUTOMATIC = frozenset({Action.REPLACE, Action.IMPUTE, Action.SET_ABSENT})
"""Decisions that change a mask without a person."""

ORIGINS = {
    Candidate.PREDICTION: Origin.MODEL,
    Candidate.REPAIRED: Origin.RULE,
    Candidate.REPORTED: Origin.REPORT,
}
"""Who makes a candidate's mask; an earlier one was a source's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One row of the decision table's outcome."""

    action: Action
    otherwise: Action
    """What happens where a question stays unanswered."""
    candidate: Candidate
    label_map: str | None
    """The layer that holds the candidate's mask; None for the current one and the prediction."""
    reason: str
    quality: float
    """Quality of the mask that the decision leaves."""

    @property
    def unanswered(self) -> Action:
        """What happens to it without a person."""
        return self.otherwise if self.action is Action.REVIEW else self.action


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What an annotation becomes: from which label map, on whose word, and why."""

    source_zyx: LabelsZYX | None
    """Candidate's layer; None keeps the present mask unless ``absent``."""
    absent: bool
    origin: Origin
    origin_name: str
    trust: Trust
    quality: float
    reason: str

    @property
    def changes_voxels(self) -> bool:
        """Whether a mask is taken from elsewhere."""
        return self.absent or self.source_zyx is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """Everything needed to revise one scan."""

    scan: Scan
    annotations: Mapping[str, Annotation]
    decisions: Mapping[str, Decided]
    verdicts: Mapping[str, Verdict]
    model: str
    """Key of the model that predicted."""
    round: int


def resolve(
    store: Workspace, revision: Revision, layer: Layer, before: Sequence[Annotation]
) -> dict[str, Resolution]:
    """A person's verdict before the table's decision; structures without either stay out."""
    layers = _Layers(store, revision, layer)
    resolutions: dict[str, Resolution] = {}
    for annotation in before:
        name = annotation.structure
        verdict, decided = revision.verdicts.get(name), revision.decisions.get(name)
        if verdict is not None:
            resolutions[name] = _by_person(verdict, layers)
        elif decided is not None and decided.unanswered in AUTOMATIC:
            resolutions[name] = _by_engine(decided, layers)
    return resolutions


class _Layers:
    """Label maps that masks are taken from; one structure's prediction is all structures'."""

    def __init__(self, store: Workspace, revision: Revision, layer: Layer) -> None:
        self._store = store
        self._layer = layer
        self._known: dict[str, LabelsZYX] = {}
        self.revision = revision

    def __getitem__(self, label_map: str) -> LabelsZYX:
        """A stored label map."""
        if label_map not in self._known:
            self._known[label_map] = self._store.labels.read(label_map)
        return self._known[label_map]

    @property
    def predicted(self) -> LabelsZYX:
        """What the round's model sees."""
        if Candidate.PREDICTION not in self._known:
            model, scan = self.revision.model, self.revision.scan.scan_id
            read = self._store.predictions.read(model, scan, self._layer)
            self._known[Candidate.PREDICTION] = read
        return self._known[Candidate.PREDICTION]


def _by_person(verdict: Verdict, layers: _Layers) -> Resolution:
    source_zyx = None
    if verdict.choice is Candidate.PREDICTION:
        source_zyx = layers.predicted
    elif verdict.choice is not Candidate.CURRENT and verdict.label_map:
        source_zyx = layers[verdict.label_map]
    return Resolution(
        source_zyx=source_zyx,
        absent=verdict.choice is not Candidate.CURRENT and source_zyx is None,
        origin=Origin.HUMAN,
        origin_name=verdict.reader,
        trust=Trust.REVIEWED,
        quality=1.0,
        reason=f"a reader chose '{verdict.choice}'",
    )


def _by_engine(decided: Decided, layers: _Layers) -> Resolution:
    absent = decided.unanswered is Action.SET_ABSENT
    predicted = decided.candidate is Candidate.PREDICTION
    named = {
        Candidate.PREDICTION: layers.revision.model,
        Candidate.REPAIRED: "repair",
        Candidate.REPORTED: "radiology report",
    }
    source_zyx = None
    if not absent:
        source_zyx = layers.predicted if predicted else layers[decided.label_map or ""]
    return Resolution(
        source_zyx=source_zyx,
        absent=absent,
        origin=ORIGINS.get(decided.candidate, Origin.SOURCE),
        origin_name=named.get(decided.candidate, "earlier"),
        trust=Trust.AUTOMATIC,
        quality=decided.quality,
        reason=decided.reason,
    )
