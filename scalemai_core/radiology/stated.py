"""Structures that a report says are there or not, where its words leave no doubt."""

from __future__ import annotations

from scalemai_core.radiology.labelled import NOT_THERE, THERE
from scalemai_core.radiology.reading import Reading, read_report
from scalemai_core.records.label_map import Layer
from scalemai_core.records.statement import Presence
from scalemai_core.taxonomy.taxonomy import Taxonomy


def stated(report: str | None, taxonomy: Taxonomy) -> dict[str, bool]:
    """Structure -> whether it is there, by rules alone; all others the report leaves open.

    Lesions from prose: there, if one organ has it; not there, if every organ that may hold it may
    be cleared of it. Other structures by lines such as ``Gallbladder: absent``; lines that
    contradict one another state nothing.
    """
    if not report:
        return {}
    return _lesions(read_report(report, taxonomy), taxonomy) | _lines(report, taxonomy)


def _lesions(reading: Reading, taxonomy: Taxonomy) -> dict[str, bool]:
    facts: dict[str, bool] = {}
    for structure in taxonomy.in_layer(Layer.LESIONS):
        said = [one for one in reading.said if one.structure == structure.name]
        if any(one.presence is Presence.PRESENT for one in said):
            facts[structure.name] = True
        elif len(said) == len(structure.inside) and all(one.may_delete for one in said):
            facts[structure.name] = False
    return facts


def _lines(text: str, taxonomy: Taxonomy) -> dict[str, bool]:
    facts: dict[str, set[bool]] = {}
    for line in text.splitlines():
        label, _, said = line.partition(":")
        name, word = taxonomy.resolve(label.strip()), said.strip().rstrip(".").lower()
        if name is None or taxonomy[name].layer is Layer.LESIONS:
            continue
        if word in THERE | NOT_THERE:
            facts.setdefault(name, set()).add(word in THERE)
    return {name: said == {True} for name, said in facts.items() if len(said) == 1}
