"""Maps from other datasets' label names and codes to ours."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from nibabel.nifti1 import Nifti1Image

from scalemai_core.errors import UsageError
from scalemai_core.taxonomy.label_names import LabelNames, available_maps
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
EVERY_MAP = pytest.mark.parametrize("name", available_maps())


def _own_map(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(f"name: own\nsource: a test\n{text}")
    return path


def test_the_four_datasets_have_maps() -> None:
    assert {"totalsegmentator_v2", "abdomenatlas", "pants"} <= set(available_maps())
    assert {name for name in available_maps() if name.startswith("msd_")} == {
        "msd_liver",
        "msd_pancreas",
        "msd_hepatic_vessel",
        "msd_spleen",
        "msd_colon",
    }


@EVERY_MAP
def test_every_target_exists_and_every_label_reaches_it(name: str) -> None:
    names = LabelNames.load(name)
    assert names.name == name
    assert names.source
    assert names.labels
    for label, target in names.labels.items():
        assert target in TAXONOMY
        if isinstance(label, int):
            assert names.target(label) == target
        else:
            assert names.resolve(f" {label.upper().replace('_', '-')} ") == target


@EVERY_MAP
def test_ignored_labels_have_no_structure(name: str) -> None:
    names = LabelNames.load(name)
    for label in names.ignored:
        assert names.is_ignored(label)
        if isinstance(label, int):
            assert names.target(label) is None
        else:
            assert names.resolve(label) is None
            assert TAXONOMY.resolve(label) is None


def test_all_names_in_a_real_totalsegmentator_header_are_known(real_ct: Path) -> None:
    path = real_ct / "totalsegmentator" / "example_seg_fast_force_split.nii.gz"
    table = Nifti1Image.from_filename(path).header.extensions[0].get_content().decode()
    labels = {int(code): name for code, name in re.findall(r'Key="(\d+)".*?CDATA\[(.*?)\]', table)}
    assert len(labels) == 117
    names = LabelNames.load("totalsegmentator_v2")
    for code, label in labels.items():
        target = names.resolve(label)
        assert (target is None) == names.is_ignored(label)
        assert target == names.target(code)
        assert names.is_ignored(code) == names.is_ignored(label)
    unnamed = {label for label in labels.values() if names.resolve(label) is None}
    assert {"brain", "costal_cartilages", "rib_left_1"} <= unnamed
    assert len({names.resolve(label) for label in labels.values()} - {None}) == 57


def test_several_labels_may_become_one_structure() -> None:
    names = LabelNames.load("totalsegmentator_v2")
    assert names.resolve("kidney_cyst_left") == names.resolve("kidney_cyst_right") == "kidney_cyst"
    assert names.resolve("vertebrae_S1") == "sacrum"
    assert LabelNames.load("abdomenatlas").resolve("liver_cyst") == "liver_lesion"


def test_one_code_means_something_else_in_every_task() -> None:
    assert LabelNames.load("msd_liver").target(2) == "liver_lesion"
    assert LabelNames.load("msd_pancreas").target(2) == "pancreatic_lesion"
    assert LabelNames.load("msd_liver").resolve("cancer") == "liver_lesion"
    assert LabelNames.load("msd_pancreas").resolve("cancer") == "pancreatic_lesion"
    assert LabelNames.load("msd_colon").target(2) is None


def test_a_label_the_map_does_not_name_falls_through_to_the_taxonomy() -> None:
    assert LabelNames.load("msd_spleen").resolve("Inferior Vena Cava") == "postcava"
    assert LabelNames.load("msd_spleen").resolve("left ear") is None
    assert not LabelNames.load("msd_spleen").is_ignored("left ear")


def test_ignoring_wins_over_the_taxonomy(tmp_path: Path) -> None:
    names = LabelNames.load(_own_map(tmp_path, "labels: {512: lung_left}\nignored: [Liver, 513]\n"))
    assert names.resolve("liver") is None
    assert names.is_ignored("LIVER")
    assert names.is_ignored(513)
    assert names.target(512) == "lung_left"
    assert names.target(513) is None
    assert names.resolve("spleen") == "spleen"


def test_an_unknown_map_is_answered_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"'totalseg'.*abdomenatlas.*totalsegmentator_v2"):
        LabelNames.load("totalseg")
    with pytest.raises(UsageError, match="cannot read"):
        LabelNames.load("missing.yaml")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("labels: {a: gallbladder}", "it is 'gall_bladder' here"),
        ("labels: {7: nose}", "'7' leads to 'nose'.*the names are pancreas"),
        ("labels: {a: liver}\nignored: [A]", "both mapped to 'liver' and ignored"),
        ("labels: {a b: liver, a-b: spleen}", "both 'liver' and 'spleen'"),
        ("label: {a: liver}", "label: Extra inputs"),
        ("labels: {a: liver}\n---\nname: b", "source: Field required"),
    ],
)
def test_a_wrong_map_is_refused_with_the_reason(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        LabelNames.load(_own_map(tmp_path, text))


def test_a_file_of_ones_own_holds_one_map(tmp_path: Path) -> None:
    path = _own_map(tmp_path, "labels: {a: liver}\n---\nname: b\nsource: c\nlabels: {a: spleen}\n")
    with pytest.raises(UsageError, match="one label map, found 2"):
        LabelNames.load(path)
