"""Matching 10,000 lesion candidates and their FROC curve against picai_eval, on one thread.

``python benchmarks/lesion_detection.py --seed 3`` makes scans of several sizes with lesions and
candidates, hands both sides the same arrays in one process, and prints seconds, ratios and the
largest difference of any number; it leaves with an error where one is not 0 to 1e-9.

picai_eval labels both masks itself, so ours does too: "ours" is labelling, meeting, matching,
curve, AUC and average precision. "Matching alone" starts at numbered components, as the engine
keeps them. Half the scans are normal, for those picai_eval compares nothing; elsewhere it takes
several passes over the volume for every pair of lesion and candidate, so that the lesions of a
scan matter to it. Components lie in the middle of a scan, as those of an organ do.

Seconds are CPU time of one thread. ``--candidates`` scales the first sizes down for a quick look.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

import numpy as np
from numpy.typing import NDArray
from picai_eval.eval import evaluate
from rich.console import Console
from rich.table import Table

from scalemai_core.measure.detection.froc import FrocCurve, froc_curve
from scalemai_core.measure.detection.match import match
from scalemai_core.measure.detection.meeting import Meeting
from scalemai_core.measure.detection.roc import PatientScores, auc, average_precision
from scalemai_core.measure.detection.table import DetectionTable, ScanMatching
from scalemai_core.volume.components import bounding_box, components

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
SPACING = (1.0, 1.0, 1.0)
CELL = 12
"""Voxels across the cell that holds one component at most, so that none touch."""
ORGAN = (96, 192, 192)
"""Largest extent of what holds components, voxels."""
LARGEST_DIFFERENCE = 1e-9
NUM_LEVELS = 8192
PER_SCAN = (0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)

Numbers = dict[str, NDArray[np.float64]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Size:
    """Scans of one row of the table."""

    shape_zyx: tuple[int, int, int]
    most_lesions: int
    """Of a scan that is not normal, which has at least one."""
    candidates_per_scan: int
    candidates: int

    @property
    def num_scans(self) -> int:
        """As many as it takes."""
        return max(self.candidates // self.candidates_per_scan, 1)


SIZES = (
    Size((48, 48, 48), 3, 10, 10_000),
    Size((64, 96, 96), 3, 10, 10_000),
    Size((64, 96, 96), 20, 40, 2_000),
    Size((300, 512, 512), 3, 10, 40),
)


@dataclass(frozen=True, slots=True)
class MadeScan:
    """What both sides get: the true mask, and candidates painted with their confidence."""

    truth_zyx: NDArray[np.uint8]
    detection_zyx: NDArray[np.float32]


def make_scan(rng: np.random.Generator, size: Size) -> MadeScan:
    """Half the scans have lesions: one that is missed, others with a candidate near."""
    truth = np.zeros(size.shape_zyx, dtype=np.uint8)
    detection = np.zeros(size.shape_zyx, dtype=np.float32)
    organ = np.minimum(size.shape_zyx, ORGAN)
    grid = organ // CELL
    cells = rng.permutation(int(grid.prod()))[: size.candidates_per_scan]
    num_lesions = int(rng.integers(1, size.most_lesions + 1)) * int(rng.integers(2))
    start = (np.array(size.shape_zyx) - organ) // 2
    places = start + np.stack(np.unravel_index(cells, grid), axis=1) * CELL
    for index, corner in enumerate(places):
        if index < num_lesions:
            _paint(rng, truth, corner, 1)
            if index == 0:  # without a missed lesion picai_eval drops the last point of its curve
                continue
        # Fewer than 10,000 levels: beyond that picai_eval leaves thresholds out.
        _paint(rng, detection, corner, int(rng.integers(1, NUM_LEVELS)) / NUM_LEVELS)
    return MadeScan(truth, detection)


def _paint(
    rng: np.random.Generator, volume_zyx: NDArray[Any], corner: NDArray[np.int64], value: float
) -> None:
    """An ellipsoid inside its cell, a voxel from the border."""
    radii = rng.uniform(1.5, 4.5, 3)
    centre = rng.uniform(radii + 1, CELL - 2 - radii)
    at = np.indices((CELL, CELL, CELL)) - centre[:, None, None, None]
    blob = ((at / radii[:, None, None, None]) ** 2).sum(axis=0) <= 1
    z, y, x = corner
    volume_zyx[z : z + CELL, y : y + CELL, x : x + CELL][blob] = value


def label(volume_zyx: NDArray[Any]) -> NDArray[np.uint32]:
    """Numbered components, found inside the box that holds them."""
    numbered = np.zeros(volume_zyx.shape, dtype=np.uint32)
    box = bounding_box(volume_zyx)
    if box is not None:
        numbered[box], _ = components(volume_zyx[box] > 0)
    return numbered


class Ours:
    """Our side, its seconds by what they went into."""

    def __init__(self) -> None:
        self.rows: list[ScanMatching] = []
        self.scores: list[float] = []
        self.labelling = self.matching = self.curves = 0.0

    def add(self, scan: MadeScan) -> None:
        """Label and match one scan."""
        sides = scan.truth_zyx, scan.detection_zyx
        (lesions, candidates), seconds = timed(lambda: [label(side) for side in sides])
        self.labelling += seconds
        meeting, seconds = timed(lambda: Meeting.of_arrays(lesions, candidates, SPACING))
        self.matching += seconds
        row, seconds = timed(lambda: self._row(scan, meeting))
        self.matching += seconds
        self.rows.append(row)

    def _row(self, scan: MadeScan, meeting: Meeting) -> ScanMatching:
        found = scan.detection_zyx.reshape(-1)[meeting.candidates.first].tolist()
        confidence = dict(zip(meeting.candidates.numbers.tolist(), found, strict=True))
        self.scores.append(max(found, default=0.0))
        return ScanMatching(f"{len(self.rows)}", match(meeting), confidence)

    def finish(self) -> Numbers:
        """All numbers of all scans."""
        numbers, self.curves = timed(self._numbers)
        return numbers

    def _numbers(self) -> Numbers:
        table = DetectionTable.of_scans(self.rows)
        curve: FrocCurve = froc_curve(table)
        scores = PatientScores.of_scans(table.patients, self.scores, ~table.is_normal)
        area = auc(scores) if 0 < scores.is_positive.sum() < len(self.rows) else np.nan
        precision = average_precision(table.lesion_confidence, table.false_positive_confidence)
        return {
            "hits": curve.hits,
            "false positives": curve.false_positives[:-1],
            "sensitivity at false positives": curve.sensitivity_at(PER_SCAN),
            "AUC": np.array([area]),
            "average precision": np.array([precision]),
        }


def picai(scans: list[MadeScan]) -> Numbers:
    """Their side: everything from the same arrays."""
    metrics = evaluate(
        (cast("Any", scan.detection_zyx) for scan in scans),
        (cast("Any", scan.truth_zyx) for scan in scans),
        subject_list=range(len(scans)),
        num_parallel_calls=1,
    )
    counts = metrics.calculate_counts()
    # Their rates are float32; their counts are exact.
    sensitivity = counts["TP"].astype(np.float64) / metrics.num_lesions
    per_scan = counts["FP"].astype(np.float64) / metrics.num_cases
    at = [np.append(0.0, sensitivity[per_scan <= wanted])[-1] for wanted in PER_SCAN]
    both = len(set(metrics.case_target.values())) > 1  # pyright: ignore[reportOptionalMemberAccess]
    return {
        "hits": counts["TP"].astype(np.float64),
        "false positives": counts["FP"].astype(np.float64)[:-1],
        "sensitivity at false positives": np.array(at),
        "AUC": np.array([metrics.auroc if both else np.nan]),
        "average precision": np.array([metrics.AP]),
    }


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What it returns, and the CPU seconds it took."""
    started = time.process_time()
    return work(), time.process_time() - started


