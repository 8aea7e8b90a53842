"""Where a tumour is to be grown: a scan and its organ, from files or from a workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from scalemai_core.errors import RejectedInput, UsageError
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.tumour.looks import LOOKS
from scalemai_core.synthesize.tumour.plot import Bed
from scalemai_core.synthesize.tumour.sites import SITES
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.dataset import labelled_scans
from tasks.names import find_scan

_AROUND_MM = 40.0


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """A scan, its anatomy, and how to give it back as it came."""

    image_zyx: ImageZYX
    anatomy_zyx: LabelsZYX
    grid: Grid
    source_axes: str
    source_affine: Sequence[Sequence[float]]


@dataclass(frozen=True, slots=True)
class Ground:
    """The part of a scan in which a tumour grows."""

    scan: LabelledImage
    organ: str
    box: tuple[slice, slice, slice]
    bed: Bed


def of_files(image: Path, labels: Path) -> LabelledImage:
    """Read one image and its labels; raises UsageError saying what is wrong with which file."""
    try:
        (files,) = open_source(f"{image}={labels}").cases
        case = read_case(files)
    except RejectedInput as error:
        raise UsageError(f"{error} ({error.remedy})") from error
    anatomy_zyx = _anatomy(case.labels, case.image_zyx)
    return LabelledImage(
        case.image_zyx, anatomy_zyx, case.grid, case.source_axes, case.source_affine
    )


def of_workspace(store: Workspace, wanted: str) -> LabelledImage:
    """The newest labels of a scan, named by id or case."""
    scan_id = find_scan(store, wanted)
    version = store.catalog.latest()
    if version is None:
        raise UsageError(f"{store.url} is empty")
    case = labelled_scans(store.url, version, (scan_id,))[scan_id]
    image_zyx = store.scans.read(scan_id)
    anatomy_zyx, scan = _anatomy(case.labels(store), image_zyx), case.scan
    return LabelledImage(image_zyx, anatomy_zyx, scan.grid, scan.source_axes, scan.source_affine)


def ground_for(scan: LabelledImage, structure: str, rng: np.random.Generator) -> Ground:
    """One of the structure's organs in the scan, and some of what lies around it.

    Raises UsageError where the structure is none that grows, or none of its organs is labelled.
    """
    grown = [name for name, look in LOOKS.items() if "automaton" in look.kinds]
    if structure not in grown:
        raise UsageError(f"{structure} does not grow: name one of {', '.join(grown)}")
    taxonomy = load_taxonomy()
    masks = {
        organ: np.isin(scan.anatomy_zyx, taxonomy.member_ids(organ)) for organ in SITES[structure]
    }
    present = [organ for organ, mask_zyx in masks.items() if mask_zyx.any()]
    if not present:
        raise UsageError(f"the labels hold no {' or '.join(SITES[structure])} for {structure}")
    organ = present[int(rng.integers(len(present)))]
    organ_zyx, spacing_mm_zyx = masks[organ], scan.grid.spacing_mm_zyx
    (found,) = ndimage.find_objects(organ_zyx.view(np.uint8))
    margins = [int(np.ceil(_AROUND_MM / edge)) for edge in spacing_mm_zyx]
    z, y, x = (
        slice(max(0, part.start - margin), part.stop + margin)
        for part, margin in zip(found, margins, strict=True)
    )
    image_zyx = scan.image_zyx[z, y, x].astype(np.float32)
    return Ground(scan, organ, (z, y, x), Bed(image_zyx, organ_zyx[z, y, x], spacing_mm_zyx))


def _anatomy(labels: Mapping[Layer, LabelsZYX], image_zyx: ImageZYX) -> LabelsZYX:
    return labels.get(Layer.ANATOMY, np.zeros(image_zyx.shape, np.uint8))
