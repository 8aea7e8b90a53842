"""Which candidates people get to see, and what happens to the annotations of lesions."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from statistics import fmean

import polars as pl

from scalemai_core.judge.lesions.settle import Words
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.finding import Finding
from scalemai_core.records.review import ItemKind
from scalemai_core.records.settlement import Fate, JudgedCandidate
from scalemai_core.records.statement import Presence
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.taxonomy.site import Site
from scalemai_core.taxonomy.taxonomy import load_taxonomy

KEY = ["scan_id", "structure"]
PLACE = ["scan_id", "site"]
"""What is asked about as a whole."""
SMALL_MM3 = math.pi / 6 * 20.0**3
"""Of a lesion of 20 mm: what people overlook, and what is worth finding."""
SMALL_BONUS = 0.25
"""As much as being quite undecided is worth. Section 1.6 wants a bonus and names none. Ours."""
FIRST = 1.0
"""Added to what goes before all doubts: audits, and lesions that only a report names."""


QUESTIONS = pl.Schema(
    {
        "scan_id": pl.String,
        "structure": pl.String,
        "priority": pl.Float64,
        "reason": pl.String,
        "seconds": pl.Float64,
        "rival": pl.String,
        "rival_map": pl.String,
        "kind": pl.String,
        "candidate_id": pl.String,
    }
)
ACTIONS = pl.Schema(
    {
        "scan_id": pl.String,
        "structure": pl.String,
        "lesion_action": pl.String,
        "lesion_otherwise": pl.String,
        "lesion_reason": pl.String,
        "lesion_quality": pl.Float64,
    }
)


def ask_candidates(candidates: pl.DataFrame, masks: int, settings: LesionSettings) -> pl.DataFrame:
    """Questions, one a candidate, of the sites that open at most ``masks`` masks altogether.

    A site of a scan is asked about as a whole or not at all, so that afterwards it is known.
    """
    p = pl.col("probability")
    small = (pl.col("volume_mm3") <= SMALL_MM3).cast(pl.Float64)
    open_ones = candidates.filter((pl.col("fate") == Fate.REVIEW.value) | pl.col("audit"))
    worth = p * (1 - p) + SMALL_BONUS * small + FIRST * pl.col("audit").cast(pl.Float64)
    valued = open_ones.with_columns(priority=worth)
    groups = (
        valued.group_by(PLACE)
        .agg(most=pl.col("priority").max(), opens=pl.col("structure").n_unique())
        .sort("most", *PLACE, descending=[True, False, False])
        .filter(pl.col("opens").cum_sum() <= masks)
        .select(PLACE)
    )
    return (
        valued.join(groups, on=PLACE)
        .sort("priority", "candidate_id", descending=[True, False])
        .with_columns(
            seconds=pl.lit(settings.seconds_false_positive),
            rival=pl.lit(Candidate.PREDICTION.value),
            rival_map=pl.lit(None, dtype=pl.String),
            kind=pl.lit(ItemKind.LESION.value),
        )
        .select(pl.col(name).cast(kind) for name, kind in QUESTIONS.items())
    )


def ask_unfound(found: Collection[tuple[str, Finding]], settings: LesionSettings) -> pl.DataFrame:
    """Questions about lesions that a report names and nothing shows, one a mask; (scan, finding)
    pairs.

    They come first: a missed tumour is worth more than any outline.
    """
    messages: dict[tuple[str, str], list[str]] = {}
    for scan_id, finding in found:
        messages.setdefault((scan_id, finding.structure), []).append(finding.message)
    rows = [
        {
            "scan_id": scan_id,
            "structure": structure,
            "priority": FIRST + 1.0,
            "reason": "; ".join(sorted(said)),
            "seconds": settings.seconds_draw,
            "rival": Candidate.PREDICTION.value,
            "rival_map": None,
            "kind": ItemKind.EDIT.value,
            "candidate_id": None,
        }
        for (scan_id, structure), said in sorted(messages.items())
    ]
    return pl.DataFrame(rows, schema=QUESTIONS)


def draw_actions(unfound: pl.DataFrame, num_asked: int) -> pl.DataFrame:
    """What happens to masks that lack a lesion: people draw the first ones, and until they have,
    none of them teaches anything."""
    return unfound.select(
        "scan_id",
        "structure",
        lesion_action=pl.when(pl.int_range(pl.len()) < num_asked)
        .then(pl.lit(Action.REVIEW.value))
        .otherwise(pl.lit(Action.HOLD.value)),
        lesion_otherwise=pl.lit(Action.HOLD.value),
        lesion_reason="reason",
        lesion_quality=pl.lit(None, dtype=pl.Float64),
    )


def with_lesions(decisions: pl.DataFrame, actions: pl.DataFrame) -> pl.DataFrame:
    """Decisions in which lesions have gone their own way."""
    joined = decisions.join(actions, on=KEY, how="left", maintain_order="left")
    own = pl.col("lesion_action").is_not_null()
    return joined.with_columns(
        action=pl.coalesce("lesion_action", "action"),
        otherwise=pl.coalesce("lesion_otherwise", "otherwise"),
        reason=pl.coalesce("lesion_reason", "reason"),
        quality=pl.coalesce("lesion_quality", "quality"),
        candidate=pl.when(own).then(pl.lit(Candidate.REPORTED.value)).otherwise("candidate"),
        candidate_map=pl.when(~own).then("candidate_map"),
    ).drop("lesion_action", "lesion_otherwise", "lesion_reason", "lesion_quality")


def site_actions(
    site: Site,
    states: Mapping[str, State],
    candidates: Sequence[JudgedCandidate],
    asked: Collection[str],
    words: Words,
    *,
    lacking: bool,
) -> list[dict[str, object]]:
    """What happens to the annotations of one site of one scan; structures left as they are are
    left out.

    ``states`` are those of the structures that the model can see there, ``candidates`` the site's,
    ``asked`` the ids that people get to see. Until every candidate is settled, nothing is known.
    ``lacking``: the report names more lesions than there are, so that no mask would be whole.
    """
    unknown = [name for name, state in states.items() if state is State.UNKNOWN]
    if asked:
        shown = {one.structure for one in candidates if one.candidate_id in asked}
        reason = f"{len(asked)} candidates are shown to a reader"
        names = [name for name in states if name in shown or name in unknown]
        return [_row(name, Action.REVIEW, reason, None) for name in names]
    if any(one.fate is Fate.REVIEW for one in candidates):
        return []
    rows: list[dict[str, object]] = []
    absent = stated_absent(site, words)
    kept = [one for one in candidates if one.fate is Fate.KEPT]
    for name in unknown:
        own = [one for one in kept if one.structure == name]
        if own and not lacking:
            quality = fmean(one.probability for one in own)
            reason = f'the report names it: "{own[0].sentences}"'
            rows.append(_row(name, Action.IMPUTE, reason, quality))
        elif name in absent and not own:
            rows.append(_row(name, Action.SET_ABSENT, absent[name], 1.0))
    return rows


def stated_absent(site: Site, words: Words) -> dict[str, str]:
    """Structures without parts that a report excludes in every host, and why, in its words."""
    taxonomy = load_taxonomy()
    found: dict[str, str] = {}
    for name in site.lesions:
        if taxonomy.children(name):
            continue
        line = [name, *(structure.name for structure in taxonomy.ancestors(name))]
        sentences = [_excluding(line, host, words) for host in site.hosts]
        if all(sentences):
            said = " ".join(dict.fromkeys(sentences))
            found[name] = f'the report excludes it: "{said}"'
    return found


def _excluding(line: list[str], host: str, words: Words) -> str:
    """The sentence that excludes a structure, or what it is a part of, in a host.

    What is said of the structure itself comes before what is said of a whole: ``no other lesion``
    does not deny the one that is named.
    """
    for name in line:
        said = words.get((name, host))
        if said is None or (said.presence is Presence.ABSENT and not said.explicit):
            continue
        excludes = said.presence is Presence.ABSENT and said.may_delete
        return " ".join(said.sentences) if excludes else ""
    return ""


def _row(structure: str, action: Action, reason: str, quality: float | None) -> dict[str, object]:
    otherwise = Action.KEEP if action is Action.REVIEW else action
    return {
        "structure": structure,
        "lesion_action": action.value,
        "lesion_otherwise": otherwise.value,
        "lesion_reason": reason,
        "lesion_quality": quality,
    }
