"""What structures look like from outside, in words: the structures that are asked about.

Method reference, section 2.4, in words of our own; what that section does not name is ours. Ducts,
lesions, ribs and single vertebrae have no description: in a projection nobody could tell (2.8).
"""

from __future__ import annotations

from collections.abc import Mapping

_KIDNEY = (
    "a bean about 11 cm long beside the spine on the patient's {side}, around the lowest ribs, "
    "hollowed towards the spine; one smooth piece"
)
_LUNG = (
    "fills the {side} half of the chest inside the ribs, dark in the picture, with a dome-shaped "
    "hollow below where the diaphragm is; nothing of it lies in the belly"
)
_HIP = (
    "the {side} half of the bony pelvis: a broad wing above, the socket of the hip joint below; it "
    "follows the bright edges of the bone and contains neither sacrum nor thigh bone"
)
_FEMUR = (
    "the {side} thigh bone: a round head in the socket of the pelvis, a neck, and a straight shaft "
    "towards the knee, as far as the picture goes"
)
_PSOAS = (
    "a long spindle on the {side} that begins beside the upper lumbar spine, widens, and runs down "
    "and outwards across the pelvis to the groin"
)

APPEARANCE: Mapping[str, str] = {
    "liver": (
        "one large wedge below the diaphragm on the patient's right, under the ribs, thinning out "
        "past the midline to the left; it does not reach into the pelvis"
    ),
    "kidney_left": _KIDNEY.format(side="left"),
    "kidney_right": _KIDNEY.format(side="right"),
    "spleen": (
        "one oval or crescent high on the patient's left, under the ribs; no holes, no spikes"
    ),
    "stomach": (
        "one bag, bent like a J or an hourglass, from below the diaphragm on the patient's left "
        "towards the midline; no gaps"
    ),
    "pancreas": (
        "one tadpole lying across the spine at the level of the lowest ribs: a thick head on the "
        "patient's right, a thinner tail that rises to the left"
    ),
    "gall_bladder": "one smooth pear or bent bag at the lower edge of the liver, on the right",
    "aorta": (
        "one unbroken tube along the spine, a little to the left, down to the lower lumbar spine "
        "where it divides; where the chest is shown it goes up and ends in an arch"
    ),
    "postcava": (
        "one unbroken tube along the spine, a little to the right, from the lower lumbar spine up "
        "through the liver to the heart"
    ),
    "bladder": "one smooth ball or flattened sac low in the middle of the pelvis, behind the pubis",
    "colon": (
        "a wide tube that frames the belly: up on the patient's right, across below the stomach, "
        "down on the left, then into the pelvis; often darkened by gas"
    ),
    "duodenum": (
        "a C-shaped tube to the right of the spine, open to the left, around the head of the "
        "pancreas"
    ),
    "esophagus": "a thin, nearly straight tube before the spine, through the chest to the stomach",
    "trachea": "a dark tube in the midline of the upper chest that forks into two above the heart",
    "heart": "one rounded mass between the lungs, most of it left of the midline, on the diaphragm",
    "lung_left": _LUNG.format(side="left"),
    "lung_right": _LUNG.format(side="right"),
    "prostate": "one walnut of 3 to 6 cm in the midline, right below the bladder",
    "uterus": "one pear of 5 to 10 cm near the midline of the pelvis, behind or above the bladder",
    "sacrum": "one wedge of bone in the midline between the wings of the pelvis, point downwards",
    "hip_left": _HIP.format(side="left"),
    "hip_right": _HIP.format(side="right"),
    "femur_left": _FEMUR.format(side="left"),
    "femur_right": _FEMUR.format(side="right"),
    "iliopsoas_left": _PSOAS.format(side="left"),
    "iliopsoas_right": _PSOAS.format(side="right"),
}
"""Structure -> what a good mask of it looks like, whichever way one looks."""
