"""Rules on what is not there, though the scan shows the body above and below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from scalemai_core.judge.rules.frame import TOP, ordered_levels, spinal_chain
from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.rule import Hit, fault_if, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings

PELVIS = 18
"""Level below the sacrum: levels count down the spine, T1 is 0, L5 is 16, the sacrum 17."""

LANDMARKS: dict[str, tuple[int, ...]] = {
    "trachea": (3,),
    "heart": (8,),
    "lung_left": (10,),
    "lung_right": (10,),
    "pancreas": (12,),
    "kidney_left": (13,),
    "kidney_right": (13,),
    "hip_left": (16,),
    "hip_right": (16,),
    "bladder": (PELVIS,),
    "prostate": (PELVIS,),
    "femur_left": (PELVIS,),
    "femur_right": (PELVIS,),
}
"""Levels that any part of a structure without a vertebra proves to be in the scan: lungs end low
behind the liver, hips reach up beside L5."""

WHOLE_LANDMARKS: dict[str, tuple[int, ...]] = {
    "liver": (10, 12),
    "spleen": (10, 11),
    "kidney_left": (12, 13),
    "kidney_right": (12, 13),
    "hip_left": (16, PELVIS),
    "hip_right": (16, PELVIS),
    "heart": (6, 8),
}
"""The same of a structure of plausible size that the scan does not cut."""

LEVELS: dict[str, tuple[int, int, bool]] = {
    "liver": (10, 12, False),
    "spleen": (10, 12, True),
    "stomach": (10, 13, True),
    "gall_bladder": (10, 15, True),
    "intestine": (11, 16, False),
    "pancreas": (10, 13, True),
    **{f"pancreas_{part}": (10, 13, True) for part in ("head", "body", "tail")},
    "duodenum": (10, 14, True),
    "colon": (10, 16, True),
    "kidney_left": (10, 14, True),
    "kidney_right": (10, 14, True),
    "adrenal_gland_left": (10, 13, True),
    "adrenal_gland_right": (10, 13, True),
    "aorta": (10, 13, False),
    "postcava": (10, 13, False),
    "celiac_artery": (10, 13, False),
    "superior_mesenteric_artery": (11, 15, False),
    "veins": (10, 13, False),
    "portal_vein_and_splenic_vein": (10, 13, False),
    "hepatic_vessel": (10, 12, False),
    **{f"renal_vein_{side}": (11, 14, True) for side in ("left", "right")},
    **{
        f"iliac_{kind}_{side}": (15, PELVIS, False)
        for kind in ("artery", "vena")
        for side in ("left", "right")
    },
    "heart": (3, 8, False),
    "lung_left": (8, 10, True),
    "lung_right": (8, 10, True),
    "trachea": (0, 5, False),
    "esophagus": (3, 10, True),
    "spinal_cord": (10, 11, False),
    "autochthon_left": (11, 14, False),
    "autochthon_right": (11, 14, False),
    "iliopsoas_left": (13, 16, False),
    "iliopsoas_right": (13, 16, False),
    "sacrum": (16, PELVIS, False),
    "hip_left": (16, 17, False),
    "hip_right": (16, 17, False),
    "bladder": (16, PELVIS, True),
    "rectum": (16, PELVIS, True),
}
"""A scan from the one level to the other shows some of the structure, however high or low it lies
in the patient, unless (True) a surgeon may have taken it."""

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


_UPPER = ("liver", "spleen", "pancreas", "kidney_left", "kidney_right")

PASSES_ORGANS: dict[str, tuple[str, ...]] = {
    "aorta": _UPPER,
    "postcava": ("liver", "pancreas", "kidney_left", "kidney_right"),
    "spinal_cord": ("liver", "spleen", "lung_left", "lung_right", "heart"),
    "autochthon_left": (*_UPPER, "lung_left", "lung_right"),
    "autochthon_right": (*_UPPER, "lung_left", "lung_right"),
    "iliopsoas_left": ("sacrum", "hip_left", "hip_right"),
    "iliopsoas_right": ("sacrum", "hip_left", "hip_right"),
}
"""Organs whose middle a long structure passes, whether or not vertebrae are labelled."""


def missing(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """What everybody has is not absent where the scan reaches from above it to below it."""
    gone = (masks.absent & (masks.volume_ml == 0)).tolist()
    seen = _landmarks(masks) if any(gone) else {}
    if not seen:
        return
    highest, lowest = min(seen), max(seen)
    between = f"although the scan reaches from {seen[highest]} to {seen[lowest]}"
    for name, sure in _expected(masks, seen).items():
        if gone[masks.taxonomy[name].id]:
            message = f"{spoken(name)} is missing {between}"
            yield Hit(name, fault_if(sure), 0.0, 0.0, message)
            parent = masks.taxonomy[name].parent
            if parent is not None and masks.shown(parent):
                lacks = f"{spoken(parent)} lacks its part: {message}"
                yield Hit(parent, Severity.DOUBT, 0.0, 0.0, lacks)


def reach(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """A long structure is drawn along all in the scan that it passes (section 1.5 A).

    One vertebra tells; of organs, whose heights vary, two must agree.
    """
    chain, levels = spinal_chain(masks.taxonomy), ordered_levels(masks)
    for structure in masks.shown(*PASSES):
        first, last = PASSES[structure.name]
        heights_mm = {
            chain[level].name: z_mm for level, z_mm in levels.items() if first <= level <= last
        }
        organs = {
            organ.name: float(masks.centroid_mm[organ.id, TOP])
            for organ in masks.shown(*PASSES_ORGANS[structure.name])
        }
        ends_mm = masks.ends_mm[structure.id].tolist()
        lacks = _lacks(ends_mm, heights_mm)[-1:] + _lacks(ends_mm, organs)[-2:-1]
        lack_mm, landmark = max(lacks, default=(0.0, ""))
        if lack_mm > settings.reach_mm:
            message = f"{spoken(structure.name)} ends {lack_mm:.0f} mm before {spoken(landmark)}"
            severity = fault_if(lack_mm > 3 * settings.reach_mm)
            yield Hit(structure.name, severity, lack_mm, settings.reach_mm, message)


def _lacks(ends_mm: Sequence[float], heights_mm: Mapping[str, float]) -> list[tuple[float, str]]:
    """By how much a structure ends before each of these, at the worse of its ends; rising."""
    low_mm, high_mm = ends_mm
    return sorted((max(z - high_mm, low_mm - z), name) for name, z in heights_mm.items())


def _landmarks(masks: Masks) -> dict[int, str]:
    """Levels that are in the scan, each with a structure that proves it."""
    chain = spinal_chain(masks.taxonomy)
    proofs = [(chain[level].name, (level,)) for level in ordered_levels(masks)]
    volume_ml, cut = masks.volume_ml.tolist(), masks.at_border.tolist()
    seen: dict[int, str] = {}
    for name, levels in (*proofs, *LANDMARKS.items()):
        structure = masks.taxonomy[name]
        if volume_ml[structure.id] > STRAY_SHARE * structure.volume_ml[0]:
            seen.update((level, spoken(name)) for level in levels)
    for name, levels in WHOLE_LANDMARKS.items():
        structure = masks.taxonomy[name]
        if volume_ml[structure.id] > structure.volume_ml[0] and not cut[structure.id]:
            seen.update((level, spoken(name)) for level in levels)
    return seen


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
