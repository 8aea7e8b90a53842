"""Where to look at each question, found once a scan, so that showing it reads a crop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from scalemai_core.records.decision import Candidate
from scalemai_core.records.item_view import ItemView
from scalemai_core.records.label_map import Layer
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.shard import Shard, ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.review.bundle.boxed import ScanLabels
from scalemai_core.review.bundle.view import ItemMaps, view_item
from scalemai_core.review.views import VIEW_COLUMNS, VIEWS, view_row
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.resample import resample_labels
from tasks.candidates import stored_candidates
from tasks.dataset import LabelledScan, labelled_scans
from tasks.review import asked_items
from tasks.shards import Rows, run_shard


def shown_scans(inputs: StageInputs) -> tuple[str, ...]:
    """Scans of which readers get to see something, gold of honeypots among them."""
    items = asked_items(Workspace.open(inputs.workspace), inputs.plan.number)
    return tuple(sorted({item.scan_id for item in items}))


@task(task_run_name="{shard.title}", cache_policy=NO_CACHE)
def view_shard(inputs: StageInputs, shard: Shard) -> ShardSummary:
    """The views of a shard's questions; its rows are what the round's table ``views`` holds."""
    store, number = Workspace.open(inputs.workspace), inputs.plan.number
    cases = labelled_scans(inputs.workspace, inputs.version, shard.scan_ids)
    items = asked_items(store, number, shard.scan_ids)

    def work(scan_id: str) -> Rows:
        own = [item for item in items if item.scan_id == scan_id]
        views = _ScanViews(store, inputs, cases[scan_id]).of(own)
        return [{"scan_id": scan_id, **view_row(view)} for view in views]

    return run_shard(store, shard, work)


@task(task_run_name="store where to look", cache_policy=NO_CACHE)
def store_views(inputs: StageInputs, rows: pl.DataFrame) -> None:
    """Keep the views with the round; a question that cannot be shown stays out of it."""
    tables = Workspace.open(inputs.workspace).round(inputs.plan.number)
    if not tables.has(VIEWS):
        tables.write(
            VIEWS,
            rows.select(VIEW_COLUMNS.names()) if rows.height else pl.DataFrame(schema=VIEW_COLUMNS),
        )


@dataclass(slots=True)
class _ScanViews:
    """One scan's label maps, each read once."""

    store: Workspace
    inputs: StageInputs
    case: LabelledScan
    maps: dict[str, ScanLabels] = field(default_factory=dict)

    def of(self, items: Sequence[ReviewItem]) -> list[ItemView]:
        """The views of the scan's items."""
        lesions = [item for item in items if item.kind is ItemKind.LESION]
        candidates = self._candidates() if lesions else None
        settings, grid = self.inputs.plan.settings.review, self.case.scan.grid
        views: list[ItemView] = []
        for item in items:
            structure, layer = item.structure, load_taxonomy()[item.structure].layer
            maps = ItemMaps(
                current=self._stored(item.base_label_map),
                rival=self._offered(item.rival, item.rival_map, layer),
                third=self._offered(item.third, item.third_map, layer),
                anatomy=self._anatomy(),
            )
            asked = None
            if candidates is not None and item.candidate_id in candidates[1]:
                asked = candidates[0].mask([candidates[1][item.candidate_id]])
            views.append(view_item(item, maps.masks(structure, asked), grid, settings))
        return views

    def _candidates(self) -> tuple[ScanLabels, dict[str | None, int]] | None:
        """Candidates on the scan's own grid, and their numbers there."""
        settings = self.inputs.plan.settings.lesions
        found = stored_candidates(self.store, self.case, self.inputs.model, settings)
        if found is None:
            return None
        on_scan_zyx = resample_labels(found.components_zyx, self.case.scan.grid.shape_zyx)
        return ScanLabels(on_scan_zyx), {one.candidate_id: one.number for one in found.found}

    def _offered(
        self, shown: Candidate | None, label_map: str | None, layer: Layer
    ) -> ScanLabels | None:
        if shown is Candidate.PREDICTION:
            return self._predicted(layer)
        return self._stored(label_map)

    def _anatomy(self) -> ScanLabels | None:
        """The annotated organs, else the predicted ones."""
        annotated = self.case.label_maps.get(Layer.ANATOMY)
        return self._stored(annotated) or self._predicted(Layer.ANATOMY)

    def _stored(self, label_map: str | None) -> ScanLabels | None:
        if label_map is None:
            return None
        if label_map not in self.maps:
            self.maps[label_map] = ScanLabels(self.store.labels.read(label_map))
        return self.maps[label_map]

    def _predicted(self, layer: Layer) -> ScanLabels | None:
        model, scan_id = self.inputs.model.key, self.case.scan.scan_id
        if not self.store.predictions.exists(model, scan_id, layer):
            return None
        if layer.value not in self.maps:
            read = self.store.predictions.read(model, scan_id, layer)
            self.maps[layer.value] = ScanLabels(read)
        return self.maps[layer.value]
