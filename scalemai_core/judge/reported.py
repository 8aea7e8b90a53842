"""What a radiology report states of single structures, where its words leave no doubt."""

from __future__ import annotations

from scalemai_core.taxonomy.taxonomy import Taxonomy

THERE = frozenset({"yes", "present"})
NOT_THERE = frozenset({"no", "none", "absent"})


def reported(report: str | None, taxonomy: Taxonomy) -> dict[str, bool]:
    """Whether structures are there, by lines such as ``Liver lesion: none`` of a structured report.

    Prose states nothing here, since a negation that is misread would cost a true mask; nor do lines
    that contradict one another (method reference, section 9.5).
    """
    facts: dict[str, set[bool]] = {}
    for line in (report or "").splitlines():
        label, _, said = line.partition(":")
        name, word = taxonomy.resolve(label.strip()), said.strip().rstrip(".").lower()
        if name is not None and word in THERE | NOT_THERE:
            facts.setdefault(name, set()).add(word in THERE)
    return {name: said == {True} for name, said in facts.items() if len(said) == 1}
