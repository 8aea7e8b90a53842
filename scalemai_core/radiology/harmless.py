"""Sentences that speak of no lesion and leave no doubt about one: ``The duct is not dilated.``

Most of a report describes what has nothing to do with lesions. Here, too, words are trusted only if
all of them are known: what may be a lesion, a hedge, a comparison or a number is not among them.
"""

from __future__ import annotations

import re

_PLAIN = frozenset(
    """
    the a an is are was were be of in into and or nor with at within to by for on as there it its
    both either bilateral bilaterally left right lateral anterior posterior upper lower mid
    normal normally unremarkable patent intact symmetric symmetrical symmetrically preserved
    maintained homogeneous homogeneously smooth regular thin mild mildly moderate opacified
    visualized visualised seen noted identified demonstrated appears appear contour contours
    caliber calibre size shape parenchyma parenchymal duct ducts ductal biliary bile intrahepatic
    extrahepatic common portal vein veins venous hepatic splenic mesenteric artery arteries arterial
    aorta aortic iliac ivc vena cava vessels vessel vascular vasculature main branches
    abdominal intraabdominal abdomen pelvis pelvic acute process pathology intra
    nephrogram nephrograms excretion renal kidney kidneys pancreas pancreatic liver gallbladder
    spleen stomach gastric bowel small large colon colonic rectum rectal sigmoid cecum caecum
    appendix duodenum duodenal jejunum ileum loops loop stool gas air fat bladder urinary ureter
    ureters uterus prostate ovaries adrenal adrenals gland glands lung lungs base bases heart
    bones bone osseous structures skeleton spine lumbar thoracic spondylosis degenerative changes
    atherosclerosis atherosclerotic calculus calculi stone stones nephrolithiasis cholelithiasis
    gallstones steatosis hepatomegaly splenomegaly hernia hiatal umbilical diverticulosis
    soft tissue tissues wall walls muscles subcutaneous mesentery retroperitoneum peritoneum
    peritoneal retroperitoneal lymph nodes node findings finding described above below detailed
    outlined none available ct contrast intravenous iv oral phase after following administration
    incidental otherwise
    """.split()
)
_SIGNS = frozenset(
    """
    dilated dilatation dilation distended distension obstruction obstructed stranding thrombosis
    thrombus hydronephrosis hydroureter enlarged lymphadenopathy adenopathy inflammation
    inflammatory effusion effusions ascites fluid collection collections perforation
    pneumoperitoneum thickening thickened peripancreatic perinephric pericholecystic appendicitis
    diverticulitis pancreatitis cholecystitis
    """.split()
)
"""May come with a lesion: harmless only where they are denied."""
_NO = frozenset({"no", "without", "not", "nor"})
_ENDS = frozenset({",", ";", ":", "and", "but", "with"})
_ACUTE = re.compile(
    r"(?<![a-z])acute (?:intra-?abdominal |abdominal |abdominopelvic )?"
    r"(?:abnormalit(?:y|ies)|disease)(?![a-z])"
)
"""Trauma, stones, inflammation: not what grows."""
_TOKEN = re.compile(r"[a-z]+|[^\sa-z]")
_PAUSES = frozenset(",;:.-/()")


def is_harmless(plain: str) -> bool:
    """Whether every word of a plain sentence is known, and every sign of a lesion denied."""
    denied = False
    for token in _TOKEN.findall(_ACUTE.sub("acute process", plain)):
        if token in _NO:
            denied = True
        elif token in _ENDS:
            denied = False
        elif token in _SIGNS:
            if not denied:
                return False
        elif token not in _PLAIN and token not in _PAUSES:
            return False
    return True
