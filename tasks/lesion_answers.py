"""What people said of a round's lesion candidates, one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from scalemai_core.judge.lesions.ask import PLACE
from scalemai_core.records.decision import Candidate
from scalemai_core.records.review import ItemKind, Verdict, lesion_item
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.settlement import Fate
from scalemai_core.store.workspace import Workspace
from tasks.decide import ITEMS
from tasks.verdicts import verdicts_of_round

CANDIDATES = "candidates"
"""Table of a round: every candidate's fate."""


@dataclass(frozen=True, slots=True)
class LesionAnswers:
    """A round's candidates and what people said of them."""

    candidates: pl.DataFrame
    asked: frozenset[str]
    """Ids of the candidates that people get to see."""
    verdicts: Mapping[str, Verdict]
    """By candidate id."""

    @classmethod
    def of_round(
        cls,
        store: Workspace,
        number: int,
        verdicts: Sequence[Verdict],
        scan_ids: Sequence[str] | None = None,
    ) -> LesionAnswers:
        """Read them, of some scans or of all; ``verdicts`` are all of these scans."""
        tables = store.round(number)
        candidates = tables.read(CANDIDATES, scan_ids)
        if not tables.has(ITEMS):  # before people are asked
            return cls(candidates, frozenset(), {})
        items = tables.read(ITEMS, scan_ids).filter(pl.col("kind") == ItemKind.LESION.value)
        by_item = {verdict.item_id: verdict for verdict in verdicts}
        ids = {
            lesion_item(number, scan_id, one): one
            for scan_id, one in items.select("scan_id", "candidate_id").iter_rows()
        }
        said = {one: by_item[item] for item, one in ids.items() if item in by_item}
        return cls(candidates, frozenset(ids.values()), said)

    def by_scan(self, scan_ids: Sequence[str]) -> dict[str, LesionAnswers]:
        """The same, scan by scan."""
        own = self.candidates.partition_by("scan_id", as_dict=True)
        nothing = self.candidates.clear()
        return {one: self._among(own.get((one,), nothing)) for one in scan_ids}

    def _among(self, candidates: pl.DataFrame) -> LesionAnswers:
        ids = set(candidates["candidate_id"])
        verdicts = {one: verdict for one, verdict in self.verdicts.items() if one in ids}
        return LesionAnswers(candidates, self.asked & ids, verdicts)

    @property
    def confirmed(self) -> set[str]:
        """Ids of the candidates that a report or a reader takes for lesions."""
        by_report = self.candidates.filter(pl.col("fate") == Fate.KEPT.value)["candidate_id"]
        by_reader = {
            one for one, verdict in self.verdicts.items() if verdict.choice is Candidate.PREDICTION
        }
        return set(by_report) | by_reader

    @property
    def settled(self) -> dict[tuple[str, str], Verdict]:
        """(scan, site) of which every question is answered, and the last answer there."""
        if not self.asked:
            return {}
        shown = self.candidates.filter(pl.col("candidate_id").is_in(sorted(self.asked)))
        places: dict[tuple[str, str], list[str]] = {}
        for scan_id, site, one in shown.select(*PLACE, "candidate_id").iter_rows():
            places.setdefault((scan_id, site), []).append(one)
        return {
            place: max((self.verdicts[one] for one in ids), key=lambda said: said.created)
            for place, ids in places.items()
            if self.verdicts.keys() >= set(ids)
        }


def settled_before(store: Workspace, plan: RoundPlan) -> frozenset[tuple[str, str]]:
    """(scan, site) of which people have settled all candidates in a round before this one."""
    found: set[tuple[str, str]] = set()
    for number in range(1, plan.number):
        if store.round(number).has(CANDIDATES):
            verdicts = verdicts_of_round(store, plan.model_copy(update={"number": number}))
            found |= LesionAnswers.of_round(store, number, verdicts).settled.keys()
    return frozenset(found)
