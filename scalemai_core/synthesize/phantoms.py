"""Phantom patients: procedural abdominal CT whose label maps are exactly true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from pydantic import Field, model_validator

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.scan import CaseInfo
from scalemai_core.settings.section import Section
from scalemai_core.synthesize.bowel import (
    paint_colon,
    paint_duodenum,
    paint_intestine,
    paint_stomach,
)
from scalemai_core.synthesize.canvas import Canvas
from scalemai_core.synthesize.lesions import (
    LESION_NUMBERS,
    LesionPlan,
    PaintedLesion,
    paint_lesions,
)
from scalemai_core.synthesize.organs import (
    PANCREAS_PARTS,
    paint_adrenals,
    paint_bladder,
    paint_gall_bladder,
    paint_kidneys,
    paint_liver,
    paint_pancreas,
)
from scalemai_core.synthesize.patient import Patient, draw_patient
from scalemai_core.synthesize.report import ReportSettings, write_report
from scalemai_core.synthesize.skeleton import VERTEBRAE, paint_back, paint_bones
from scalemai_core.synthesize.torso import paint_table, paint_torso
from scalemai_core.synthesize.vessels import ARTERIES, PORTAL, VEINS, paint_vessels
from scalemai_core.taxonomy.taxonomy import load_taxonomy

PHANTOM_STRUCTURES: tuple[str, ...] = (
    *VERTEBRAE,
    *("sacrum", "hip_left", "hip_right", "spinal_cord"),
    *("autochthon_left", "autochthon_right", "iliopsoas_left", "iliopsoas_right"),
    *(
        "lung_left",
        "lung_right",
        "heart",
        "esophagus",
        "stomach",
        "duodenum",
        "intestine",
        "colon",
        "rectum",
    ),
    *("liver", "gall_bladder", "spleen", "kidney_left", "kidney_right"),
    *("adrenal_gland_left", "adrenal_gland_right", "bladder"),
    *(name for name, _, _ in PANCREAS_PARTS),
    *(*VEINS, *PORTAL, *ARTERIES),
    *LESION_NUMBERS,
)
"""Every structure whose id can occur in a phantom's label maps; pancreas is a union of parts."""


class PhantomSettings(Section):
    """What a phantom's scanner does."""

    spacing_mm: float | tuple[float, float, float] = 4.0
    """Voxel edge, or edges along z, y, x."""
    field_mm_zyx: tuple[float, float, float] = (384.0, 256.0, 352.0)
    """Field of view; a shorter one ends higher."""
    field_top_mm: float = 134.0
    """Its upper end above the disc between L1 and L2; 134 shows the heart, 96 begins in the liver's
    dome."""
    short_share: float = Field(default=0.0, ge=0, le=1)
    """Share of patients of whom only the upper abdomen is scanned."""
    short_field_mm: float = Field(default=224.0, gt=0)
    """Extent along z of those scans."""
    lesions: float = Field(default=1.0, ge=0)
    """Factor on all numbers of lesions; 0 makes everyone healthy."""
    lesion_numbers: dict[str, float] = Field(default=dict(LESION_NUMBERS))
    """Mean number in a patient of each structure that occurs; the number is Poisson's."""
    lesion_mm: tuple[float, float] = (10.0, 36.0)
    """Diameters, every octave equally frequent; an organ cuts off what grows beyond it."""
    healthy_share: float = Field(default=0.0, ge=0, le=1)
    """Share of patients who have no lesion whatever the numbers; others may have none by chance."""
    report: ReportSettings | None = None
    """How radiologists report what the scans show; None: there are no reports."""
    deformation_mm: float = Field(default=6.0, ge=0)
    """How far slow random waves bend the anatomy."""
    noise: float = Field(default=1.0, ge=0)
    """Factor on the scanner's noise, which is 8 to 15 HU without it."""
    structures: tuple[str, ...] | None = None
    """What is labelled; None labels everything. The rest is in the image all the same."""

    @model_validator(mode="after")
    def _structures_can_occur(self) -> Self:
        unknown = set(self.structures or ()) - set(PHANTOM_STRUCTURES)
        if unknown:
            raise ValueError(f"phantoms have no {', '.join(sorted(unknown))}")
        return self

    @model_validator(mode="after")
    def _lesions_can_occur(self) -> Self:
        unknown = set(self.lesion_numbers) - set(LESION_NUMBERS)
        if unknown:
            raise ValueError(f"phantoms have no lesions {', '.join(sorted(unknown))}")
        smallest, largest = self.lesion_mm
        if not 0 < smallest <= largest:
            raise ValueError("lesion_mm must rise from above 0")
        return self

    @property
    def labelled(self) -> tuple[str, ...]:
        """Structures whose ids may occur in label maps."""
        return PHANTOM_STRUCTURES if self.structures is None else self.structures

    @property
    def lesion_plan(self) -> LesionPlan:
        """Which lesions a patient may have."""
        numbers = {name: self.lesions * mean for name, mean in self.lesion_numbers.items()}
        return LesionPlan(numbers, self.lesion_mm, self.healthy_share)


