"""The table: which words name which lesions, and what their presence and absence mean.

Decisions, per organ (rows of ``EXCLUDES`` and ``AFFIRMS``):

- ``lesion`` is everything. No lesion of the pancreas, liver, colon or kidney excludes all that the
  taxonomy knows there.
- ``mass`` (tumor, neoplasm) is solid. No pancreatic mass excludes adenocarcinoma and neuroendocrine
  tumour, not cysts; no renal mass excludes tumours, not cysts. Liver and colon have one structure
  each, which also holds cysts, hemangiomas, polyps: no mass there is not explicit.
- A diagnosis (cancer, metastasis, hemangioma, polyp, IPMN) excludes itself alone: explicit
  only where the taxonomy has a structure of exactly that diagnosis (PDAC, PNET, cyst).
- What is seen is stated of the narrowest structure that its words fit; what fits several (a renal
  lesion) of all of them, a pancreatic mass of the whole.
"""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType

from scalemai_core.radiology.anatomy import BOWEL, KIDNEYS


class Kind(StrEnum):
    """What a lesion is called."""

    LESION = "lesion"
    MASS = "mass"
    CYST = "cyst"
    PDAC = "pdac"
    PNET = "pnet"
    CANCER = "cancer"
    SPREAD = "spread"
    BENIGN = "benign"
    IPMN = "ipmn"
    NODULE = "nodule"
    VAGUE = "vague"
    """An abnormality that may be a lesion."""
    COMPLEX = "complex"
    """A cyst that may be a tumour."""


_STRICT = {
    Kind.LESION: "lesion|lesions|focal lesion|focal lesions",
    Kind.MASS: "mass|masses|neoplasm|neoplasms|tumor|tumors|tumour|tumours|mass lesion"
    "|mass lesions|focal mass|focal masses",
    Kind.CYST: "cyst|cysts|cystic lesion|cystic lesions",
    Kind.PDAC: "pdac|adenocarcinoma|adenocarcinomas|ductal adenocarcinoma",
    Kind.PNET: "pnet|pnets|neuroendocrine tumor|neuroendocrine tumors|neuroendocrine tumour"
    "|neuroendocrine tumours|neuroendocrine neoplasm",
    Kind.CANCER: "malignancy|cancer|carcinoma|malignancies|rcc|renal cell carcinoma",
    Kind.SPREAD: "metastasis|metastases|metastatic disease|metastatic lesion|metastatic lesions",
    Kind.BENIGN: "hemangioma|hemangiomas|haemangioma|haemangiomas|angiomyolipoma|angiomyolipomas"
    "|polyp|polyps|hypodensity|hypodensities|adenoma|adenomas",
    Kind.IPMN: "ipmn|ipmns",
    Kind.NODULE: "nodule|nodules",
    Kind.VAGUE: "abnormality|abnormalities|focal abnormality|focal abnormalities|finding|findings"
    "|acute process|acute disease",
}
KIND_WORDS = MappingProxyType(
    {words: kind for kind, row in _STRICT.items() for words in row.split("|")}
)
"""Nouns of the grammar of exclusions."""

_HINTS = {
    Kind.LESION: "lesional|lession|lessions|leison|leisons|sol|hypoattenuation|hypoattenuating"
    "|hypodense|hypoenhancing|hyperenhancing|hyperdense|hyperdensity|hyperattenuating|hypervascular"
    "|incidentaloma|lucency|hypoenhancement|hypervascularity|low density|low attenuation"
    "|low-density|low-attenuation|focus|foci|focal|indeterminate|washout|enhancing|hypovascular|heterogeneous",
    Kind.MASS: "masslike|mass-like|mas|msas|masss|mss|growth|neoplastic|neoplasia|tumoral|tumorous"
    "|tumr|tumer|gist|sarcoma|lymphoma|oncocytoma|space-occupying|fullness|bulky|solid",
    Kind.CYST: "cystic|cysst|cist|pseudocyst|pseudocysts|macrocystic|microcystic|cystadenoma"
    "|serous cystadenoma|retention cyst|bosniak",
    Kind.PDAC: "adenoca|adeno carcinoma",
    Kind.PNET: "neuroendocrine|insulinoma|gastrinoma|islet cell|glucagonoma|net|nets",
    Kind.CANCER: "malignant|cancerous|hcc|cholangiocarcinoma|hepatoma|cancers|carcinomas|oncologic"
    "|transitional cell|urothelial|wilms|oncology|ca|recurrence|tnm|crc|hepatoblastoma",
    Kind.SPREAD: "metastatic|mets|metastasized|metastasised|metastasize|met|deposit|deposits"
    "|implants|carcinomatosis|seeding",
    Kind.BENIGN: "aml|amls|hamartoma|fnh|focal nodular hyperplasia|lipoma|biloma|abscess|abscesses"
    "|hematoma|granuloma|ablation|ablated|embolization|polypoid|polyposis|phlegmon|angioma",
    Kind.IPMN: "intraductal papillary mucinous|mucinous|ipmt|mcn|scn|intraductal papillary",
    Kind.NODULE: "nodular|nodularity|nodulle",
    Kind.VAGUE: "area|areas|region|regions|density|opacity|shadow|thickening"
    "|irregularity|stricture|narrowing|obstruction|filling defect|defect|process|collection"
    "|abnormal|abnormally|enlargement|prominence|bulge|infiltration|infiltrating|asymmetry|change"
    "|changes|involvement|signal|spot|spots|structure|soft tissue|conglomerate"
    "|matted|encased|encasing|encases|cutoff|cut-off|invasion|encasement",
    Kind.COMPLEX: "complex cyst|complex cysts|complicated cyst|cystic mass|cystic masses"
    "|cystic neoplasm|cystic tumor|cystic tumour|complex cystic|hemorrhagic cyst"
    "|bosniak iif|bosniak iii|bosniak iv|bosniak 2 f|bosniak 3|bosniak 4|bosniak ii f"
    "|hyperdense cyst|hyperdense cysts|septated cyst|proteinaceous cyst|solid component",
}
HINT_KINDS = MappingProxyType(
    {words: kind for kind, row in _HINTS.items() for words in row.split("|")}
)
"""Words that may speak of a lesion; one of them leaves a sentence unread."""

