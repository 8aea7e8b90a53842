"""How readers do: their pace, how often two agree, and how often they are right where it is known.

Shares come with exact 95 % intervals (method reference, section 11.4).
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable, Sequence

from scalemai_core.measure.statistics import clopper_pearson
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.records.review_stats import Progress, Proportion, ReaderFigures, ReviewStats
from scalemai_core.review.ruling import rulings, standing_of_reader


def review_stats(
    items: Sequence[ReviewItem],
    entries: Sequence[ReviewEntry],
    progress: Progress,
    round_number: int,
    reader: Reader,
) -> ReviewStats:
    """Figures as this reader may see them."""
    by_id = {item.item_id: item for item in items}
    names = sorted({entry.reader for entry in entries})
    seen = names if reader.adjudicates else [name for name in names if name == reader.name]
    figures = (
        _figures(name, by_id, [e for e in entries if e.reader == name], reader) for name in seen
    )
    return ReviewStats(
        round=round_number,
        progress=progress,
        readers=tuple(figures),
        agreement=_agreement(items, entries),
    )


def _figures(
    name: str, items: dict[str, ReviewItem], entries: Sequence[ReviewEntry], viewer: Reader
) -> ReaderFigures:
    standing = standing_of_reader(entries)
    kinds = Counter(items[e.item_id].shown_kind.value for e in standing if e.item_id in items)
    seconds = [entry.seconds for entry in standing]
    return ReaderFigures(
        reader=name,
        answers=len(standing),
        skips=sum(entry.act is Act.SKIP for entry in entries),
        undone=sum(entry.act is Act.UNDO for entry in entries),
        median_seconds=statistics.median(seconds) if seconds else None,
        by_kind=dict(sorted(kinds.items())),
        honeypots=_honeypots(items, standing) if viewer.adjudicates else None,
    )


def _honeypots(items: dict[str, ReviewItem], standing: Iterable[ReviewEntry]) -> Proportion:
    right = [
        entry.verdict.choice is items[entry.item_id].expected
        for entry in standing
        if entry.verdict is not None
        and entry.item_id in items
        and items[entry.item_id].kind is ItemKind.HONEYPOT
    ]
    return proportion(sum(right), len(right))


def _agreement(items: Sequence[ReviewItem], entries: Sequence[ReviewEntry]) -> Proportion:
    double = [item for item in items if item.reads > 1]
    pairs = [
        found.answers[: item.reads]
        for item, found in zip(double, rulings(double, entries).values(), strict=True)
        if len(found.answers) >= item.reads
    ]
    alike = sum(len({(one.choice, one.label_map) for one in pair}) == 1 for pair in pairs)
    return proportion(alike, len(pairs))


def proportion(right: int, total: int) -> Proportion:
    """A share with its exact 95 % interval."""
    interval = clopper_pearson(right, total)
    return Proportion(
        right=right,
        total=total,
        share=right / total if total else None,
        low=float(interval.low),
        high=float(interval.high),
    )