def batches(size: Size, rng: np.random.Generator) -> Iterator[MadeScan]:
    """The scans of one size, one of them with a lesion for certain."""
    for index in range(size.num_scans):
        scan = make_scan(rng, size)
        while index == 0 and not scan.truth_zyx.any():
            scan = make_scan(rng, size)
        yield scan


def difference(ours: Numbers, theirs: Numbers) -> float:
    """The largest of any number; infinite where even the lengths differ."""
    if any(ours[name].shape != theirs[name].shape for name in theirs):
        return float("inf")
    gaps = [np.nan_to_num(np.abs(ours[name] - theirs[name])).max() for name in theirs]
    return float(max(gaps))


def main() -> None:
    """One row a size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--candidates", type=int, default=10_000, help="at most, in each row")
    options = parser.parse_args()
    if any(os.environ.get(name) != "1" for name in ONE_THREAD):  # libraries read them once
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **ONE_THREAD})
    rng = np.random.default_rng(options.seed)
    warm = Ours()
    warm.add(make_scan(rng, SIZES[0]))  # pays compilation
    warm.finish()
    table = Table(title=f"seed {options.seed}, one thread, CPU seconds")
    columns = (
        "scan", "scans", "lesions", "candidates", "ours s", "picai_eval s", "ratio",
        "matching alone s", "ratio", "largest difference",
    )  # fmt: skip
    for column in columns:
        table.add_column(column, justify="right")
    worst = 0.0
    for size in SIZES:
        fewer = replace(size, candidates=min(size.candidates, options.candidates))
        worst = max(worst, add_row(table, fewer, rng))
    Console(width=150).print(table)
    if worst > LARGEST_DIFFERENCE:
        sys.exit("picai_eval's numbers and ours differ")


def add_row(table: Table, size: Size, rng: np.random.Generator) -> float:
    """Run both sides on one size; returns the largest difference."""
    scans = list(batches(size, rng))
    ours = Ours()
    for scan in scans:
        ours.add(scan)
    numbers = ours.finish()
    theirs, their_seconds = timed(lambda: picai(scans))
    gap = difference(numbers, theirs)
    own = ours.labelling + ours.matching + ours.curves
    alone = ours.matching + ours.curves
    table.add_row(
        "x".join(str(length) for length in size.shape_zyx),
        f"{len(scans):,}",
        f"{sum(len(row.matching.candidate_of) for row in ours.rows):,}",
        f"{sum(len(row.matching.role_of) for row in ours.rows):,}",
        f"{own:.3f}",
        f"{their_seconds:.1f}",
        f"{their_seconds / own:,.0f}x",
        f"{alone:.3f}",
        f"{their_seconds / alone:,.0f}x",
        f"{gap:.1e}",
    )
    return gap


if __name__ == "__main__":
    main()
