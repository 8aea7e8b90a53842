"""The DICOM segmentations of one case, painted into layers like the masks of any other source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from scalemai_core.dicom.segmentation import Segment, Segmentation
from scalemai_core.errors import RejectedInput
from scalemai_core.intake.case import MaskFile
from scalemai_core.intake.composition import Composition
from scalemai_core.intake.dicom import SeriesIdentity, read_identity
from scalemai_core.intake.file_volume import named
from scalemai_core.intake.label_findings import unmapped_masks_finding
from scalemai_core.intake.legend import is_ignored, resolve
from scalemai_core.records.finding import Finding
from scalemai_core.records.grid import Grid
from scalemai_core.taxonomy.label_names import LabelNames
from scalemai_core.taxonomy.taxonomy import load_taxonomy


@dataclass(frozen=True, slots=True)
class _Part:
    """A segment of one of the files."""

    path: Path
    segmentation: Segmentation
    number: int


def paint_segmentations(
    paths: Sequence[Path],
    first_slice: Path,
    composition: Composition,
    grid: Grid,
    names: LabelNames | None,
) -> tuple[set[str], list[Finding]]:
    """Paint every segment, parents first; returns the structures named, and what was odd.

    Raises RejectedInput where a file cannot be read or belongs to another series.
    """
    taxonomy = load_taxonomy()
    parts: dict[str, list[_Part]] = defaultdict(list)
    unmapped: list[MaskFile] = []
    series = read_identity(first_slice)
    for path in paths:
        segmentation = Segmentation.read(path)
        _check_series(path, segmentation, series)
        for segment in segmentation.segments:
            structure = _structure(segment, names)
            if structure is not None:
                parts[structure].append(_Part(path, segmentation, segment.number))
            elif not is_ignored(segment.label, names):
                unmapped.append(MaskFile(path=path, label=segment.label))
    for structure in sorted(parts, key=lambda name: len(taxonomy.ancestors(name))):
        mask_zyx = np.zeros(grid.shape_zyx, dtype=np.bool_)
        for part in parts[structure]:
            with named(part.path):
                mask_zyx |= part.segmentation.mask_zyx(part.number, grid)
        composition.count(structure, int(np.count_nonzero(mask_zyx)))
        found = taxonomy[structure]
        composition.paint(found.layer, mask_zyx * np.uint8(found.id))
    return set(parts), [unmapped_masks_finding(unmapped)] if unmapped else []


def _structure(segment: Segment, names: LabelNames | None) -> str | None:
    """By the source's map or the label, else by the code, else by any other words."""
    if is_ignored(segment.label, names):
        return None
    said = (resolve(words, names) for words in (segment.label, *segment.other_words))
    label, *others = said
    return label or segment.structure or next(filter(None, others), None)


def _check_series(path: Path, segmentation: Segmentation, series: SeriesIdentity) -> None:
    if segmentation.series and series.series not in segmentation.series:
        raise _other(path, "it was drawn on another series")
    frames = {segmentation.frame_of_reference, series.frame_of_reference} - {""}
    if len(frames) > 1:
        raise _other(path, "its frame of reference is another one")


def _other(path: Path, what: str) -> RejectedInput:
    return RejectedInput(
        "segmentation_of_another_series",
        f"{path} does not belong to this scan: {what}",
        "Offer it with the CT series that it was drawn on.",
    )
