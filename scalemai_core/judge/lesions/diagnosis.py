"""Which kind of lesion a patient has, and how often that is right; method reference, 11.4."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.records.lesion import LesionCandidate
from scalemai_core.taxonomy.site import Site

NONE = "none"
"""The diagnosis of a patient without a lesion."""


@dataclass(frozen=True, slots=True, eq=False)
class Confusion:
    """Patients by what they have (rows) and what the model says (columns)."""

    classes: tuple[str, ...]
    """``none`` first."""
    counts: NDArray[np.int64]

    @property
    def accuracy(self) -> float | None:
        """Share of patients with the right diagnosis."""
        return _share(self.counts)

    @property
    def accuracy_of_lesions(self) -> float | None:
        """The same among patients with a lesion; one that was missed counts as wrong."""
        return _share(self.counts[1:], first=1)


def diagnose(
    candidates: Iterable[LesionCandidate],
    patients: Mapping[str, str],
    site: Site,
    log_odds: float,
) -> dict[str, str]:
    """Patient -> the structure of the most probable candidate at the site, over all scans.

    ``patients`` is scan -> patient, for every scan that was looked at; ``log_odds`` the operating
    point. Of equally probable kinds the first of the site's.
    """
    best: dict[str, tuple[float, int]] = {}
    for candidate in candidates:
        if candidate.site != site.name or candidate.log_odds < log_odds:
            continue
        patient = patients[candidate.scan_id]
        rank = (candidate.log_odds, -site.lesions.index(candidate.structure))
        best[patient] = max(best.get(patient, rank), rank)
    return {
        patient: site.lesions[-best[patient][1]] if patient in best else NONE
        for patient in sorted(set(patients.values()))
    }


def confusion(said: Mapping[str, str], truth: Mapping[str, str], site: Site) -> Confusion:
    """Compare by patient; raises ValueError where both do not speak of the same patients."""
    if said.keys() != truth.keys():
        raise ValueError("diagnoses and truth are of different patients")
    classes = (NONE, *site.lesions)
    counts = np.zeros((len(classes), len(classes)), dtype=np.int64)
    for patient, name in truth.items():
        counts[classes.index(name), classes.index(said[patient])] += 1
    return Confusion(classes, counts)


def _share(counts: NDArray[np.int64], first: int = 0) -> float | None:
    total = int(counts.sum())
    return int(np.trace(counts, offset=first)) / total if total else None
