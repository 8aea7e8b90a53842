"""How often the verifier cries wolf, and how much it finds: phantoms, and one real CT."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from nibabel.nifti1 import Nifti1Image

from scalemai_core.judge.judgement import judge_scan
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Candidate
from scalemai_core.records.finding import Severity
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.scan import Scan
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.synthesize.degrade import degrade
from scalemai_core.synthesize.faults import DegradeSettings, FaultKind
from scalemai_core.synthesize.phantoms import (
    PHANTOM_STRUCTURES,
    Phantom,
    PhantomSettings,
    make_phantom,
)
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
SETTINGS = JudgeSettings()
ScanOf = Callable[..., Scan]


def spoken_of(labels: Mapping[Layer, LabelsZYX]) -> dict[str, State]:
    """What a source that labels all of a phantom says: present where there are voxels."""
    found = {int(i) for labels_zyx in labels.values() for i in np.unique(labels_zyx)}
    return {
        name: State.PRESENT if found & {int(i) for i in TAXONOMY.member_ids(name)} else State.ABSENT
        for name in ("pancreas", *PHANTOM_STRUCTURES)
    }


@pytest.fixture(scope="module")
def phantoms() -> list[Phantom]:
    """Whole and short scans of several populations."""
    whole, short = PhantomSettings(), PhantomSettings(short_share=1.0)
    scans = [(1, whole), (7, whole), (19, whole), (23, short)]
    return [make_phantom(seed, index, settings) for seed, settings in scans for index in range(2)]


def test_true_masks_of_phantoms_raise_hardly_any_alarm(
    phantoms: list[Phantom], scan_of: ScanOf
) -> None:
    masks, faults, doubts = 0, 0, 0
    for phantom in phantoms:
        judgements, findings = judge_scan(
            scan_of(phantom.grid, phantom.info.sex),
            phantom.image_zyx,
            phantom.labels,
            phantom.labels,
            spoken_of(phantom.labels),
            SETTINGS,
        )
        masks += sum(judged.volume_ml_current > 0 for judged in judgements)
        raised = [finding.severity for finding in findings[Candidate.CURRENT]]
        faults += raised.count(Severity.FAULT)
        doubts += raised.count(Severity.DOUBT)
    assert masks > 300
    assert faults < 0.02 * masks
    assert doubts < 0.03 * masks


def test_most_faults_of_careless_labels_are_found(phantoms: list[Phantom], scan_of: ScanOf) -> None:
    found: dict[FaultKind, list[bool]] = {kind: [] for kind in FaultKind}
    for index, phantom in enumerate(phantoms):
        wrong = degrade(
            phantom.labels,
            phantom.grid,
            np.random.default_rng(index),
            DegradeSettings(unknown_share=0.0),
        )
        judgements, _ = judge_scan(
            scan_of(phantom.grid, phantom.info.sex),
            phantom.image_zyx,
            wrong.labels,
            phantom.labels,
            spoken_of(phantom.labels) | spoken_of(wrong.labels),
            SETTINGS,
        )
        signs = {judged.structure: judged.findings_current != "" for judged in judgements}
        for fault in wrong.faults:
            found[fault.kind].append(signs[fault.structure])
    everything = [hit for hits in found.values() for hit in hits]
    assert len(everything) > 80
    assert np.mean(everything) > 0.6
    assert np.mean(found[FaultKind.SWAPPED_SIDES]) > 0.9
    assert np.mean(found[FaultKind.WRONG_STRUCTURE]) > 0.6


def test_a_mirrored_phantom_is_one_question_for_people(
    phantoms: list[Phantom], scan_of: ScanOf
) -> None:
    phantom = phantoms[0]
    mirrored = {layer: array_zyx[:, :, ::-1].copy() for layer, array_zyx in phantom.labels.items()}
    scan = scan_of(phantom.grid, phantom.info.sex)
    image_zyx = phantom.image_zyx[:, :, ::-1].copy()
    _, findings = judge_scan(
        scan, image_zyx, mirrored, phantom.labels, spoken_of(mirrored), SETTINGS
    )
    said = {(finding.rule, finding.structure) for finding in findings[Candidate.CURRENT]}
    assert [rule for rule, _ in said].count("mirrored") == 1
    for name in ("kidney_left", "kidney_right", "lung_left", "hip_right"):
        assert ("side", name) in said
    assert all(finding.severity is Severity.DOUBT for finding in findings[Candidate.CURRENT])
    assert "mirrored" not in {finding.rule for finding in findings[Candidate.PREDICTION]}


def test_a_real_ct_with_mostly_right_labels_raises_few_alarms(
    real_ct: Path, scan_of: ScanOf
) -> None:
    folder = real_ct / "totalsegmentator"
    labels_file = Nifti1Image.from_filename(folder / "example_seg_fast_force_split.nii.gz")
    source_zyx = np.asarray(labels_file.dataobj).astype(np.uint8).T
    header = labels_file.header.extensions[0].get_content().decode()
    maps = {layer: np.zeros(source_zyx.shape, dtype=np.uint8) for layer in Layer}
    states: dict[str, State] = {}
    for key, label in _label_names(header).items():
        name = TAXONOMY.resolve(label)
        if name is not None:
            here = source_zyx == key
            maps[TAXONOMY[name].layer][here] = TAXONOMY[name].id
            states[name] = State.PRESENT if here.any() else State.ABSENT
    image_zyx = np.asarray(
        Nifti1Image.from_filename(folder / "example_ct.nii.gz").dataobj
    ).T.astype(np.int16)
    grid = Grid.of(source_zyx.shape, np.asarray(labels_file.affine))
    judgements, findings = judge_scan(
        scan_of(grid), np.ascontiguousarray(image_zyx), maps, maps, states, SETTINGS
    )
    assert sum(judged.volume_ml_current > 0 for judged in judgements) > 40
    assert len(findings[Candidate.CURRENT]) <= 2


def _label_names(header: str) -> dict[int, str]:
    parts = header.split('<Label Key="')[1:]
    return {int(part.split('"')[0]): part.split("CDATA[")[1].split("]")[0] for part in parts}
