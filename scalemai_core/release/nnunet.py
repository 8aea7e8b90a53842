"""A dataset version as an nnU-Net raw dataset, nothing of the overlapping layers lost.

nnU-Net reads one integer map a case. Every combination of structures that meets in a voxel gets an
integer of its own, and each structure is declared as the region of the integers that contain it.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import UsageError
from scalemai_core.intake.writer import write_nifti
from scalemai_core.records.label_map import Layer
from scalemai_core.records.scan import Scan
from scalemai_core.records.version import DatasetVersion
from scalemai_core.release.cases import ReleasedCases, check_new, write_annotations
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy

Combination = tuple[int, ...]
"""The ids that meet in a voxel, one a layer; 0 where a layer is empty."""

ENDING = ".nii.gz"
MAX_COMBINATIONS = 2**16


class Combinations:
    """Integers for combinations of ids, given in the order in which they are met."""

    def __init__(self) -> None:
        self._codes: dict[Combination, int] = {(0,) * len(Layer): 0}

    def encode(self, layers: list[NDArray[np.uint8]]) -> NDArray[np.uint16]:
        """One integer map that says what all layers say."""
        key = np.zeros(layers[0].shape, dtype=np.uint32)
        for labels_zyx in layers:
            key = (key << np.uint32(8)) | labels_zyx
        keys, inverse = np.unique(key, return_inverse=True)
        met = [tuple(int(k) >> shift & 0xFF for shift in (16, 8, 0)) for k in keys]
        codes = [self._codes.setdefault(one, len(self._codes)) for one in met]
        if len(self._codes) > MAX_COMBINATIONS:
            raise UsageError("more combinations of structures than nnU-Net's integers can name")
        return np.array(codes, dtype=np.uint16)[inverse].reshape(key.shape)

    def regions(self, taxonomy: Taxonomy) -> dict[str, list[int]]:
        """For every structure met, the integers that contain it (parents contain their parts).

        Parents come before their parts.
        """
        regions: dict[str, list[int]] = {}
        for combination, code in self._codes.items():
            for structure_id in filter(None, combination):
                structure = taxonomy.by_id(structure_id)
                for name in (structure.name, *(a.name for a in taxonomy.ancestors(structure.name))):
                    regions.setdefault(name, []).append(code)
        names = sorted(regions, key=lambda name: (len(taxonomy.ancestors(name)), name))
        return {name: sorted(regions[name]) for name in names}


def export_nnunet(store: Workspace, version: DatasetVersion, folder: Path) -> int:
    """Write ``imagesTr``, ``labelsTr``, ``dataset.json`` and ``annotations.csv``.

    Files carry the names of the cases they came from and their own orientation and affine.
    ``annotations.csv`` tells unknown from absent, which label maps cannot. Returns the number of
    cases. Raises UsageError if the folder holds something already.
    """
    check_new(folder)
    cases = ReleasedCases(store, version)
    combinations = Combinations()
    for case in cases:
        name, scan = case.name, case.scan
        image_zyx = store.scans.read(scan.scan_id)
        layers = case.layers(store)
        labels_zyx = combinations.encode([layers[layer] for layer in Layer])
        _write(folder / "imagesTr" / f"{name}_0000{ENDING}", image_zyx, scan)
        _write(folder / "labelsTr" / f"{name}{ENDING}", labels_zyx, scan)
    write_annotations(folder, cases)
    regions = combinations.regions(load_taxonomy())
    (folder / "dataset.json").write_text(_description(version, regions, len(cases)))
    return len(cases)


def _write(path: Path, array_zyx: NDArray[np.int16] | NDArray[np.uint16], scan: Scan) -> None:
    write_nifti(path, array_zyx, scan.source_axes, scan.source_affine)


def _description(version: DatasetVersion, regions: dict[str, list[int]], cases: int) -> str:
    description = {
        "name": f"dataset version {version.number}",
        "description": f"round {version.round}, digest {version.digest}",
        "channel_names": {"0": "CT"},
        "labels": {"background": 0, **regions},
        # nnU-Net paints regions in this order; parents first, so that their parts stay visible.
        "regions_class_order": list(range(1, len(regions) + 1)),
        "numTraining": cases,
        "file_ending": ENDING,
    }
    return json.dumps(description, indent=1)
