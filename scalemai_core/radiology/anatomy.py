"""Where a report's words are: the organs that are read, their parts, and everywhere else."""

from __future__ import annotations

from types import MappingProxyType

KIDNEYS = ("kidney_left", "kidney_right")
BOWEL = ("colon", "rectum")
ORGANS = ("pancreas", "liver", *KIDNEYS, *BOWEL)

_ORGANS = {
    "pancreas": "pancreas|pancreatic",
    "liver": "liver|hepatic|hepatobiliary",
    "kidney_left kidney_right": "kidneys|renal|kidney|either kidney|both kidneys|bilateral kidneys"
    "|right and left kidneys|left and right kidneys|right or left kidney|left or right kidney"
    "|bilateral renal|right and left renal|left and right renal",
    "kidney_left": "left kidney|left renal",
    "kidney_right": "right kidney|right renal",
    "colon": "colon|colonic",
    "rectum": "rectum|rectal",
    "colon rectum": "colorectal|colorectum",
}
ORGAN_WORDS = MappingProxyType(
    {words: tuple(organs.split()) for organs, row in _ORGANS.items() for words in row.split("|")}
)
"""Words that name the whole of an organ: those of the grammar."""

_HINTS = {
    "pancreas": "uncinate|peripancreatic|intrapancreatic|pancreatectomy|whipple"
    "|pancreatoduodenectomy|pancreaticoduodenectomy|pancreatitis|periampullary|ampullary|ampulla|wirsung|pancreata"
    "|pancreaticoduodenal|pancreatico|pseudocyst|head|neck|body|tail|duct|ducts|mpd|splenic vein"
    "|sma|smv|celiac|coeliac|c-loop",
    "liver": "hepatectomy|caudate|perihepatic|intrahepatic|subhepatic|hepato|quadrate|hepatis"
    "|couinaud|subcapsular|hepatobilliary|cirrhosis|cirrhotic|falciform|dome|lobe|lobes|segment|segments|seg"
    "|portal vein|hepatic vein|hepatic veins",
    "kidney_left kidney_right": "nephrectomy|nephroureterectomy|perinephric|pararenal|perirenal"
    "|nephric|intrarenal|interpolar|interpole|corticomedullary|calyx|calyceal|nephroscopy"
    "|pole|poles|renal vein|renal veins",
    "colon": "sigmoid|cecum|cecal|caecum|caecal|rectosigmoid|colectomy|hepatic flexure"
    "|splenic flexure|flexure|appendix|appendiceal|ileocecal|hemicolectomy|pericolonic|pericolic"
    "|ascending colon|descending colon|transverse colon|colons|bowel|intestine|intestinal",
    "rectum": "rectosigmoid|anorectal|perirectal|presacral|mesorectal|bowel|proctectomy|intestine",
}
_FOUND: dict[str, set[str]] = {}
for _organs, _row in _HINTS.items():
    for _words in _row.split("|"):
        _FOUND.setdefault(_words, set()).update(_organs.split())
HINT_WORDS = MappingProxyType({words: tuple(sorted(found)) for words, found in _FOUND.items()})
"""Words that concern an organ without naming the whole of it; never part of an exclusion."""

ELSEWHERE = frozenset(
    (
        "spleen|splenic|adrenal|adrenals|adrenal gland|adrenal glands|gallbladder|stomach"
        "|gastric|duodenum|duodenal|small bowel|bladder|urinary bladder|uterus|uterine|ovary"
        "|ovaries|ovarian|adnexa|adnexal|prostate|prostatic|seminal vesicles|lung|lungs"
        "|lung bases|pulmonary|pleura|pleural|heart|cardiac|pericardial|esophagus|esophageal"
        "|mediastinal|mediastinum|hilar|thyroid|breast|chest wall|chest|thorax|bone|bones"
        "|osseous|skeletal|spine|vertebral|vertebra|rib|ribs|pelvis|pelvic|femur|femoral"
        "|humeral|iliac|sacral|sacrum|lymph node|lymph nodes|lymphadenopathy|adenopathy|nodal"
        "|node|nodes|aorta|aortic|vascular|vessels|vasculature|hepatic artery|hepatic arteries"
        "|hepatic vein|hepatic veins|renal artery|renal arteries|renal vein|renal veins"
        "|portal vein|splenic vein|splenic artery|ureter|ureters|peritoneum|peritoneal"
        "|mesentery|mesenteric|omentum|omental|retroperitoneum|retroperitoneal|abdominal"
        "|abdomen|abdominal wall|soft tissues|soft tissue|subcutaneous|muscle|muscles|brain"
        "|skull|intracranial|axillary|axilla|inguinal|groin|bile ducts|biliary tree|biliary system"
        "|bile duct"
        "|common bile duct|hepatic artery|vagina|cervix|scrotum|testis|testes|testicular"
        "|diaphragm|appendix|upper lobe|lower lobe|middle lobe|lingula|jejunum|jejunal|ileum"
        "|ileal|vertebral body|vertebral bodies|femoral head|femoral heads|body wall"
    ).split("|")
)
"""Other anatomy: what a sentence says of it is no matter of the organs above."""
REGIONS = frozenset(
    (
        "abdomen|abdominal|pelvis|pelvic|peritoneum|peritoneal|retroperitoneum"
        "|retroperitoneal|mesentery|mesenteric|soft tissue|soft tissues"
    ).split("|")
)
"""Elsewhere, but so wide that a lesion there may be one of an organ above."""

PANCREAS_PARTS = MappingProxyType(
    {
        "head": "pancreas_head",
        "uncinate": "pancreas_head",
        "body": "pancreas_body",
        "tail": "pancreas_tail",
    }
)
"""The taxonomy has no neck, which lies between head and body: no place is named for it."""
ROMAN = MappingProxyType(
    {"i": 1, "ii": 2, "iii": 3, "iv": 4, "iva": 4, "ivb": 4, "v": 5, "vi": 6, "vii": 7, "viii": 8}
)
