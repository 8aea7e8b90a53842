"""Labels offered for a scan that is stored already: they fill what is unknown, else stand by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.ingested import StoredCase
from scalemai_core.records.label_map import Layer
from scalemai_core.store.catalog.rows import Row
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.change import Change, Trust
from scalemai_core.volume.compose import compose


def adopt_labels(
    store: Workspace, before: Mapping[str, Annotation], case: StoredCase, origin: Origin
) -> tuple[dict[str, Annotation], list[Row]]:
    """A scan's annotations with unknown structures filled, and candidate rows for known ones.

    Gold labels take the place of others instead of standing by.
    """
    trusted = origin is Origin.GOLD
    fills = {
        name: state
        for name, state in case.states.items()
        if trusted or before[name].state is State.UNKNOWN
    }
    after = dict(before)
    for layer in Layer:
        after |= _fill_layer(store, case, layer, fills, before, origin)
    return after, [_candidate(case, n, s) for n, s in case.states.items() if n not in fills]


def _fill_layer(
    store: Workspace,
    case: StoredCase,
    layer: Layer,
    fills: dict[str, State],
    before: Mapping[str, Annotation],
    origin: Origin,
) -> dict[str, Annotation]:
    taxonomy = load_taxonomy()
    names = [s.name for s in taxonomy.in_layer(layer)]
    filled = [name for name in names if name in fills]
    if not filled or layer not in case.label_maps:
        return {}
    source_zyx = store.labels.read(case.label_maps[layer])
    base_name = next((before[n].label_map for n in names if before[n].label_map), None)
    base_zyx = store.labels.read(base_name) if base_name else np.zeros_like(source_zyx)
    trust = Trust.TRUSTED if origin is Origin.GOLD else Trust.AUTOMATIC
    # A parent whose parts are filled too comes with them.
    own = [n for n in filled if not any(p.name in fills for p in taxonomy.children(n))]
    composed = compose(
        base_zyx,
        [Change(taxonomy[name].id, source_zyx, trust) for name in own],
        taxonomy.unions,
        present={taxonomy[n].id for n in names if before[n].state is State.PRESENT},
        base_strength={},
    )
    label_map = store.labels.write(composed.labels_zyx, case.scan.scan_id, layer, case.scan.grid)
    return {
        name: before[name].model_copy(
            update={"label_map": label_map}
            | (_adopted(before[name], fills[name], case, origin) if name in fills else {})
        )
        for name in names
    }


def _adopted(
    before: Annotation, state: State, case: StoredCase, origin: Origin
) -> dict[str, object]:
    return {
        "state": state,
        "origin": origin,
        "origin_name": case.scan.source,
        "reason": "ingested later",
        "revision": before.revision + 1,
        "previous_label_map": before.label_map,
    }


def _candidate(case: StoredCase, structure: str, state: State) -> Row:
    layer = load_taxonomy()[structure].layer
    return {
        "scan_id": case.scan.scan_id,
        "structure": structure,
        "state": state.value,
        "label_map": case.label_maps.get(layer),
        "origin_name": case.scan.source,
    }
