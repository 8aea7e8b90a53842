"""The taxonomy as a whole: 88 structures, one tree, two lookup arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalemai_core.errors import UsageError
from scalemai_core.records.label_map import Layer
from scalemai_core.taxonomy.structure import Kind, Pieces, Side, Structure
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy, read_taxonomy

TAXONOMY = load_taxonomy()
ANY_STRUCTURE = st.sampled_from(TAXONOMY.structures)

# Method reference, section 10.5.
PANTS = """
    adrenal_gland_left adrenal_gland_right aorta bladder celiac_artery colon common_bile_duct
    duodenum femur_left femur_right gall_bladder kidney_left kidney_right liver lung_left
    lung_right pancreas pancreas_body pancreas_head pancreas_tail pancreatic_duct postcava
    prostate spleen stomach superior_mesenteric_artery veins pancreatic_lesion
""".split()  # noqa: SIM905 - a list of names reads best as prose


def _changed(name: str, **changes: Any) -> Taxonomy:
    structures = [
        structure.model_copy(update=changes) if structure.name == name else structure
        for structure in TAXONOMY.structures
    ]
    return Taxonomy(TAXONOMY.version, TAXONOMY.sources, structures)


def test_there_are_88_structures_with_ids_1_to_88() -> None:
    assert [structure.id for structure in TAXONOMY.structures] == list(range(1, 89))
    assert len(set(TAXONOMY.names)) == 88
    assert TAXONOMY.version == 1


def test_ids_and_names_stand_where_the_reference_put_them() -> None:
    expected = {
        1: "pancreas", 11: "veins", 19: "iliac_vena_right", 20: "liver", 35: "uterus",
        43: "liver_segment_8", 49: "lung_middle_lobe_right", 53: "vertebrae_L1",
        58: "vertebrae_T1", 69: "vertebrae_T12", 75: "spinal_cord", 80: "cbd_stent",
        81: "pancreatic_lesion", 88: "colon_lesion",
    }  # fmt: skip
    assert {number: TAXONOMY.by_id(number).name for number in expected} == expected


def test_all_28_pants_names_are_ours() -> None:
    assert len(PANTS) == 28
    assert [TAXONOMY.resolve(name) for name in PANTS] == PANTS


def test_every_structure_is_in_exactly_one_layer() -> None:
    members = [s.id for layer in Layer for s in TAXONOMY.in_layer(layer)]
    assert sorted(members) == list(range(1, 89))
    assert [s.id for s in TAXONOMY.in_layer(Layer.LESIONS)] == list(range(81, 89))
    assert {s.kind for s in TAXONOMY.in_layer(Layer.VESSELS)} == {
        Kind.VESSEL,
        Kind.DUCT,
        Kind.DEVICE,
    }


def test_the_tree_has_the_expected_unions() -> None:
    def parts(name: str) -> list[str]:
        return [structure.name for structure in TAXONOMY.children(name)]

    assert parts("pancreas") == ["pancreas_head", "pancreas_body", "pancreas_tail"]
    assert parts("liver") == [f"liver_segment_{n}" for n in range(1, 9)]
    assert parts("lung_left") == ["lung_upper_lobe_left", "lung_lower_lobe_left"]
    assert len(parts("lung_right")) == 3
    assert parts("veins") == ["portal_vein_and_splenic_vein"]
    assert parts("pancreatic_lesion") == ["pancreatic_pdac", "pancreatic_cyst", "pancreatic_pnet"]
    assert parts("spleen") == []
    assert [s.name for s in TAXONOMY.ancestors("pancreatic_cyst")] == ["pancreatic_lesion"]
    assert TAXONOMY.member_ids("pancreas").tolist() == [1, 2, 3, 4]
    assert TAXONOMY.member_ids("pancreas").dtype == np.uint8


@given(ANY_STRUCTURE)
def test_unions_descendants_members_and_ancestors_agree(structure: Structure) -> None:
    below = TAXONOMY.descendants(structure.name)
    assert below[0] == structure
    ids = sorted(part.id for part in below)
    assert TAXONOMY.member_ids(structure.name).tolist() == ids
    assert np.flatnonzero(TAXONOMY.unions[structure.id]).tolist() == ids
    assert all(structure in TAXONOMY.ancestors(part.name) for part in below[1:])
    assert (structure in TAXONOMY.leaves) == (len(ids) == 1)


def test_unions_turn_counts_per_id_into_counts_per_structure() -> None:
    counts = np.random.default_rng(1).integers(0, 1000, 89)
    per_structure = TAXONOMY.unions @ counts
    assert per_structure[0] == counts[0]
    assert per_structure[TAXONOMY["liver"].id] == counts[20] + counts[36:44].sum()
    assert per_structure[TAXONOMY["spleen"].id] == counts[22]


def test_the_lookup_arrays_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        TAXONOMY.unions[0, 0] = False
    with pytest.raises(ValueError, match="read-only"):
        TAXONOMY.swap_sides[0] = 1


def test_swapping_sides_twice_changes_nothing() -> None:
    every_value = np.arange(256, dtype=np.uint8)
    assert TAXONOMY.swap_sides.dtype == np.uint8
    assert np.array_equal(TAXONOMY.swap_sides[TAXONOMY.swap_sides], every_value)
    moved = {int(value) for value in every_value[TAXONOMY.swap_sides != every_value]}
    assert moved == {structure.id for structure in TAXONOMY.structures if structure.pair}
    assert TAXONOMY.swap_sides[TAXONOMY["kidney_left"].id] == TAXONOMY["kidney_right"].id


@given(ANY_STRUCTURE)
def test_sides_and_partners_follow_the_names(structure: Structure) -> None:
    suffix = structure.name.rpartition("_")[2]
    assert structure.side == (suffix if suffix in set(Side) else None)
    mirrored = structure.name.replace("left", "?").replace("right", "left").replace("?", "right")
    has_partner = mirrored != structure.name and mirrored in TAXONOMY
    assert structure.pair == (mirrored if has_partner else None)
    if structure.pair is not None:
        partner = TAXONOMY[structure.pair]
        assert (partner.kind, partner.volume_ml, partner.hu) == (
            structure.kind,
            structure.volume_ml,
            structure.hu,
        )


@given(ANY_STRUCTURE, st.randoms(use_true_random=False))
def test_resolve_ignores_case_spaces_and_hyphens(structure: Structure, random: Any) -> None:
    for label in (structure.name, *structure.aliases):
        spelled = "".join(random.choice((c.lower(), c.upper())) for c in label)
        spelled = "".join(random.choice("_- ") if c == "_" else c for c in spelled)
        assert TAXONOMY.resolve(f"  {spelled} ") == structure.name


def test_an_unknown_label_resolves_to_nothing() -> None:
    assert TAXONOMY.resolve("costal_cartilages") is None
    assert TAXONOMY.resolve("") is None


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("IVC", "postcava"),
        ("inferior vena cava", "postcava"),
        ("gallbladder", "gall_bladder"),
        ("urinary-bladder", "bladder"),
        ("small_bowel", "intestine"),
        ("celiac_aa", "celiac_artery"),
        ("lung_upper_left_lobe", "lung_upper_lobe_left"),
    ],
)
def test_other_datasets_names_are_known(label: str, name: str) -> None:
    assert TAXONOMY.resolve(label) == name


def test_the_spine_is_one_chain_from_t1_to_the_sacrum() -> None:
    chain = [TAXONOMY["vertebrae_T1"]]
    while chain[-1].superior_to is not None:
        chain.append(TAXONOMY[chain[-1].superior_to])
    assert [s.name for s in chain] == [
        *(f"vertebrae_T{n}" for n in range(1, 13)),
        *(f"vertebrae_L{n}" for n in range(1, 6)),
        "sacrum",
    ]


@given(ANY_STRUCTURE)
def test_a_part_is_smaller_than_its_whole_can_be(structure: Structure) -> None:
    for whole in TAXONOMY.ancestors(structure.name):
        assert structure.volume_ml[1] <= whole.volume_ml[1]
    assert structure.volume_ml[0] > 0
    assert structure.hu[0] >= -1024


def test_sex_lesions_and_hosts() -> None:
    assert {s.name: s.sex for s in TAXONOMY.structures if s.sex} == {"prostate": "M", "uterus": "F"}
    for lesion in TAXONOMY.in_layer(Layer.LESIONS):
        assert lesion.kind is Kind.LESION
        assert lesion.inside
        assert lesion.pieces is Pieces.MANY
    assert TAXONOMY["kidney_tumor"].inside == ("kidney_left", "kidney_right")
    assert TAXONOMY["hepatic_vessel"].inside == ("liver",)
    assert TAXONOMY["spinal_cord"].inside == ()


def test_an_unknown_name_is_answered_with_what_comes_close() -> None:
    assert "kidney" not in TAXONOMY
    with pytest.raises(UsageError, match=r"did you mean .*kidney_left"):
        TAXONOMY["kidney_lef"]
    for structure_id in (0, 89):
        with pytest.raises(UsageError, match="1 to 88"):
            TAXONOMY.by_id(structure_id)


@pytest.mark.parametrize(
    ("name", "changes", "problem"),
    [
        ("spleen", {"id": 23}, r"twice \[23\], missing \[22\]"),
        ("spleen", {"id": 89}, r"missing \[22\], beyond \[89\]"),
        ("spleen", {"aliases": ("Gall-Bladder",)}, r"\['gall_bladder'\] stand twice"),
        ("pancreas_head", {"parent": "pankreas"}, "parent 'pankreas' does not exist"),
        ("pancreas", {"parent": "pancreas_head"}, "is its own ancestor"),
        ("pancreas_head", {"parent": "aorta"}, "another layer"),
        ("kidney_left", {"pair": "femur_right"}, "paired with 'femur_left'"),
        ("kidney_left", {"pair": "nothing"}, "pair 'nothing' does not exist"),
        ("kidney_left", {"side": Side.RIGHT}, "a left and a right side"),
        ("liver_lesion", {"inside": ("lever",)}, "host 'lever' does not exist"),
        ("liver_lesion", {"inside": ("kidney_cyst",)}, "must lie in another layer"),
        ("sacrum", {"superior_to": "vertebrae_T1"}, "is superior to itself"),
        ("sacrum", {"superior_to": "coccyx"}, "'coccyx', which does not exist"),
        ("spleen", {"volume_ml": (300.0, 30.0)}, r"volume_ml must rise, got \[300, 30\]"),
        ("spleen", {"hu_source": "rumour"}, "'rumour' of hu is not among the sources"),
    ],
)
def test_a_contradiction_is_refused_by_name(
    name: str, changes: dict[str, Any], problem: str
) -> None:
    with pytest.raises(UsageError, match=problem):
        _changed(name, **changes)


def test_a_malformed_file_is_refused_with_its_row(tmp_path: Any) -> None:
    path = tmp_path / "structures.yaml"
    path.write_text(
        "version: 1\nsources: {ours: x}\ndefaults: {}\nstructures: [{id: 1, name: liver}]\n"
    )
    with pytest.raises(UsageError, match=r"structure 'liver'.*layer: Field required"):
        read_taxonomy(path)
    path.write_text("version: [")
    with pytest.raises(UsageError, match="not YAML"):
        read_taxonomy(path)
    with pytest.raises(UsageError, match="cannot read"):
        read_taxonomy(tmp_path / "missing.yaml")
