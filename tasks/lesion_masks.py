"""Candidates that became lesions, as masks: by a reader's word, or by a report's."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.review import ItemKind, Verdict, lesion_item
from scalemai_core.records.round import LesionTally, RoundPlan
from scalemai_core.records.settlement import Fate
from scalemai_core.records.stage import StageInputs
from scalemai_core.store.resolution import Decided
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.site import lesion_sites
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.resample import resample_labels
from tasks.candidates import stored_candidates
from tasks.dataset import LabelledScan
from tasks.decide import ITEMS, LESION_QUESTIONS
from tasks.lesions import CANDIDATES, POINTS
from tasks.verdicts import verdicts_of_round


@dataclass(frozen=True, slots=True)
class LesionAnswers:
    """A round's candidates and what people said of them."""

    candidates: pl.DataFrame
    asked: frozenset[str]
    """Ids of the candidates that people get to see."""
    verdicts: Mapping[str, Verdict]
    """By candidate id."""

    @classmethod
    def of_round(cls, store: Workspace, number: int, verdicts: Sequence[Verdict]) -> LesionAnswers:
        """Read them; ``verdicts`` are all of the round."""
        tables = store.round(number)
        candidates = tables.read(CANDIDATES)
        if not tables.has(ITEMS):  # before people are asked
            return cls(candidates, frozenset(), {})
        items = tables.read(ITEMS).filter(pl.col("kind") == ItemKind.LESION.value)
        by_item = {verdict.item_id: verdict for verdict in verdicts}
        ids = {
            lesion_item(number, scan_id, one): one
            for scan_id, one in items.select("scan_id", "candidate_id").iter_rows()
        }
        said = {one: by_item[item] for item, one in ids.items() if item in by_item}
        return cls(candidates, frozenset(ids.values()), said)

    def of_scan(self, scan_id: str) -> LesionAnswers:
        """Those of one scan."""
        own = self.candidates.filter(pl.col("scan_id") == scan_id)
        ids = set(own["candidate_id"])
        return LesionAnswers(
            own,
            self.asked & ids,
            {one: verdict for one, verdict in self.verdicts.items() if one in ids},
        )

    @property
    def confirmed(self) -> set[str]:
        """Ids of the candidates that a report or a reader takes for lesions."""
        by_report = self.candidates.filter(pl.col("fate") == Fate.KEPT.value)["candidate_id"]
        by_reader = {
            one for one, verdict in self.verdicts.items() if verdict.choice is Candidate.PREDICTION
        }
        return set(by_report) | by_reader


def lesion_masks(
    store: Workspace,
    inputs: StageInputs,
    case: LabelledScan,
    decisions: dict[str, Decided],
    answers: LesionAnswers,
) -> tuple[dict[str, Decided], dict[str, Verdict]]:
    """Decisions with the label maps that reports lead to, and one verdict a structure that people
    have settled. A site counts as settled when all of its questions are answered."""
    learned = inputs.model.channels.get(Layer.LESIONS, ())
    verdicts = _verdicts(learned, answers)
    named = {
        name
        for name, one in decisions.items()
        if one.candidate is Candidate.REPORTED and one.unanswered is Action.IMPUTE
    }
    if not named and not verdicts:
        return decisions, {}
    new_map, new_structures = _with_lesions(store, inputs, case, answers)
    decided = {
        name: replace(one, label_map=new_map) if name in named else one
        for name, one in decisions.items()
    }
    return decided, {
        name: verdict.model_copy(update={"label_map": new_map if name in new_structures else None})
        for name, verdict in verdicts.items()
        if name in new_structures or case.annotations[name].state is State.UNKNOWN
    }


def _verdicts(learned: Collection[str], answers: LesionAnswers) -> dict[str, Verdict]:
    """A reader's word on every structure that the model can see, at the sites that are settled."""
    found: dict[str, Verdict] = {}
    for site in lesion_sites(load_taxonomy()):
        own = answers.candidates.filter(pl.col("site") == site.name)
        asked = answers.asked & set(own["candidate_id"])
        if not asked or not asked <= answers.verdicts.keys():
            continue
        last = max((answers.verdicts[one] for one in asked), key=lambda one: one.created)
        for name in site.lesions:
            if name in learned:
                update = {"structure": name, "choice": Candidate.READER}
                found[name] = last.model_copy(update=update)
    return found


def _with_lesions(
    store: Workspace, inputs: StageInputs, case: LabelledScan, answers: LesionAnswers
) -> tuple[str | None, Collection[str]]:
    """The layer with the confirmed candidates added, and the structures that they have."""
    confirmed = answers.candidates.filter(pl.col("candidate_id").is_in(sorted(answers.confirmed)))
    if not confirmed.height:
        return None, ()
    settings, taxonomy = inputs.plan.settings.lesions, load_taxonomy()
    found = stored_candidates(store, case, inputs.model, settings)
    if found is None:
        return None, ()
    ids = np.zeros(int(found.components_zyx.max()) + 1, dtype=np.uint8)
    for number, name in confirmed.select("number", "structure").iter_rows():
        ids[number] = taxonomy[name].id
    grid = case.scan.grid
    added_zyx = resample_labels(ids[found.components_zyx], grid.shape_zyx)
    layer_zyx = _present(store, case)
    labels_zyx: LabelsZYX = (
        added_zyx if layer_zyx is None else np.where(layer_zyx == 0, added_zyx, layer_zyx)
    )
    name = store.labels.write(labels_zyx, case.scan.scan_id, Layer.LESIONS, grid)
    return name, set(confirmed["structure"])


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
