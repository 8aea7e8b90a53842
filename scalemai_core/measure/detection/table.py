"""What was hit, missed and falsely proposed over many scans, as a flat table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.detection.match import Matching, Role

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ScanMatching:
    """One scan's outcome."""

    patient: str
    matching: Matching
    confidence: Mapping[int, float]
    """Of every candidate by its number, above 0."""


@dataclass(frozen=True, slots=True, eq=False)
class DetectionTable:
    """Lesions and false positives of many scans; neutral candidates are left out."""

    patients: tuple[str, ...]
    """Of each scan."""
    is_normal: Bools
    """``(num_scans,)``: scans without any true lesion."""
    lesion_scan: Ints
    """``(num_lesions,)``: index of the scan, lesions in order of scan and number."""
    lesion_confidence: Floats
    """``(num_lesions,)``: of its candidate, 0 where it was missed."""
    false_positive_scan: Ints
    false_positive_confidence: Floats

    def __post_init__(self) -> None:
        if np.any(self.lesion_confidence < 0) or np.any(self.false_positive_confidence <= 0):
            raise ValueError("a candidate's confidence is above 0; 0 is a missed lesion's")

    @classmethod
    def of_scans(cls, scans: Sequence[ScanMatching]) -> Self:
        """Flatten; scans without lesions and candidates count as scans too.

        Raises ValueError where a confidence is not above 0.
        """
        lesions = [
            (index, 0.0 if number is None else _confidence(scan, number))
            for index, scan in enumerate(scans)
            for _, number in sorted(scan.matching.candidate_of.items())
        ]
        false_positives = [
            (index, scan.confidence[number])
            for index, scan in enumerate(scans)
            for number, role in sorted(scan.matching.role_of.items())
            if role is Role.FALSE_POSITIVE
        ]
        return cls(
            patients=tuple(scan.patient for scan in scans),
            is_normal=np.array([not scan.matching.candidate_of for scan in scans], dtype=np.bool_),
            lesion_scan=np.array([index for index, _ in lesions], dtype=np.int64),
            lesion_confidence=np.array([value for _, value in lesions], dtype=np.float64),
            false_positive_scan=np.array([index for index, _ in false_positives], dtype=np.int64),
            false_positive_confidence=np.array(
                [value for _, value in false_positives], dtype=np.float64
            ),
        )

    def with_lesions(self, kept: Bools) -> Self:
        """Some of the lesions against the false positives of all scans: a stratum."""
        return replace(
            self,
            lesion_scan=self.lesion_scan[kept],
            lesion_confidence=self.lesion_confidence[kept],
        )


def _confidence(scan: ScanMatching, number: int) -> float:
    if scan.confidence[number] <= 0:
        raise ValueError("a candidate's confidence is above 0; 0 is a missed lesion's")
    return scan.confidence[number]
