"""Small made-up scans and annotations for the tests of the store."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.annotation import Annotation, State
from scalemai_core.records.grid import Grid
from scalemai_core.records.ingested import IngestedCase, StoredCase
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.scan import CaseInfo, Scan
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SHAPE_ZYX = (6, 8, 10)
GRID = Grid(
    shape_zyx=SHAPE_ZYX,
    affine=((0.8, 0, 0, -12.5), (0, 0.9, 0, 30.0), (0, 0, 5.0, -700.25), (0, 0, 0, 1)),
)


def made_image(seed: int = 0) -> ImageZYX:
    """Random HU."""
    rng = np.random.default_rng(seed)
    return rng.integers(-1024, 3000, SHAPE_ZYX, dtype=np.int16)


def painted(**slices: slice) -> LabelsZYX:
    """One layer: each named structure fills a slab of x."""
    labels_zyx = np.zeros(SHAPE_ZYX, dtype=np.uint8)
    for name, where in slices.items():
        labels_zyx[:, :, where] = load_taxonomy()[name].id
    return labels_zyx


def mask_of(labels_zyx: LabelsZYX, structure: str) -> NDArray[np.bool_]:
    """Where a structure or one of its parts is."""
    return np.isin(labels_zyx, load_taxonomy().member_ids(structure))


def offered(  # noqa: PLR0913 - all but two have defaults
    store: Workspace,
    case: str,
    labels_zyx: LabelsZYX | None,
    states: dict[str, State],
    *,
    seed: int = 0,
    patient: str | None = None,
    source: str = "hospital",
) -> IngestedCase:
    """A case whose voxels are stored, the way ingestion leaves it in the ledger."""
    scan_id = store.scans.write(made_image(seed), GRID, {})
    maps = {}
    if labels_zyx is not None:
        maps[Layer.ANATOMY] = store.labels.write(labels_zyx, scan_id, Layer.ANATOMY, GRID)
    scan = Scan(
        scan_id=scan_id,
        patient=store.patient_hash(patient or case),
        case=case,
        source=source,
        grid=GRID,
        source_axes="RAS",
        source_affine=GRID.affine,
        fold=0,
        **CaseInfo(sex=None, phase="venous").model_dump(exclude={"patient"}),
    )
    stored = StoredCase(scan=scan, label_maps=maps, states=states, findings=())
    return IngestedCase(case=case, stored=stored)


def annotation(scan_id: str, structure: str, label_map: str | None, **more: object) -> Annotation:
    """A source's annotation; unknown without a label map."""
    known = {"state": State.PRESENT, "origin": "source", "revision": 1}
    unknown = {"state": State.UNKNOWN}
    facts = (known if label_map else unknown) | {"label_map": label_map} | more
    return Annotation.model_validate({"scan_id": scan_id, "structure": structure, **facts})
