"""Made-up lesions for the tests of pages and metrics: tallies, and what gold says of a model."""

from __future__ import annotations

from typing import Any

from scalemai_core.records.detection import (
    Curve,
    DetectionReport,
    DiagnosisReport,
    Rate,
    SiteReport,
    StratumRate,
    Work,
)
from scalemai_core.records.operating_point import OperatingPoint
from scalemai_core.records.round import LesionTally

TALLY = LesionTally(
    candidates=4812,
    fates={"below": 3880, "deleted": 302, "kept": 61, "labelled": 412, "read": 18, "review": 139},
    asked=120, confirmed=37, audited=6, audit_errors=1, unfound=9,
)  # fmt: skip
NO_TALLY = LesionTally(
    candidates=0, fates={}, asked=0, confirmed=0, audited=0, audit_errors=0, unfound=0
)
NO_CURVE = Curve(x=(), y=(), low=(), high=())
NO_RATE = Rate(found=0, total=0, low=0.0, high=1.0)
NO_WORK = Work(
    sensitivity=NO_RATE, false_positives_per_scan=None, false_positives_per_normal_scan=None,
    seconds_per_scan=None, saved_share=None,
)  # fmt: skip
POINT = OperatingPoint(
    site="pancreas", log_odds=-3.1, probability=0.0431, target_sensitivity=0.99,
    guaranteed_sensitivity=0.9908, reached=True,
    reason="the highest threshold that guarantees 0.99: it finds 150 of 150 lesions",
    patients=121, lesions=150, sensitivity=1.0, scans=180, false_positives_per_scan=0.58,
    false_positives_per_normal_scan=0.49,
)  # fmt: skip
BEFORE = Work(
    sensitivity=Rate(found=92, total=96, low=0.8967, high=0.9885),
    false_positives_per_scan=0.6214, false_positives_per_normal_scan=0.5117,
    seconds_per_scan=22.4, saved_share=0.8941,
)  # fmt: skip
AFTER = Work(
    sensitivity=Rate(found=91, total=96, low=0.8826, high=0.9829),
    false_positives_per_scan=0.2143, false_positives_per_normal_scan=0.0041,
    seconds_per_scan=21.9, saved_share=0.8963,
)  # fmt: skip
STRATA = tuple(
    StratumRate(by=by, name=name, rate=Rate(found=found, total=total, low=low, high=high))
    for by, name, found, total, low, high in (
        ("size", "<= 5 mm", 3, 4, 0.1941, 0.9937),
        ("size", "5-10 mm", 17, 20, 0.6211, 0.9679),
        ("size", "10-20 mm", 40, 40, 0.9119, 1.0),
        ("size", "20-40 mm", 32, 32, 0.8911, 1.0),
        ("size", "> 40 mm", 0, 0, 0.0, 1.0),
        ("size", "early", 60, 64, 0.8476, 0.9827),
        ("place", "pancreas_head", 50, 53, 0.8434, 0.9882),
        ("place", "pancreas_tail", 42, 43, 0.8771, 0.9994),
        ("kind", "pancreatic_lesion", 92, 96, 0.8967, 0.9885),
    )
)
DIAGNOSIS = DiagnosisReport(
    site="pancreas",
    classes=("none", "pancreatic_lesion", "pancreatic_pdac", "pancreatic_cyst", "pancreatic_pnet"),
    counts=((40, 0, 3, 2, 0), (0, 0, 0, 0, 0), (1, 0, 31, 4, 0), (2, 0, 5, 28, 0), (0,) * 5),
    accuracy=99 / 116,
    accuracy_of_lesions=59 / 71,
)


def make_curve(middle: float, first: float = 1 / 32, last: float = 32.0, num: int = 61) -> Curve:
    """A rising curve that is half way up at ``middle``, over numbers of equal ratio."""
    x = [first * (last / first) ** (place / (num - 1)) for place in range(num)]
    y = [value / (value + middle) for value in x]
    return Curve(
        x=tuple(x),
        y=tuple(y),
        low=tuple(max(0.0, value - 0.06) for value in y),
        high=tuple(min(1.0, value + 0.04) for value in y),
    )


def make_site(**changes: Any) -> SiteReport:
    """A pancreas, well measured, of which reports deleted a lesion; but for the changes."""
    values: dict[str, Any] = {
        "point": POINT, "patients": 116, "scans": 140, "normal_scans": 52,
        "before_reports": BEFORE, "after_reports": AFTER, "deleted": 57, "deleted_lesions": 1,
        "froc": make_curve(0.05), "froc_normal": make_curve(0.04),
        "roc": make_curve(0.04, 1 / 1024, 1.0), "auc": 0.9512, "auc_low": 0.9134,
        "auc_high": 0.9741, "average_precision": 0.91, "strata": STRATA,
    } | changes  # fmt: skip
    return SiteReport(**values)


def unmeasured(name: str = "colon") -> SiteReport:
    """A site of which gold holds nothing."""
    point = POINT.model_copy(
        update={
            "site": name, "probability": 1e-4, "guaranteed_sensitivity": 0.0, "reached": False,
            "reason": "no patient here has a lesion: nothing is guaranteed", "patients": 0,
            "lesions": 0, "sensitivity": None, "scans": 0, "false_positives_per_scan": None,
            "false_positives_per_normal_scan": None,
        }
    )  # fmt: skip
    return make_site(
        point=point, patients=0, scans=0, normal_scans=0, before_reports=NO_WORK,
        after_reports=NO_WORK, deleted=0, deleted_lesions=0, froc=NO_CURVE, froc_normal=NO_CURVE,
        roc=NO_CURVE, auc=None, auc_low=None, auc_high=None, average_precision=None, strata=(),
    )  # fmt: skip


def one_patient(name: str) -> SiteReport:
    """A site with one patient, whose only lesion was found at no false positive."""
    found = BEFORE.model_copy(
        update={
            "sensitivity": Rate(found=1, total=1, low=0.025, high=1.0), "saved_share": -0.211,
            "false_positives_per_scan": 0.0, "false_positives_per_normal_scan": None,
        }
    )  # fmt: skip
    flat = Curve(x=(1 / 32, 1.0, 32.0), y=(1.0,) * 3, low=(1.0,) * 3, high=(1.0,) * 3)
    return unmeasured(name).model_copy(
        update={
            "patients": 1, "scans": 1, "before_reports": found, "after_reports": found,
            "froc": flat,
            "strata": (StratumRate(by="size", name="5-10 mm", rate=found.sensitivity),),
        }
    )  # fmt: skip


def make_detection(*sites: SiteReport, **changes: Any) -> DetectionReport:
    """The pancreas with its diagnoses, or other sites."""
    values: dict[str, Any] = {
        "model": "r0002-5c1e", "sites": sites or (make_site(),), "diagnoses": (DIAGNOSIS,),
    } | changes  # fmt: skip
    return DetectionReport(**values)
