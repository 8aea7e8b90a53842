"""Candidates that became lesions, as masks: by a reader's word, or by a report's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from scalemai_core.errors import WorkspaceError
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.review import Verdict
from scalemai_core.records.round import LesionTally, RoundPlan
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.versions.resolution import Decided
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.resample import resample_labels
from tasks.candidates import stored_candidates
from tasks.dataset import LabelledScan
from tasks.decide import LESION_QUESTIONS
from tasks.lesion_answers import LesionAnswers
from tasks.lesions import POINTS
from tasks.verdicts import verdicts_of_round


@dataclass(frozen=True, slots=True)
class _Confirmed:
    """Candidates that are lesions, in one layer with the lesions that were there."""

    label_map: str | None
    structures: frozenset[str]
    """What they are."""
    visible: frozenset[str]
    """Of those, what has voxels on the scan's grid: a thin candidate may fall between slices."""


_NONE = _Confirmed(None, frozenset(), frozenset())


def lesion_masks(
    store: Workspace,
    inputs: StageInputs,
    case: LabelledScan,
    decisions: Mapping[str, Decided],
    answers: LesionAnswers,
) -> tuple[dict[str, Decided], dict[str, Verdict]]:
    """One scan's decisions with the label maps that reports lead to, and one verdict a structure
    that people have settled. A site counts as settled when all of its questions are answered.
    """
    settled = {site: last for (_, site), last in answers.settled.items()}
    named = {
        name
        for name, one in decisions.items()
        if one.candidate is Candidate.REPORTED and one.unanswered is Action.IMPUTE
    }
    if not named and not settled:
        return dict(decisions), {}
    confirmed = _confirmed(store, inputs, case, answers)
    decided = {
        name: _imputed(one, name, confirmed) if name in named else one
        for name, one in decisions.items()
    }
    learned = inputs.model.channels.get(Layer.LESIONS, ())
    verdicts = {
        name: said
        for site in lesion_sites(load_taxonomy())
        if (last := settled.get(site.name)) is not None
        for name in site.lesions
        if name in learned and (said := _verdict(name, last, case, confirmed)) is not None
    }
    return decided, verdicts


def _imputed(decided: Decided, name: str, confirmed: _Confirmed) -> Decided:
    """The report's lesion from the new layer; one that has no voxels there stays unknown."""
    if name in confirmed.visible:
        return replace(decided, label_map=confirmed.label_map)
    return replace(decided, action=Action.KEEP, otherwise=Action.KEEP)


def _verdict(name: str, last: Verdict, case: LabelledScan, confirmed: _Confirmed) -> Verdict | None:
    """What the answers to a site's questions say of one of its structures; None: nothing.

    Without a lesion of its kind it is absent, but where lesions of no said kind are labelled. The
    outline of what is labelled was not in question.
    """
    states = case.states
    said = last.model_copy(
        update={"structure": name, "choice": Candidate.READER, "label_map": None}
    )
    if name in confirmed.visible:
        return said.model_copy(update={"label_map": confirmed.label_map})
    if name in confirmed.structures:
        return None
    if states[name] is State.ABSENT:
        return said.model_copy(update={"choice": Candidate.CURRENT})
    wholes = load_taxonomy().ancestors(name)
    unsaid = any(states.get(whole.name) is State.PRESENT for whole in wholes)
    return said if states[name] is State.UNKNOWN and not unsaid else None


def _confirmed(
    store: Workspace, inputs: StageInputs, case: LabelledScan, answers: LesionAnswers
) -> _Confirmed:
    """Store the scan's layer with the confirmed candidates added where no lesion is."""
    found = stored_candidates(store, case, inputs.model, inputs.plan.settings.lesions)
    if found is None and answers.confirmed and Layer.LESIONS in inputs.model.channels:
        raise WorkspaceError("the prediction's lesions are lost: what was confirmed has no mask")
    lesions = [one for one in found.found if one.candidate_id in answers.confirmed] if found else []
    if found is None or not lesions:
        return _NONE
    taxonomy, grid = load_taxonomy(), case.scan.grid
    ids = np.zeros(int(found.components_zyx.max()) + 1, dtype=np.uint8)
    for one in lesions:
        ids[one.number] = taxonomy[one.structure].id
    added_zyx = resample_labels(ids[found.components_zyx], grid.shape_zyx)
    layer_zyx = _present(store, case)
    labels_zyx: LabelsZYX = (
        added_zyx if layer_zyx is None else np.where(layer_zyx == 0, added_zyx, layer_zyx)
    )
    structures = frozenset(one.structure for one in lesions)
    there = set(np.unique(labels_zyx).tolist())
    return _Confirmed(
        label_map=store.labels.write(labels_zyx, case.scan.scan_id, Layer.LESIONS, grid),
        structures=structures,
        visible=frozenset(name for name in structures if taxonomy[name].id in there),
    )


def _present(store: Workspace, case: LabelledScan) -> LabelsZYX | None:
    name = case.label_maps.get(Layer.LESIONS)
    return None if name is None else store.labels.read(name)


def lesion_tally(store: Workspace, plan: RoundPlan) -> LesionTally | None:
    """What became of a round's candidates; None where the model knows no lesions."""
    answers = LesionAnswers.of_round(store, plan.number, verdicts_of_round(store, plan))
    if not answers.candidates.height and not store.round(plan.number).read(POINTS).height:
        return None
    seen = answers.candidates.filter(pl.col("candidate_id").is_in(sorted(answers.verdicts)))
    audits = set(seen.filter(pl.col("audit"))["candidate_id"])
    lesions = {one for one, said in answers.verdicts.items() if said.choice is Candidate.PREDICTION}
    questions = store.round(plan.number).read(LESION_QUESTIONS)
    return LesionTally(
        candidates=answers.candidates.height,
        fates=dict(answers.candidates.group_by("fate").len().sort("fate").iter_rows()),
        asked=len(answers.asked),
        confirmed=len(lesions - audits),
        audited=len(audits),
        audit_errors=len(lesions & audits),
        unfound=questions.filter(pl.col("candidate_id").is_null()).height,
    )