_SITE = MappingProxyType(
    {"pancreas": "pancreas", "liver": "liver"}
    | dict.fromkeys(KIDNEYS, "kidney")
    | dict.fromkeys(BOWEL, "colon")
)
_TUMOUR, _BOTH = {"kidney_tumor": True}, {"kidney_tumor": True, "kidney_cyst": True}
_PANCREAS_MASS = {"pancreatic_pdac": True, "pancreatic_pnet": True}
_NOT_EXPLICIT = MappingProxyType(
    {
        "pancreas": {"pancreatic_pdac": False},
        "liver": {"liver_lesion": False},
        "kidney": {"kidney_tumor": False},
        "colon": {"colon_lesion": False},
    }
)
WHOLE = MappingProxyType(
    {
        "pancreas": ("pancreatic_lesion",),
        "liver": ("liver_lesion",),
        "kidney": ("kidney_tumor", "kidney_cyst"),
        "colon": ("colon_lesion",),
    }
)
"""All lesions of a site."""

EXCLUDES = MappingProxyType(
    {
        ("pancreas", Kind.LESION): {"pancreatic_lesion": True},
        ("pancreas", Kind.MASS): _PANCREAS_MASS,
        ("pancreas", Kind.CYST): {"pancreatic_cyst": True},
        ("pancreas", Kind.IPMN): {"pancreatic_cyst": False},
        ("pancreas", Kind.PDAC): {"pancreatic_pdac": True},
        ("pancreas", Kind.PNET): {"pancreatic_pnet": True},
        ("pancreas", Kind.NODULE): dict.fromkeys(_PANCREAS_MASS, False),
        ("pancreas", Kind.VAGUE): {"pancreatic_lesion": False},
        ("pancreas", Kind.SPREAD): {"pancreatic_lesion": False},
        ("pancreas", Kind.BENIGN): {"pancreatic_lesion": False},
        ("liver", Kind.LESION): {"liver_lesion": True},
        ("kidney", Kind.LESION): _BOTH,
        ("kidney", Kind.MASS): _TUMOUR,
        ("kidney", Kind.CYST): {"kidney_cyst": True},
        ("kidney", Kind.IPMN): {},
        ("kidney", Kind.VAGUE): dict.fromkeys(_BOTH, False),
        ("colon", Kind.LESION): {"colon_lesion": True},
    }
)
"""Site and kind -> structures that its absence excludes, and whether in so many words; pairs that
are not here exclude as ``_NOT_EXPLICIT``."""

_LIKE_PANCREAS = {
    Kind.CYST: ("pancreatic_cyst",),
    Kind.IPMN: ("pancreatic_cyst",),
    Kind.COMPLEX: ("pancreatic_lesion", "pancreatic_cyst"),
    Kind.PDAC: ("pancreatic_pdac",),
    Kind.CANCER: ("pancreatic_lesion", "pancreatic_pdac"),
    Kind.PNET: ("pancreatic_pnet",),
}
_BOTH_KIDNEY = frozenset({Kind.LESION, Kind.VAGUE, Kind.COMPLEX, Kind.NODULE})
AFFIRMS = MappingProxyType(
    {("pancreas", kind): _LIKE_PANCREAS.get(kind, WHOLE["pancreas"]) for kind in Kind}
    | {("liver", kind): WHOLE["liver"] for kind in Kind}
    | {("colon", kind): WHOLE["colon"] for kind in Kind}
    | {
        ("kidney", kind): WHOLE["kidney"] if kind in _BOTH_KIDNEY else ("kidney_tumor",)
        for kind in Kind
    }
    | {("kidney", Kind.CYST): ("kidney_cyst",)}
)
"""Site and kind -> structures that it is stated of where it is seen."""


def excluded(organ: str, kind: Kind) -> dict[str, bool]:
    """Structure -> explicit, where ``kind`` is absent from ``organ``."""
    site = _SITE[organ]
    return dict(EXCLUDES.get((site, kind), _NOT_EXPLICIT[site]))


def affirmed(organ: str, kind: Kind) -> tuple[str, ...]:
    """Structures that a ``kind`` in ``organ`` is stated of."""
    return AFFIRMS[_SITE[organ], kind]


def whole(organ: str) -> tuple[str, ...]:
    """All lesions of an organ."""
    return WHOLE[_SITE[organ]]
