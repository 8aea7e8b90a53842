"""Judgement: every annotation, and every mask proposed in its place, against the prediction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.judge.judgement import judged_columns
from scalemai_core.judge.repair import propose
from scalemai_core.judge.side import Side, States
from scalemai_core.judge.summary import LayerMaps
from scalemai_core.records.annotation import Origin, State
from scalemai_core.records.columns import Columns, joined
from scalemai_core.records.decision import Candidate
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.overlay import overlay
from tasks.dataset import LabelledScan, labelled_scans
from tasks.shards import run_shard


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """Masks that could take annotations' places, all in one set of layers."""

    candidate: Candidate
    labels: LayerMaps
    reasons: dict[str, str]
    """Structure -> where its mask comes from, in words."""


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def judge_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """Agreement and findings of a shard's annotations and proposals; a row a mask."""
    store, settings = Workspace.open(inputs.workspace), inputs.plan.settings.judge
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)

    def work(scan_id: str) -> list[Columns]:
        case = cases[scan_id]
        current, predicted = case.labels(store), predicted_labels(store, inputs.model, scan_id)
        desk = _Desk(case, store.scans.read(scan_id), predicted, settings)
        annotated = desk.look(current)
        judged = [desk.judge(annotated)]
        mended = propose(current, predicted, annotated.findings, case.scan.grid)
        for proposed in (
            Proposed(candidate=Candidate.REPAIRED, labels=mended.labels, reasons=mended.reasons),
            _earlier(store, case, current),
        ):
            if proposed.reasons:
                own = desk.judge(desk.look(proposed.labels), proposed.reasons)
                judged.append(_as_proposal(store, case, proposed, own))
        return judged

    return run_shard(store, shard, work, joined)


def predicted_labels(
    store: Workspace, model: ModelDocument, scan_id: str
) -> dict[Layer, LabelsZYX]:
    """The stored prediction, the layers the model knows."""
    return {layer: store.predictions.read(model.key, scan_id, layer) for layer in model.channels}


class _Desk:
    """One scan on the desk: its prediction is looked at once, whatever is laid beside it."""

    def __init__(
        self,
        case: LabelledScan,
        image_zyx: ImageZYX,
        predicted: LayerMaps,
        settings: JudgeSettings,
    ) -> None:
        self._case = case
        self._image_zyx = image_zyx
        self._settings = settings
        self._said = case.states
        self._states = States.of(self._said)
        self._prediction = self.look(predicted, self._states.as_predicted())

    def look(self, labels: LayerMaps, states: States | None = None) -> Side:
        """Label maps as the rules see them."""
        scan, stated = self._case.scan, states or self._states
        return Side.of(scan, self._image_zyx, labels, stated, self._settings)

    def judge(self, side: Side, among: Collection[str] | None = None) -> Columns:
        """A row a structure, or only those of some."""
        said: dict[str, list[str]] = {}
        for finding in side.findings:
            said.setdefault(finding.structure, []).append(finding.message)
        judged = judged_columns(self._case.scan, self._said, side, self._prediction, among)
        names = judged["structure"]
        messages = ["; ".join(said.get(name, ())) for name in names]
        return {**judged, "message": messages, "proposal_map": [None] * len(names)}


def _earlier(store: Workspace, case: LabelledScan, current: LayerMaps) -> Proposed:
    """The masks that a model's took the place of: a later round may go back."""
    taxonomy = load_taxonomy()
    labels, reasons = dict(current), dict[str, str]()
    for name, origin, before in case.told("structure", "origin", "previous_label_map"):
        if origin == Origin.MODEL and before is not None:
            layer = taxonomy[name].layer
            ids = taxonomy.member_ids(name)
            labels[layer] = overlay(labels[layer], store.labels.read(before), ids.tolist())
            reasons[name] = "the mask it had before"
    return Proposed(candidate=Candidate.ALTERNATIVE, labels=labels, reasons=reasons)


def _as_proposal(
    store: Workspace, case: LabelledScan, proposed: Proposed, judged: Columns
) -> Columns:
    """The proposed structures' rows, with the stored layer that holds the mask."""
    taxonomy, scan = load_taxonomy(), case.scan
    names = [str(name) for name in judged["structure"]]
    layers = [taxonomy[name].layer for name in names]
    stored = {
        layer: store.labels.write(proposed.labels[layer], scan.scan_id, layer, scan.grid)
        for layer in dict.fromkeys(layers)
    }
    return {
        **judged,
        "candidate": [proposed.candidate.value] * len(names),
        "state": [State.PRESENT.value] * len(names),
        "proposal_map": [stored[layer] for layer in layers],
        "message": [proposed.reasons[name] for name in names],
    }