@dataclass(frozen=True, slots=True)
class Phantom:
    """One patient's scan with exact truth."""

    image_zyx: ImageZYX
    labels: dict[Layer, LabelsZYX]
    grid: Grid
    """Canonical: axes along right, anterior, superior."""
    info: CaseInfo
    lesions: tuple[PaintedLesion, ...] = ()
    """What was painted, labelled or not."""


def make_phantom(seed: int, index: int, settings: PhantomSettings) -> Phantom:
    """Patient ``index`` of the population ``seed``; the same at every call, on every machine.

    Anatomy does not depend on the spacing, noise does.
    """
    patient = draw_patient(seed, index, settings.deformation_mm)
    patient = replace(patient, noise_hu=settings.noise * patient.noise_hu)
    canvas = Canvas(_grid(patient, settings), patient, settings.deformation_mm, load_taxonomy())
    torso = paint_torso(canvas)
    paint_back(canvas, torso)
    paint_liver(canvas, torso)
    paint_kidneys(canvas)
    paint_adrenals(canvas)
    paint_stomach(canvas, torso)
    paint_gall_bladder(canvas, torso)
    paint_duodenum(canvas)
    colon = paint_colon(canvas, torso)
    pancreas = paint_pancreas(canvas)
    paint_bladder(canvas, torso)
    paint_bones(canvas, torso)
    paint_intestine(canvas, torso)
    paint_vessels(canvas)
    tubes = {"pancreas": pancreas, "colon": colon}
    lesions = paint_lesions(canvas, settings.lesion_plan, tubes)
    paint_table(canvas)
    info = _info(patient, lesions, settings.report)
    labelled = np.zeros(256, dtype=np.uint8)
    for name in settings.labelled:
        labelled[canvas.taxonomy[name].id] = canvas.taxonomy[name].id
    labels = {layer: labelled[labels_zyx] for layer, labels_zyx in canvas.labels.items()}
    return Phantom(canvas.render(), labels, canvas.grid, info, lesions)


def _info(
    patient: Patient, lesions: Sequence[PaintedLesion], settings: ReportSettings | None
) -> CaseInfo:
    """What the table says of the patient."""
    info = CaseInfo(
        patient=f"phantom_{patient.seed}_{patient.index:05d}",
        sex=patient.sex,
        age_years=patient.age_years,
        phase=patient.phase,
        centre="phantom",
    )
    if settings is None:
        return info
    report = write_report(info, lesions, patient.rng("report"), settings)
    return info.model_copy(update={"report": report})


def _grid(patient: Patient, settings: PhantomSettings) -> Grid:
    """The scanner's grid: centred on its own axis left-right and front-back, hung from the top."""
    spacing = settings.spacing_mm
    sz, sy, sx = spacing if isinstance(spacing, tuple) else (spacing, spacing, spacing)
    depth, height, width = settings.field_mm_zyx
    if patient.rng("field").random() < settings.short_share:
        depth = min(depth, settings.short_field_mm)
    shape = (round(depth / sz), round(height / sy), round(width / sx))
    ox, oy, oz = patient.origin_mm_xyz
    affine = np.diag([sx, sy, sz, 1.0])
    affine[:3, 3] = (
        ox - 0.5 * width + 0.5 * sx,
        oy - 0.5 * height + 0.5 * sy,
        oz + settings.field_top_mm - 0.5 * sz - (shape[0] - 1) * sz,
    )
    return Grid.of(shape, affine)
