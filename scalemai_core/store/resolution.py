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


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """One row of the decision table's outcome."""

    action: Action
    candidate: Candidate
    reason: str
    quality: float
    """How much the decided mask is worth against a neighbour that claims the same voxel."""


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
    loaded: dict[str, LabelsZYX] = {}

    def predicted() -> LabelsZYX:
        if "prediction" not in loaded:
            loaded["prediction"] = store.predictions.read(
                revision.model, revision.scan.scan_id, layer
            )
        return loaded["prediction"]

    resolutions: dict[str, Resolution] = {}
    for annotation in before:
        name = annotation.structure
        verdict, decided = revision.verdicts.get(name), revision.decisions.get(name)
        if verdict is not None:
            drawn = verdict.choice is Candidate.READER
            source_zyx = None
            if verdict.choice is Candidate.PREDICTION:
                source_zyx = predicted()
            elif drawn and verdict.label_map:
                source_zyx = store.labels.read(verdict.label_map)
            resolutions[name] = Resolution(
                source_zyx=source_zyx,
                absent=drawn and not verdict.label_map,
                origin=Origin.HUMAN,
                origin_name=verdict.reader,
                trust=Trust.REVIEWED,
                quality=1.0,
                reason=f"a reader chose '{verdict.choice}'",
            )
        elif decided is not None and decided.action in AUTOMATIC:
            absent = decided.action is Action.SET_ABSENT
            resolutions[name] = Resolution(
                source_zyx=None if absent else predicted(),
                absent=absent,
                origin=Origin.MODEL,
                origin_name=revision.model,
                trust=Trust.AUTOMATIC,
                quality=decided.quality,
                reason=decided.reason,
            )
    return resolutions
