"""A reader who knows the truth of a scan, and errs now and then."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scalemai_core.judge.lesions.detect import known_sites
from scalemai_core.measure.agreement import dice_by_structure
from scalemai_core.measure.detection.match import HitCriterion, Role, match
from scalemai_core.measure.detection.meeting import Meeting
from scalemai_core.records.decision import Candidate
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import DRAWN_KINDS, ItemKind, ReviewItem, Verdict
from scalemai_core.records.stage import StageInputs
from scalemai_core.review.choices import choices, chosen_map
from scalemai_core.review.entries import verdict_on
from scalemai_core.review.simulated import Reply, answer, answer_lesion
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.components import components
from scalemai_core.volume.resample import resample_labels
from tasks.candidates import stored_candidates
from tasks.dataset import LabelledScan
from tasks.truth import Truth


@dataclass(frozen=True, slots=True)
class SimulatedReader:
    """One scan, its truth, and somebody who answers what is asked about it."""

    store: Workspace
    inputs: StageInputs
    case: LabelledScan
    truth: Truth
    reader: Reader
    slot: int
    """Which of an item's reads; each errs on its own."""

    def answers(self, items: Sequence[ReviewItem]) -> list[Verdict]:
        """Of masks whose truth is known, and of lesion candidates."""
        if not items:
            return []
        current = self.case.labels(self.store)
        current_dice = dice_by_structure(self.truth[0], current, load_taxonomy())
        lesions = [item for item in items if item.kind is ItemKind.LESION]
        verdicts = [
            self._on_mask(item, current_dice[item.structure])
            for item in items
            if item.kind is not ItemKind.LESION and item.structure in current_dice
        ]
        if lesions:
            seen, known = self._true_candidates(), self._known_lesions()
            verdicts += [
                self._on_lesion(item, is_lesion=item.candidate_id in seen)
                for item in lesions
                if item.structure in known
            ]
        return verdicts

    def _on_mask(self, item: ReviewItem, current_dice: float | None) -> Verdict:
        shown = [one for one in choices(item) if one is not Candidate.READER]
        dice = {
            one: current_dice if one is Candidate.CURRENT else self._dice(item, one)
            for one in shown
        }
        settings, may_draw = self.inputs.plan.settings.review, item.kind in DRAWN_KINDS
        said = answer(dice, settings, self._rng(item), may_draw=may_draw)
        drawn = said.choice is Candidate.READER
        label_map = self._draw(item.structure) if drawn else chosen_map(item, said.choice)
        return self._verdict(item, said, label_map)

    def _dice(self, item: ReviewItem, shown: Candidate) -> float | None:
        """To the truth, of a mask that is shown beside the current one."""
        layer = load_taxonomy()[item.structure].layer
        labels: dict[Layer, LabelsZYX] = {}
        model, scan_id = self.inputs.model.key, item.scan_id
        label_map = chosen_map(item, shown)
        if label_map is not None:
            labels[layer] = self.store.labels.read(label_map)
        elif shown is Candidate.PREDICTION and self.store.predictions.exists(model, scan_id, layer):
            labels[layer] = self.store.predictions.read(model, scan_id, layer)
        return dice_by_structure(self.truth[0], labels, load_taxonomy())[item.structure]

    def _on_lesion(self, item: ReviewItem, *, is_lesion: bool) -> Verdict:
        settings = self.inputs.plan.settings.review
        said = answer_lesion(is_lesion=is_lesion, settings=settings, rng=self._rng(item))
        return self._verdict(item, said, None)

    def _known_lesions(self) -> frozenset[str]:
        """Lesions of the sites of which the truth says everything."""
        learned = self.inputs.model.channels.get(Layer.LESIONS, ())
        sites = known_sites(self.truth[1], learned)
        return frozenset(name for site in sites for name in site.lesions)

    def _true_candidates(self) -> frozenset[str]:
        """Ids of the candidates in which a reader would see a lesion."""
        settings, true_labels = self.inputs.plan.settings.lesions, self.truth[0]
        found = stored_candidates(self.store, self.case, self.inputs.model, settings)
        if found is None or Layer.LESIONS not in true_labels:
            return frozenset()
        grid = self.case.scan.grid
        lesions_zyx, _ = components(true_labels[Layer.LESIONS] > 0)
        candidates_zyx = resample_labels(found.components_zyx, grid.shape_zyx)
        meeting = Meeting.of_arrays(lesions_zyx, candidates_zyx, grid.spacing_mm_zyx)
        seen = {
            number
            for criterion in (HitCriterion.IOU, HitCriterion.CENTRE)
            for number, role in match(meeting, criterion).role_of.items()
            if role is not Role.FALSE_POSITIVE
        }
        return frozenset(one.candidate_id for one in found.found if one.number in seen)

    def _rng(self, item: ReviewItem) -> np.random.Generator:
        seed, asked = self.inputs.plan.settings.seed, zlib.crc32(item.item_id.encode())
        return np.random.default_rng([seed, asked, self.slot])

    def _verdict(self, item: ReviewItem, said: Reply, label_map: str | None) -> Verdict:
        return verdict_on(item, self.reader, said.choice, label_map, said.seconds)

    def _draw(self, structure: str) -> str | None:
        """The true mask as a label map of its own; None where the structure is not there."""
        taxonomy = load_taxonomy()
        layer, scan = taxonomy[structure].layer, self.case.scan
        labels_zyx = self.truth[0][layer]
        mask_zyx = np.isin(labels_zyx, taxonomy.member_ids(structure))
        if not mask_zyx.any():
            return None
        own_zyx = np.where(mask_zyx, labels_zyx, np.uint8(0))
        return self.store.labels.write(own_zyx, scan.scan_id, layer, scan.grid)
