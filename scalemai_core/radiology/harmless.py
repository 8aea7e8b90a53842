"""Sentences that speak of no lesion and leave no doubt about one: ``The duct is not dilated.``

Most of a report describes what has nothing to do with lesions. Known words alone are not enough
(``Small, in the liver``): a sentence is a string of roles, and every clause of it calls something
normal or denies a sign. Sizes, places within an organ, stones, gas and fat are no words of it.
"""

from __future__ import annotations

import re
from types import MappingProxyType

_WORDS = {
    "N": "sma smv celiac liver pancreas kidney kidneys gallbladder spleen stomach bowel"
    " colon rectum duodenum appendix bladder ureter ureters uterus prostate adrenal adrenals"
    " gland glands parenchyma duct ducts ductal tree cbd mpd ihbr ihbrs"
    " vein veins artery arteries aorta ivc vessels"
    " vasculature loops wall walls abdomen pelvis mesentery retroperitoneum peritoneum",
    "m": "left right both either main common bile biliary intrahepatic extrahepatic intra extra"
    " hepatic portal venous splenic mesenteric superior inferior iliac renal pancreatic urinary"
    " parenchymal ductal radicle radicles abdominal intraabdominal abdominopelvic pelvic free"
    " mucosal cortical gastric colonic small-bowel",
    "c": "size sizes contour contours shape position caliber calibre enhancement attenuation"
    " density excretion nephrogram nephrograms morphology outline outlines appearance opacification"
    " course texture corticomedullary-differentiation concentration thickness",
    "g": "normal normally unremarkable patent smooth homogeneous homogeneously symmetric"
    " symmetrical symmetrically preserved maintained intact uniform uniformly prompt promptly"
    " nondilated non-dilated well-opacified",
    "v": "is are appears appear shows show demonstrates demonstrate has have enhance enhances"
    " excrete excretes",
    "n": "no without nil",
    "t": "not",
    "S": "dilatation dilation distension obstruction stranding thrombosis thrombus hydronephrosis"
    " hydroureter lymphadenopathy adenopathy inflammation effusion effusions ascites fluid air gas"
    " collection collections perforation pneumoperitoneum thickening appendicitis diverticulitis"
    " pancreatitis cholecystitis uropathy atrophy acute-process fluid-collection"
    " fluid-collections stones calculi",
    "p": "peripancreatic perinephric pericholecystic fat inflammatory significant obstructing"
    " obstructive",
    "D": "dilated distended obstructed enlarged thickened inflamed",
    "i": "in of within",
    "o": "or nor",
    "&": "and with but",
    ",": ", ;",
    "": "the a an any there bilaterally contrast",
}
_ROLES = MappingProxyType({word: role for role, row in _WORDS.items() for word in row.split()})
_PHRASES = (
    (re.compile(r"(?<=[a-z])-(?=[a-z ])"), " "),
    (
        re.compile(
            r"(?<![a-z])acute (?:(?:intra ?abdominal|intra|abdominal|abdominopelvic|pelvic|bony"
            r"|osseous) )*(?:abnormalit(?:y|ies)|disease|process|pathology|findings?|fracture)"
            r"(?![a-z])"
        ),
        "acute-process",
    ),
    (re.compile(r"(?<![a-z])excretion of contrast(?![a-z])"), "excretion"),
    (re.compile(r"(?<![a-z])within normal limits(?![a-z])"), "normal"),
    (re.compile(r"(?<![a-z])no evidence of(?![a-z])"), "no"),
    (re.compile(r"(?<![a-z])(small|large) bowel(?![a-z])"), "bowel"),
    (re.compile(r"(?<![a-z])(upper|lower) abdomen(?![a-z])"), "abdomen"),
    (re.compile(r"(?<![a-z])fluid (collections?)(?![a-z])"), r"fluid-\1"),
    (re.compile(r"(?<![a-z])(non|well) (dilated|opacified)(?![a-z])"), r"\1-\2"),
    (
        re.compile(r"(?<![a-z])corticomedullary differentiation(?![a-z])"),
        "corticomedullary-differentiation",
    ),
)
_TOKEN = re.compile(r"[a-z]+(?:-[a-z]+)*|[^\sa-z]")
_SUBJECT = r"(?:[mN](?:[mNi,&o]*[mN])??(?:i?c)?|c)"
_QUALITIES = r"(?:i?c(?:,?[&o]?g*c)*)"
_GOOD = rf"(?:g+{_QUALITIES}?)"
_SIGN = r"(?:[mp]o)?[mpN]*S"
_DENIED = rf"(?:n{_SIGN}(?:(?:,{_SIGN})*,?o{_SIGN})?(?:i{_SUBJECT})?)"
_CLAUSE = (
    rf"(?:(?:{_SUBJECT}?(?:v(?:&v)*)?{_GOOD}(?:&{_GOOD})*(?:i?{_SUBJECT})?)"
    rf"|(?:{_SUBJECT}v?tD(?:oD)*)|(?:{_SUBJECT}?v?{_DENIED}))"
)
_SENTENCE = re.compile(rf"v?{_CLAUSE}(?:,?&?{_CLAUSE})*\Z")
_MOST = 40
"""Words beyond which a sentence is not looked at: so many are no plain one. Ours."""


def is_harmless(plain: str) -> bool:
    """Whether every clause of a plain sentence calls something normal or denies a sign."""
    for phrase, word in _PHRASES:
        plain = phrase.sub(word, plain)
    found = _TOKEN.findall(plain.rstrip(" .,"))
    roles = [_ROLES.get(token) for token in found]
    if None in roles or len(roles) > _MOST:
        return False
    return _SENTENCE.match("".join(role for role in roles if role)) is not None
