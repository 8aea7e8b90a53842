"""A bundle runs in MONAI's own loader, without this engine, and says what our predictor says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import torch
from memory import STRUCTURES, MemoryVolumes, add_case, document_of, make_plan, paint

from scalemai_core.errors import UsageError
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.learn import device
from scalemai_core.learn.bundle.write import SCRIPTS, write_bundle
from scalemai_core.learn.predict.predictor import Predictor
from scalemai_core.learn.train.process import train
from scalemai_core.learn.weights import Weights
from scalemai_core.records.label_map import Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.settings.learning import InputSettings

LOADER = """
import sys
from monai.bundle import run, verify_net_in_out

bundle, scans, out = sys.argv[1:]
config = bundle + "/configs/inference.json"
run(run_id="run", config_file=config, bundle_root=bundle, dataset_dir=scans, output_dir=out,
    device="cpu")
verify_net_in_out(net_id="network_def", config_file=config, device="cpu",
                  meta_file=bundle + "/configs/metadata.json")
assert not [name for name in sys.modules if name.startswith("scalemai")]
"""


def a_model(volumes: MemoryVolumes) -> ModelDocument:
    """Two fold models, trained for a moment."""
    plan = make_plan([add_case(volumes, seed) for seed in range(4)])
    plan = plan.model_copy(
        update={
            "input": InputSettings(spacing_mm=4.0, patch_zyx=(16, 16, 16)),
            "train": plan.train.model_copy(update={"steps": 30}),
        }
    )
    for fold in range(2):
        own = plan.model_copy(update={"seed": fold})
        network = train(own, volumes, volumes, torch.device("cpu"), lambda _: None)
        volumes.files[f"fold_{fold}"] = Weights.of(network, plan.channels).to_bytes()
    return document_of(plan, ("fold_0", "fold_1"))


def write_scan(path: Path) -> None:
    """A scan whose axes and steps are not the network's: finer, oblong, turned, mirrored."""
    image_zyx = paint(99)[0].repeat(2, axis=1)
    image_zyx[:2, :2, :2] = -1000
    affine = np.array([[0, -2.1, 0, 5], [-3.3, 0, 0, 70], [0, 0, 5.2, -9], [0, 0, 0, 1]], float)
    image_xyz = np.ascontiguousarray(image_zyx.transpose(1, 2, 0))
    nib.save(nib.Nifti1Image(image_xyz, affine), path)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, MemoryVolumes, ModelDocument]:
    volumes = MemoryVolumes()
    document = a_model(volumes)
    folder = tmp_path_factory.mktemp("consumer") / "bundle"
    write_bundle(folder, volumes, document, "# A card\n", version=7)
    return folder, volumes, document


def test_monai_alone_predicts_what_our_predictor_predicts(
    written: tuple[Path, MemoryVolumes, ModelDocument],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bundle, volumes, document = written
    # A bundle computes in float32 everywhere, the engine in bfloat16 where that is fast.
    monkeypatch.setattr(device, "_cpu_multiplies_bfloat16", lambda: False)
    scans, out = tmp_path / "scans", tmp_path / "out"
    scans.mkdir()
    write_scan(scans / "ct.nii.gz")
    alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ran = subprocess.run(
        [sys.executable, "-c", LOADER, bundle, scans, out],
        cwd=tmp_path,
        env=alone,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    (files,) = open_source(str(scans / "ct.nii.gz")).cases
    case = read_case(files)
    predictor = Predictor.load(volumes, document, [0, 1], "cpu", 1)
    ours = predictor.predict(case.image_zyx, case.grid)
    assert {path.name for path in out.iterdir()} == {
        f"ct_{layer.value}.nii.gz" for layer in (Layer.ANATOMY, Layer.VESSELS)
    }
    for layer, labels_zyx in ours.labels.items():
        written_nifti = nib.load(out / f"ct_{layer.value}.nii.gz")
        scan = nib.load(scans / "ct.nii.gz")
        assert written_nifti.shape == scan.shape
        assert np.allclose(written_nifti.affine, scan.affine)
        closest = nib.as_closest_canonical(written_nifti)
        theirs_zyx = np.asarray(closest.dataobj).transpose(2, 1, 0)
        assert set(np.unique(labels_zyx)) == set(np.unique(theirs_zyx)) != {0}
        assert (theirs_zyx != labels_zyx).sum() <= 2, "voxels on the very edge may round"


def test_what_a_bundle_holds(
    written: tuple[Path, MemoryVolumes, ModelDocument], tmp_path: Path
) -> None:
    bundle = tmp_path / "bundle"
    write_bundle(bundle, *written[1:], "# A card\n", version=7)
    found = {str(path.relative_to(bundle)) for path in bundle.rglob("*") if path.is_file()}
    scripts = {f"scripts/{module.__name__.rpartition('.')[2]}.py" for module in SCRIPTS}
    assert found == scripts | {
        "configs/inference.json",
        "configs/metadata.json",
        "docs/README.md",
        "models/model.safetensors",
        "scripts/__init__.py",
        "LICENSE",
    }
    meta = json.loads((bundle / "configs" / "metadata.json").read_text())
    assert meta["version"] == "7.0.0"
    assert set(meta["required_packages_version"]) == {"nibabel", "safetensors"}
    titles = meta["network_data_format"]["outputs"]["pred"]["channel_def"]
    assert titles["0"] == "anatomy/background"
    assert {name for name in STRUCTURES if f"anatomy/{name}" in titles.values()}
    for script in bundle.glob("scripts/*.py"):
        assert "import scalemai" not in script.read_text()
        assert "from scalemai" not in script.read_text()


def test_a_model_of_all_scans_is_the_one_that_is_given_away(
    written: tuple[Path, MemoryVolumes, ModelDocument], tmp_path: Path
) -> None:
    _, volumes, document = written
    refit = document.model_copy(update={"refit": "fold_1"})
    write_bundle(tmp_path / "refit", volumes, refit, "", version=1)
    config = json.loads((tmp_path / "refit" / "configs" / "inference.json").read_text())
    assert len(config["network_def"]["networks"]) == 1
    with pytest.raises(UsageError, match="not empty"):
        write_bundle(tmp_path / "refit", volumes, refit, "", version=1)
