"""Candidates and lesions side by side, and what gold says of a model by them."""

from __future__ import annotations

from enum import StrEnum

from scalemai_core.records.base import Record
from scalemai_core.records.lesion import Lesion, LesionCandidate
from scalemai_core.records.operating_point import OperatingPoint
from scalemai_core.records.scan import GoldRole
from scalemai_core.settings.lesions import LesionSettings


class DetectionKind(StrEnum):
    """What one row of a comparison is."""

    LOOKED = "looked"
    """The site of a scan was looked at; scans without any lesion count too."""
    HIT = "hit"
    """A lesion and the candidate that found it."""
    MISSED = "missed"
    """A lesion that no candidate found."""
    FALSE_POSITIVE = "false_positive"
    NEUTRAL = "neutral"
    """A second candidate of a lesion that was found."""


class Detection(Record):
    """One row of the comparison of candidates with lesions, at one site of one scan.

    In gold the lesions are true ones, elsewhere those of the present annotation.
    """

    scan_id: str
    patient: str
    gold: GoldRole | None
    site: str
    kind: DetectionKind
    candidate: LesionCandidate | None = None
    lesion: Lesion | None = None


class Rate(Record):
    """A share with its exact 95 % interval."""

    found: int
    total: int
    low: float
    high: float

    @property
    def estimate(self) -> float | None:
        """None where nothing was tried."""
        return self.found / self.total if self.total else None


class Curve(Record):
    """Points of a curve with its pointwise 95 % band, bootstrapped by patient."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


class StratumRate(Record):
    """Sensitivity for some of the lesions, at the operating point."""

    by: str
    """``size``, ``place`` or ``kind``."""
    name: str
    rate: Rate


class Work(Record):
    """What the operating point brings people in gold ``test``: to find, to delete, to draw."""

    sensitivity: Rate
    false_positives_per_scan: float | None
    """Over all scans."""
    false_positives_per_normal_scan: float | None
    """Over scans without a lesion at the site."""
    seconds_per_scan: float | None
    saved_share: float | None
    """Of the time that drawing every lesion would take."""


class SiteReport(Record):
    """How well a model finds the lesions of one site in gold ``test``."""

    point: OperatingPoint
    """Chosen on gold ``fit``."""
    patients: int
    scans: int
    normal_scans: int
    before_reports: Work
    after_reports: Work
    """With the candidates gone that a report excludes."""
    deleted: int
    """False candidates that reports excluded."""
    deleted_lesions: int
    """True ones: each is a failure."""
    froc: Curve
    """Sensitivity against false positives per scan, over all scans."""
    froc_normal: Curve
    """The same with false positives per normal scan."""
    roc: Curve
    """Patients' sensitivity against 1 - specificity."""
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    """DeLong's 95 % interval."""
    average_precision: float | None
    strata: tuple[StratumRate, ...]
    fit_strata: tuple[StratumRate, ...] = ()
    """The same of gold ``fit``: from these training may learn what is missed, from ``test`` never.
    Empty in reports of earlier versions of the engine."""


class DiagnosisReport(Record):
    """The kind of lesion that patients have at a site, and what the model says."""

    site: str
    classes: tuple[str, ...]
    """``none`` first."""
    counts: tuple[tuple[int, ...], ...]
    """Patients; rows are what they have, columns what the model says."""
    accuracy: float | None
    accuracy_of_lesions: float | None
    """Among patients with a lesion; one that was missed counts as wrong."""


class DetectionReport(Record):
    """``models/<key>/lesions.json``: what gold says of a model and lesions."""

    model: str
    settings: LesionSettings = LesionSettings()
    """With which candidates were found: operating points hold for these alone."""
    sites: tuple[SiteReport, ...]
    diagnoses: tuple[DiagnosisReport, ...]


def lesions_path(model_key: str) -> str:
    """Place of a model's detection report below the workspace, beside its weights."""
    return f"models/{model_key}/lesions.json"
