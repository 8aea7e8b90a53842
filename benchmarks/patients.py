"""Phantom patients of a study: painted once, kept in a folder, read by trainings from memory."""

from __future__ import annotations

import zlib
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX, LabelsZYX, Layer
from scalemai_core.records.training import TrainingCase
from scalemai_core.synthesize.phantoms import Phantom, PhantomSettings, make_phantom
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.places import Places, find_places

CASES_IN_MEMORY = 256


class PhantomFolder:
    """A VolumeReader of phantoms by number: scan ``7``, its label map ``7/lesions``.

    ``7/anatomy/liver,spleen`` is a label map of which somebody labelled only these two.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def paint(self, seed: int, indices: range, settings: PhantomSettings, jobs: int) -> None:
        """Paint those that are not there yet."""
        missing = [index for index in indices if not self._path(index).exists()]
        self._folder.mkdir(parents=True, exist_ok=True)
        with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
            running = [pool.submit(self._write, seed, index, settings) for index in missing]
            for job in running:
                job.result()

    def image(self, scan_id: str) -> ImageZYX:
        """int16 HU."""
        return _loaded(self._path(int(scan_id)))["image"]

    def labels(self, label_map: str) -> LabelsZYX:
        """uint8 structure ids; what nobody labelled is 0."""
        number, layer, *labelled = label_map.split("/")
        labels_zyx = _loaded(self._path(int(number)))[layer]
        return _only(labels_zyx, labelled[0]) if labelled else labels_zyx

    def places(self, label_map: str) -> Places:
        """Where its structures and lesions are."""
        number, layer, *_ = label_map.split("/")
        lesions = layer == Layer.LESIONS
        return _places(self, label_map, self.grid(int(number)).voxel_ml, lesions)

    def grid(self, index: int) -> Grid:
        """Where the scan lies."""
        stored = _loaded(self._path(index))
        return Grid.of(stored["image"].shape, stored["affine"])

    def case(
        self,
        index: int,
        layers: tuple[Layer, ...],
        labelled: tuple[str, ...] = (),
        unknown: tuple[str, ...] = (),
    ) -> TrainingCase:
        """The patient as a training case, all structures labelled unless some are named."""
        only = f"/{','.join(labelled)}" if labelled else ""
        return TrainingCase(
            scan_id=str(index),
            patient=str(index),
            grid=self.grid(index),
            label_maps={layer: f"{index}/{layer}{only}" for layer in layers},
            unknown=unknown,
        )

    def _path(self, index: int) -> Path:
        return self._folder / f"{index:05d}.npz"

    def _write(self, seed: int, index: int, settings: PhantomSettings) -> None:
        phantom: Phantom = make_phantom(seed, index, settings)
        arrays = {str(layer): labels_zyx for layer, labels_zyx in phantom.labels.items()}
        draft = self._path(index).with_suffix(".draft.npz")
        np.savez_compressed(
            draft, allow_pickle=False, image=phantom.image_zyx, affine=phantom.grid.affine, **arrays
        )
        draft.rename(self._path(index))


@lru_cache(maxsize=CASES_IN_MEMORY)
def _loaded(path: Path) -> dict[str, np.ndarray]:
    with np.load(path) as stored:
        return {name: stored[name] for name in stored.files}


@lru_cache(maxsize=4 * CASES_IN_MEMORY)
def _places(folder: PhantomFolder, label_map: str, voxel_ml: float, lesions: bool) -> Places:  # noqa: FBT001
    rng = np.random.default_rng(zlib.crc32(label_map.encode()))
    return find_places(folder.labels(label_map), voxel_ml, rng, lesions=lesions)


def _only(labels_zyx: LabelsZYX, names: str) -> LabelsZYX:
    kept = np.zeros(256, dtype=np.uint8)
    taxonomy = load_taxonomy()
    for name in names.split(","):
        kept[taxonomy[name].id] = taxonomy[name].id
    return kept[labels_zyx]
