"""The words that reports of phantoms are written in: alternatives, one of which is drawn."""

from __future__ import annotations

Words = tuple[str, ...]

ORGANS: dict[str, str] = {
    "liver": "liver",
    "pancreas": "pancreas",
    "kidney_left": "left kidney",
    "kidney_right": "right kidney",
    "colon": "colon",
}
"""Organs that reports speak of, in their order."""

PLACES: dict[str, Words] = {
    "liver": ("in the liver", "in the hepatic parenchyma"),
    "pancreas_head": ("in the pancreatic head", "in the head of the pancreas"),
    "pancreas_body": ("in the pancreatic body", "in the body of the pancreas"),
    "pancreas_tail": ("in the pancreatic tail", "in the tail of the pancreas"),
    "kidney_left": ("in the left kidney",),
    "kidney_right": ("in the right kidney",),
    "colon": ("in the colon",),
}

NOUNS: dict[tuple[str, str], Words] = {
    ("pancreatic_pdac", "hypodense"): ("hypodense mass", "hypoattenuating mass"),
    ("pancreatic_cyst", "fluid"): ("cystic lesion", "cyst"),
    ("pancreatic_pnet", "hyperdense"): ("hyperenhancing nodule", "hypervascular lesion"),
    ("liver_lesion", "fluid"): ("cyst", "simple cyst", "fluid-attenuation lesion"),
    ("liver_lesion", "hypodense"): ("hypodense lesion", "hypoattenuating lesion"),
    ("liver_lesion", "hyperdense"): ("hyperenhancing lesion", "hyperdense lesion"),
    ("kidney_tumor", "hypodense"): ("solid mass", "enhancing mass", "solid lesion"),
    ("kidney_cyst", "fluid"): ("simple cyst", "cortical cyst", "cyst"),
    ("colon_lesion", "solid"): ("polypoid mass", "soft tissue mass", "polyp"),
}

ONE: Words = (
    "There is {a_size} {noun} {place}.",
    "{A_noun} {place} measures {size}.",
    "{A_noun} {place}, measuring {size}.",
    "{A_size} {noun} is seen {place}.",
)
ALONE: Words = ("Solitary {size} {noun} {place}.", "There is a single {noun} {place}, {size}.")
"""There is no other lesion in the organ."""
FEW: Words = (
    "There are {count} {nouns} {place}, measuring {sizes}.",
    "{Count} {nouns} {place}, measuring {sizes}.",
    "{Count} {nouns} are seen {place}, the largest {size}.",
)
MANY: Words = (
    "Multiple {nouns} {place}, the largest measuring {size}.",
    "There are several {nouns} {place}, up to {size}.",
)
HEDGED: Words = (
    "{A_size} hypodensity {place} is too small to characterize.",
    "{A_size} focus {place}, too small to characterise.",
    "Possible {size} {noun} {place}.",
    "Questionable {size} {noun} {place}, not confirmed on other planes.",
    "{A_size} {noun} {place} cannot be excluded.",
)

DENIED: dict[str, Words] = {
    "liver": (
        "No focal hepatic lesion.",
        "No focal liver lesion is seen.",
        "No hepatic mass or cyst.",
    ),
    "pancreas": (
        "No focal pancreatic lesion.",
        "No pancreatic mass or cyst is identified.",
        "The pancreas shows no focal lesion and no ductal dilatation.",
    ),
    "kidney_left": ("No focal lesion in the left kidney.", "No left renal mass or cyst."),
    "kidney_right": ("No focal lesion in the right kidney.", "No right renal mass or cyst."),
    "colon": ("No colonic mass.", "No focal colonic lesion."),
}
DENIED_BOTH_KIDNEYS: Words = (
    "No renal lesion on either side.",
    "No renal mass or cyst bilaterally.",
    "Neither kidney shows a focal lesion.",
)
SILENT: Words = (
    "The {organ} is unremarkable.",
    "Normal appearance of the {organ}.",
    "The {organ} is normal in size and contour.",
    "",
)
LIMITED: Words = (
    "Evaluation of the {organ} is limited by motion artifact.",
    "Limited evaluation of the {organ} at this phase.",
    "The {organ} is incompletely assessed.",
)

BESIDE: dict[str, Words] = {
    "liver": ("Normal liver contour.", "No biliary dilatation.", "The portal vein is patent."),
    "pancreas": ("The pancreatic duct is not dilated.", "No peripancreatic stranding."),
    "kidneys": ("No hydronephrosis.", "No renal calculi.", "Symmetric nephrograms."),
    "bowel": ("No bowel obstruction.", "Stool in the right colon.", "The appendix is not seen."),
}
"""What is said of organs besides lesions."""
OTHERS: Words = (
    "Gallbladder: No calcified gallstones.",
    "Spleen: Normal in size.",
    "Adrenals: Unremarkable.",
    "Bones: Mild degenerative changes of the spine. No destructive osseous lesion.",
    "Lymph nodes: No enlarged retroperitoneal nodes.",
    "Vessels: Mild aortic atherosclerosis.",
)

HISTORY: Words = (
    "Abdominal pain.",
    "Follow-up.",
)
SUSPECTED: Words = (
    "Weight loss, rule out pancreatic mass.",
    "History of colorectal cancer, status post resection.",
    "Prior ultrasound reported a hepatic cyst.",
    "Elevated liver enzymes. Evaluate for liver lesion.",
    "History of renal cell carcinoma, status post partial nephrectomy.",
)
"""Histories that speak of lesions, true or not."""
COMPARISON: Words = ("None.", "None available.", "Abdominal CT two years ago.")
TECHNIQUE: dict[str, str] = {
    "none": "CT of the upper abdomen without intravenous contrast.",
    "arterial": "CT of the upper abdomen in the late arterial phase after intravenous contrast.",
    "venous": "CT of the upper abdomen in the portal venous phase after intravenous contrast.",
}

CONCLUSIONS: dict[str, Words] = {
    "pancreatic_pdac": ("Pancreatic mass, suspicious for adenocarcinoma.",),
    "pancreatic_cyst": ("Pancreatic cystic lesion, consider MRI follow-up.",),
    "pancreatic_pnet": ("Hypervascular pancreatic lesion, likely neuroendocrine tumor.",),
    "liver_lesion": ("Focal hepatic lesion as described.", "Liver findings as above."),
    "kidney_tumor": ("Solid renal lesion, suspicious for renal cell carcinoma.",),
    "kidney_cyst": ("Renal cystic change as described.", "Benign-appearing renal cyst."),
    "colon_lesion": ("Colonic mass, colonoscopy recommended.",),
}
NOTHING: Words = (
    "No acute abnormality in the upper abdomen.",
    "No acute intra-abdominal process.",
    "Findings as described above.",
)
NUMBERS: Words = ("no", "one", "two", "three", "four", "five")
