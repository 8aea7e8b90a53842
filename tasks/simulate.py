"""The reader that a truth stands in for: answers a round's questions as a person would."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.listed_item import ItemStatus
from scalemai_core.records.reader import Reader, Role
from scalemai_core.records.review import ReviewItem
from scalemai_core.records.review_entry import ReviewEntry
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.review.entries import entry_of
from scalemai_core.review.ruling import rulings
from scalemai_core.store.workspace import Workspace
from tasks.dataset import labelled_scans
from tasks.questions import posed_items
from tasks.shards import Rows, run_shard
from tasks.simulated_reader import SimulatedReader
from tasks.truth import read_truth

SIMULATED = "simulated"
TURNS = (
    (Reader(name=SIMULATED), ItemStatus.OPEN),
    (Reader(name=f"{SIMULATED} 2"), ItemStatus.OPEN),
    (Reader(name=f"{SIMULATED} 3", role=Role.ADJUDICATOR), ItemStatus.DISPUTED),
)
"""Who answers what is left: the second reader what is read twice, the third what they differ on."""


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def simulate_shard(
    inputs: StageInputs, shard: Shard, truth: str, said: Sequence[ReviewEntry]
) -> ShardSummary:
    """Let the truth answer what ``said`` leaves open, in the log where a person's answers go."""
    store, number = Workspace.open(inputs.workspace), inputs.plan.number
    log = store.review_log(number)
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    items = posed_items(store, number, shard.scan_ids)

    def work(scan_id: str) -> Rows:
        own = [item for item in items if item.scan_id == scan_id]
        found = read_truth(truth, cases[scan_id].scan)
        if found is None:
            return []
        entries: list[ReviewEntry] = []
        for slot, (reader, status) in enumerate(TURNS):
            standing = rulings(own, [*said, *entries])
            due = [item for item in own if standing[item.item_id].status is status]
            person = SimulatedReader(store, inputs, cases[scan_id], found, reader, slot)
            entries += [
                entry_of(verdict, f"{reader.name} {verdict.item_id}", reader)
                for verdict in person.answers(due)
            ]
        if entries:
            # A document of its own: what a killed shard, or another truth, said before stays.
            log.append(f"{SIMULATED}-{scan_id}-{_num_said(said, own)}", entries)
        return [{"scan_id": scan_id, "entry_id": entry.entry_id} for entry in entries]

    return run_shard(store, shard, work)


def _num_said(said: Iterable[ReviewEntry], items: Iterable[ReviewItem]) -> int:
    """Acts on these items before."""
    known = {item.item_id for item in items}
    return sum(entry.item_id in known for entry in said)
