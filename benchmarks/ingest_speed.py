"""Scans a minute from DICOM series into the store, against SimpleITK and dcm2niix alone.

``PYTHONPATH=.:benchmarks python benchmarks/ingest_speed.py [--seed N] [--series N] [--repeats N]
[--slices N] [--also FOLDER]`` writes series of 512 x 512 x 100 with pydicom, uncompressed, a noisy
body in air, and takes them in by one process and one thread:

- ours: find the series, check every header, sort, rescale, turn into canonical order, hash,
  compress, write OME-Zarr with its checksums;
- SimpleITK: find the slices, read them as one volume into memory, and nothing else;
- SimpleITK, written: the same, and a compressed NIfTI file of it;
- dcm2niix, where it is on the PATH: a compressed NIfTI file.

``--also`` takes a folder with the slices of a series of your own. Arms take turns; ratios are
medians, and the voxels that ours stored are compared with what SimpleITK reads.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = "1"

import numpy as np
import SimpleITK as sitk  # noqa: N813 - its usual name

from scalemai_core.dicom.series import slice_files
from scalemai_core.intake.sources import open_source
from scalemai_core.records.grid import Grid
from scalemai_core.records.scan import Scan
from scalemai_core.store.workspace import Workspace
from tasks.ingest import store_case

EDGE = 512
SPACING_MM = (0.8, 0.8, 2.5)
MINUTE = 60.0


def write_series(folder: Path, rng: np.random.Generator, slices: int) -> Path:
    """A round body of soft tissue in air, with noise of 12 HU."""
    folder.mkdir(parents=True)
    y, x = np.ogrid[:EDGE, :EDGE]
    body = ((y - EDGE / 2) / 180) ** 2 + ((x - EDGE / 2) / 220) ** 2 < 1
    plane = np.where(body, 40.0, -1024.0)
    image_zyx = np.repeat(plane[None], slices, axis=0)
    image_zyx += rng.normal(0, 12, image_zyx.shape) * body
    grid = Grid.of(image_zyx.shape, np.diag([*SPACING_MM, 1.0]))
    scan = Scan(
        scan_id=f"{rng.integers(2**63):032x}",
        patient="painted",
        case=folder.name,
        source="painted",
        grid=grid,
        source_axes="RAS",
        source_affine=grid.affine,
        fold=0,
    )
    for number, file in enumerate(slice_files(scan, image_zyx.astype(np.int16))):
        file.save_as(folder / f"{number:04d}.dcm", enforce_file_format=True)
    return folder


def ours(series: Path, scratch: Path) -> tuple[Workspace, str]:
    """Into a workspace of its own, as a shard's task does it; the scan's id."""
    store = Workspace.create(str(scratch / "workspace"), patient_key="painted")
    (files,) = open_source(str(series)).cases
    stored = store_case(store, files, None).stored
    if stored is None:
        raise RuntimeError(f"{series} was rejected")
    return store, stored.scan.scan_id


def itk(series: Path, scratch: Path) -> sitk.Image:
    """One volume in memory."""
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(series)))
    return reader.Execute()


def itk_written(series: Path, scratch: Path) -> None:
    """And a compressed file."""
    sitk.WriteImage(itk(series, scratch), str(scratch / "image.nii.gz"), useCompression=True)


def dcm2niix(series: Path, scratch: Path) -> None:
    """A compressed file, by its own inner compressor."""
    command = ["dcm2niix", "-z", "i", "-b", "n", "-o", str(scratch), str(series)]
    subprocess.run(command, check=True, capture_output=True)


def arms() -> dict[str, Callable[[Path, Path], object]]:
    """By name, in the order of the table."""
    found: dict[str, Callable[[Path, Path], object]] = {
        "scalemai, into the store": ours,
        "SimpleITK, into memory": itk,
        "SimpleITK, nii.gz": itk_written,
    }
    return found | ({"dcm2niix, nii.gz": dcm2niix} if shutil.which("dcm2niix") else {})


def measure(arm: Callable[[Path, Path], object], series: list[Path]) -> tuple[float, float]:
    """Wall and processor seconds of one series."""
    with tempfile.TemporaryDirectory(prefix="scalemai-ingest-") as scratch:
        wall, spent = time.perf_counter(), _processor()
        for number, folder in enumerate(series):
            place = Path(scratch, str(number))
            place.mkdir()
            arm(folder, place)
        return (
            (time.perf_counter() - wall) / len(series),
            (_processor() - spent) / len(series),
        )


def _processor() -> float:
    return sum(os.times()[:4])


def check(series: Path) -> None:
    """The same voxels, whatever the order of the axes."""
    with tempfile.TemporaryDirectory(prefix="scalemai-ingest-") as scratch:
        store, scan_id = ours(series, Path(scratch))
        stored_zyx = store.scans.read(scan_id)
    read_zyx = sitk.GetArrayFromImage(itk(series, Path())).astype(np.int16)
    stored, read = np.sort(stored_zyx, axis=None), np.sort(read_zyx, axis=None)
    if not np.array_equal(stored, read):
        raise RuntimeError(f"what was stored of {series} is not what SimpleITK reads")


def print_arms(title: str, series: list[Path], repeats: int) -> None:
    """Arms in turn; a row each."""
    for folder in series[:1]:
        check(folder)
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in arms()}
    for _ in range(repeats):
        for name, arm in arms().items():
            spent[name].append(measure(arm, series))
    print(f"{title}, {datetime.now(UTC):%Y-%m-%d}; ratio: processor seconds of each to ours")
    own = [cpu for _, cpu in spent["scalemai, into the store"]]
    for name, found in spent.items():
        wall = median(seconds for seconds, _ in found)
        ratio = median(cpu / mine for (_, cpu), mine in zip(found, own, strict=True))
        cpu = median(cpu for _, cpu in found)
        print(
            f"{name:26} {MINUTE / wall:7.1f} scans/min {cpu:7.2f} CPU s {ratio:6.2f}x", flush=True
        )


def main() -> None:
    """Parse the command line, write series, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--series", type=int, default=3)
    parser.add_argument("--slices", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--also", type=Path)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory(prefix="scalemai-series-") as folder:
        written = [
            write_series(Path(folder, f"case-{number}"), rng, options.slices)
            for number in range(options.series)
        ]
        title = f"{options.series} series of {EDGE} x {EDGE} x {options.slices}, one thread"
        print_arms(title, written, options.repeats)
    if options.also:
        print_arms(f"the series in {options.also.name}", [options.also], options.repeats)


if __name__ == "__main__":
    main()
