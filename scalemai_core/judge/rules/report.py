"""The rule on what a radiologist has written of the scan."""

from __future__ import annotations

from collections.abc import Iterator

from scalemai_core.judge.rules.masks import Masks
from scalemai_core.judge.rules.rule import Hit, spoken
from scalemai_core.records.finding import Severity
from scalemai_core.settings.judgement import JudgeSettings


def report(masks: Masks, settings: JudgeSettings) -> Iterator[Hit]:
    """What the report names is not stated absent, and what it denies has no mask.

    Only doubts: reports overlook things (section 9.5), and speak of what is large enough to matter.
    """
    for name, there in masks.reported.items():
        if there and masks.stated_absent(name):
            message = f"the report speaks of {spoken(name)}, which is stated absent"
            yield Hit(name, Severity.DOUBT, 0.0, 0.0, message)
    denied = {name for name, there in masks.reported.items() if not there}
    for structure in masks.shown() if denied else ():
        names = {structure.name, *(s.name for s in masks.taxonomy.ancestors(structure.name))}
        if said := names & denied:
            volume_ml = float(masks.volume_ml[structure.id])
            of = " or ".join(spoken(name) for name in sorted(said))
            message = f"the report says there is no {of}, the mask has {volume_ml:.3g} ml"
            yield Hit(structure.name, Severity.DOUBT, volume_ml, 0.0, message)
