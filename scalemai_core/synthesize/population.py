"""Writes a population of synthetic patients as a folder of cases, as public datasets come."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.nifti1 import Nifti1Image
from numpy.typing import NDArray

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.scan import CaseInfo
from scalemai_core.synthesize.degrade import Degraded, degrade
from scalemai_core.synthesize.faults import DegradeSettings, Fault, present
from scalemai_core.synthesize.phantoms import (
    Phantom,
    PhantomSettings,
    make_phantom,
)
from scalemai_core.synthesize.virtual import VirtualSettings, make_virtual
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy

PANCREAS_PARTS = ("pancreas_head", "pancreas_body", "pancreas_tail")


def write_population(
    folder: Path,
    *,
    seed: int,
    count: int,
    settings: PhantomSettings,
    degrade: DegradeSettings | None,
    start: int = 0,
) -> list[str]:
    """Write phantoms ``start`` to ``start + count - 1``; see ``write_patients``."""

    def draw(index: int) -> Phantom:
        return make_phantom(seed, index, settings)

    indices = range(start, start + count)
    return write_patients(folder, draw, indices, settings.labelled, degrade, seed=seed)


def write_virtual(
    folder: Path,
    source: Phantom,
    indices: range,
    settings: VirtualSettings,
    degrade: DegradeSettings | None,
    *,
    seed: int,
) -> list[str]:
    """Write virtual patients made of ``source``, labelled with what it has; ``write_patients``."""

    def draw(index: int) -> Phantom:
        rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, index])))
        return make_virtual(source, f"virtual_{seed}_{index:05d}", rng, settings)

    labelled = present(source.labels, load_taxonomy())
    return write_patients(folder, draw, indices, labelled, degrade, seed=seed)


def write_patients(
    folder: Path,
    draw: Callable[[int], Phantom],
    indices: range,
    labelled: Sequence[str],
    degrade: DegradeSettings | None,
    *,
    seed: int,
) -> list[str]:
    """Write the patients that ``draw`` makes of ``indices``; returns the names of the cases.

    A case is ``<case>/ct.nii.gz`` with ``<case>/segmentations/<structure>.nii.gz``: an empty file
    says that the structure is not in this scan, no file says nothing. ``cases.csv`` describes the
    patients; ``faults.csv`` says what was done to degraded labels. Without ``degrade`` the labels
    are the truth, and the patients are the same. ``seed`` is that of the faults.
    """
    files = annotated(labelled)
    cases: list[str] = []
    infos: list[CaseInfo] = []
    faults: list[tuple[str, Fault]] = []
    for index in indices:
        case = f"case_{index + 1:04d}"
        phantom = draw(index)
        delivered = _delivered(phantom, labelled, degrade, seed, index)
        _write_case(folder / case, phantom, delivered, files)
        cases.append(case)
        infos.append(phantom.info)
        faults.extend((case, fault) for fault in delivered.faults if fault.structure in files)
    _write_cases(folder / "cases.csv", cases, infos)
    if degrade is not None:
        _write_faults(folder / "faults.csv", faults)
    return cases


def annotated(labelled: Sequence[str]) -> tuple[str, ...]:
    """One file a case for each of these; a union's file holds its parts too."""
    whole = ("pancreas",) if set(PANCREAS_PARTS) <= set(labelled) else ()
    return (*whole, *labelled)


def _delivered(
    phantom: Phantom,
    labelled: Sequence[str],
    settings: DegradeSettings | None,
    seed: int,
    index: int,
) -> Degraded:
    """The labels as the source has them."""
    if settings is None:
        return Degraded(phantom.labels, (), ())
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, index, 1])))
    seen = set(present(phantom.labels, load_taxonomy()))
    absent = [name for name in labelled if name not in seen]
    return degrade(phantom.labels, phantom.grid, rng, settings, absent)


def _write_case(folder: Path, phantom: Phantom, delivered: Degraded, files: Sequence[str]) -> None:
    taxonomy = load_taxonomy()
    masks = folder / "segmentations"
    masks.mkdir(parents=True, exist_ok=True)
    _write_nifti(folder / "ct.nii.gz", phantom.image_zyx, phantom.grid)
    for name in files:
        path = masks / f"{name}.nii.gz"
        if name in delivered.unknown:
            # A folder written before may hold it.
            path.unlink(missing_ok=True)
        else:
            _write_nifti(path, _mask(delivered.labels, name, taxonomy), phantom.grid)


def _mask(labels: dict[Layer, LabelsZYX], name: str, taxonomy: Taxonomy) -> NDArray[np.uint8]:
    belongs = taxonomy.unions[taxonomy[name].id].astype(np.uint8)
    return belongs[labels[taxonomy[name].layer]]


def _write_nifti(path: Path, array_zyx: NDArray[np.int16] | NDArray[np.uint8], grid: Grid) -> None:
    image = Nifti1Image(array_zyx.transpose(2, 1, 0), grid.matrix)
    image.header.set_xyzt_units("mm")
    nib.save(image, path)


def _write_cases(path: Path, cases: Sequence[str], infos: Sequence[CaseInfo]) -> None:
    rows = (
        (case, info.patient, info.sex, info.age_years, info.phase, info.centre, info.report)
        for case, info in zip(cases, infos, strict=True)
    )
    _write_csv(path, ("case", "patient", "sex", "age", "phase", "centre", "report"), rows)


def _write_faults(path: Path, faults: Sequence[tuple[str, Fault]]) -> None:
    rows = (
        (case, fault.structure, fault.kind, round(fault.magnitude, 4)) for case, fault in faults
    )
    _write_csv(path, ("case", "structure", "kind", "magnitude"), rows)


def _write_csv(path: Path, header: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
