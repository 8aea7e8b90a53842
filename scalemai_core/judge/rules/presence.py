"""Rules on what is not there, though the scan shows the body above and below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.place import ordered_levels, spinal_chain
from scalemai_core.judge.rules.rule import Hit, fault_if, spoken
from scalemai_core.settings import JudgeSettings

PELVIS = 18
"""Level below the sacrum: levels count down the spine, T1 is 0, L5 is 16, the sacrum 17."""

LANDMARKS = {
    "trachea": 3,
    "heart": 8,
    "pancreas": 12,
    "kidney_left": 13,
    "kidney_right": 13,
    "bladder": PELVIS,
    "prostate": PELVIS,
    "femur_left": PELVIS,
    "femur_right": PELVIS,
}
"""Level that a structure without a vertebra proves to be in the scan."""

LEVELS: dict[str, tuple[int, int, bool]] = {
    "liver": (8, 13, False),
    "spleen": (8, 13, True),
    "stomach": (8, 14, True),
    "gall_bladder": (9, 15, True),
    "intestine": (11, 16, False),
    "pancreas": (10, 14, True),
    **{f"pancreas_{part}": (10, 14, True) for part in ("head", "body", "tail")},
    "duodenum": (10, 15, True),
    "colon": (9, 16, True),
    "kidney_left": (10, 15, True),
    "kidney_right": (10, 15, True),
    "adrenal_gland_left": (9, 13, True),
    "adrenal_gland_right": (9, 13, True),
    "aorta": (9, 14, False),
    "postcava": (10, 14, False),
    "celiac_artery": (10, 14, False),
    "superior_mesenteric_artery": (11, 15, False),
    "veins": (10, 14, False),
    "portal_vein_and_splenic_vein": (10, 14, False),
    "hepatic_vessel": (8, 13, False),
    **{f"renal_vein_{side}": (11, 15, True) for side in ("left", "right")},
    **{
        f"iliac_{kind}_{side}": (15, PELVIS, False)
        for kind in ("artery", "vena")
        for side in ("left", "right")
    },
    "heart": (3, 10, False),
    "lung_left": (3, 10, True),
    "lung_right": (3, 10, True),
    "trachea": (0, 5, False),
    "esophagus": (3, 10, True),
    "spinal_cord": (4, 10, False),
    "autochthon_left": (8, 15, False),
    "autochthon_right": (8, 15, False),
    "iliopsoas_left": (12, 17, False),
    "iliopsoas_right": (12, 17, False),
    "sacrum": (15, PELVIS, False),
    "hip_left": (15, PELVIS, False),
    "hip_right": (15, PELVIS, False),
    "bladder": (15, PELVIS, True),
    "rectum": (15, PELVIS, True),
}
"""A scan with both levels shows the structure, unless (True) a surgeon may have taken it."""

STRAY_SHARE = 0.1
"""Share of its least plausible volume from which a mask proves a level; below it may be stray."""

PASSES: dict[str, tuple[int, int]] = {
    "aorta": (5, 14),
    "postcava": (10, 14),
    "spinal_cord": (1, 11),
    "autochthon_left": (1, 15),
    "autochthon_right": (1, 15),
    "iliopsoas_left": (14, 16),
    "iliopsoas_right": (14, 16),
}
"""First and last vertebra that a long structure passes."""


def missing(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """What everybody has is not absent where the scan reaches from above it to below it."""
    seen = _landmarks(masks)
    if not seen:
        return
    highest, lowest = min(seen), max(seen)
    between = f"although the scan reaches from {seen[highest]} to {seen[lowest]}"
    for name, sure in _expected(masks, seen).items():
        if masks.stated_absent(name):
            yield Hit(name, fault_if(sure), 0.0, 0.0, f"{spoken(name)} is missing {between}")


def reach(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """A long structure is drawn along every vertebra in the scan that it passes (section 1.5 A)."""
    chain, levels = spinal_chain(masks.taxonomy), ordered_levels(masks)
    for structure in masks.shown(*PASSES):
        first, last = PASSES[structure.name]
        low_mm, high_mm = masks.ends_mm[structure.id].tolist()
        lacks = [
            (max(z_mm - high_mm, low_mm - z_mm), chain[level].name)
            for level, z_mm in levels.items()
            if first <= level <= last
        ]
        lack_mm, vertebra = max(lacks, default=(0.0, ""))
        if lack_mm > settings.reach_mm:
            message = f"{spoken(structure.name)} ends {lack_mm:.0f} mm before {spoken(vertebra)}"
            severity = fault_if(lack_mm > 3 * settings.reach_mm)
            yield Hit(structure.name, severity, lack_mm, settings.reach_mm, message)


def _landmarks(masks: Masks) -> dict[int, str]:
    """Levels that are in the scan, each with a structure that proves it."""
    chain = spinal_chain(masks.taxonomy)
    levels = LANDMARKS | {chain[level].name: level for level in ordered_levels(masks)}
    return {
        level: spoken(name)
        for name, level in levels.items()
        if masks.volume_ml[masks.taxonomy[name].id]
        > STRAY_SHARE * masks.taxonomy[name].volume_ml[0]
    }


def _expected(masks: Masks, seen: Mapping[int, str]) -> dict[str, bool]:
    """What the scan must show, and whether that is sure."""
    highest, lowest = min(seen), max(seen)
    expected = {
        name: not removable
        for name, (top, bottom, removable) in LEVELS.items()
        if highest <= top and lowest >= bottom
    }
    for level, vertebra in enumerate(spinal_chain(masks.taxonomy)):
        if highest < level < lowest:
            # Sure between its neighbours; the number of vertebrae varies.
            sure = level - 1 in seen and level + 1 in seen
            expected.setdefault(vertebra.name, sure)
    return expected
