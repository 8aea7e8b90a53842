"""Which fold and which gold role a patient has; patients keep both for ever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from scalemai_core.records.scan import GoldRole

Place = TypeVar("Place", int, GoldRole)


def assign_folds(patients: Iterable[str], known: Mapping[str, int], folds: int) -> dict[str, int]:
    """A fold for every patient: known ones stay, new ones fill the emptiest fold."""
    return _fill(patients, known, range(folds))


def assign_gold(patients: Iterable[str], known: Mapping[str, GoldRole]) -> dict[str, GoldRole]:
    """A role for every trusted patient: known ones stay, new ones fill the emptiest role."""
    return _fill(patients, known, tuple(GoldRole))


def _fill(
    patients: Iterable[str], known: Mapping[str, Place], places: Sequence[Place]
) -> dict[str, Place]:
    filled = dict(known)
    counts = Counter(known.values())
    # Sorted by their keyed hash, so that the order of files decides nothing.
    for patient in sorted(set(patients) - filled.keys()):
        place = min(places, key=lambda candidate: (counts[candidate], places.index(candidate)))
        filled[patient] = place
        counts[place] += 1
    return filled
