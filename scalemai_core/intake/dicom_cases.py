"""The cases of a folder of DICOM: a CT series each, with the segmentations that refer to it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from scalemai_core.intake.case import CaseFiles, ImageKind
from scalemai_core.intake.dicom import Series, find_series
from scalemai_core.intake.table import merged
from scalemai_core.records.scan import CaseInfo


def dicom_cases(folder: Path, table: dict[str, CaseInfo]) -> tuple[CaseFiles, ...]:
    """Every series below the folder.

    A segmentation goes with the series that it names, or with the only one of its frame of
    reference where it names none. One whose series is not here is a case of its own, which is then
    rejected: nothing that was offered is lost without a trace.
    """
    found = find_series(folder)
    images = [series for series in found if series.drawn_on is None]
    drawn: dict[int, list[Path]] = defaultdict(list)
    strays: list[Series] = []
    for series in found:
        if series.drawn_on is not None:
            owners = _owners(series, images)
            strays += [] if owners else [series]
            for owner in owners:
                drawn[owner] += series.slices
    by_folder: dict[Path, list[Series]] = defaultdict(list)
    for series in (*images, *strays):
        by_folder[series.folder].append(series)
    segmentations = {id(images[index]): tuple(paths) for index, paths in drawn.items()}
    return tuple(
        CaseFiles(
            case=case,
            source=folder.name,
            kind=ImageKind.DICOM,
            image=series.slices,
            segmentations=segmentations.get(id(series), ()),
            info=merged(table.get(case), series.info),
        )
        for siblings in by_folder.values()
        for case, series in zip(_names(siblings, folder), siblings, strict=True)
    )


def _owners(series: Series, images: Sequence[Series]) -> list[int]:
    """Which series a segmentation belongs to: of several copies, the one in its own folder."""
    wanted = series.drawn_on
    if wanted is None:
        return []
    if wanted.series:
        owners = [n for n, one in enumerate(images) if one.identity.series == wanted.series]
        near = [n for n in owners if images[n].folder == series.folder]
        return near or owners
    frame = wanted.frame_of_reference
    owners = [n for n, one in enumerate(images) if one.identity.frame_of_reference == frame]
    return owners if frame and len(owners) == 1 else []


def _names(siblings: Sequence[Series], root: Path) -> list[str]:
    """Folder below the root, and the series' number where the folder holds several."""
    name = "_".join(siblings[0].folder.relative_to(root).parts) or root.name
    if len(siblings) == 1:
        return [name]
    numbers = [series.number for series in siblings]
    if len(set(numbers)) < len(numbers):
        numbers = [str(place) for place in range(1, len(siblings) + 1)]
    return [f"{name}_{number or 'unnumbered'}" for number in numbers]
