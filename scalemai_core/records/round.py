"""One EM iteration: what it set out to do, and what came of it."""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from scalemai_core.records.base import Record
from scalemai_core.records.expert import ExpertReport
from scalemai_core.records.gold import GoldScore
from scalemai_core.settings.engine import EngineSettings


class RoundPlan(Record):
    """``rounds/<n>/plan.json``, written first: a killed round goes on with its plan."""

    number: int
    base_version: int
    """Dataset version the round starts from."""
    model_key: str | None
    """Model that predicts; None in the first round until it has trained one."""
    settings: EngineSettings
    code_version: str
    started: datetime


class TruthScore(Record):
    """Annotations against a truth given for measuring; no decision ever sees it."""

    masks: int
    """Annotations compared."""
    mean_dice_before: float
    mean_dice_automatic: float
    """With the automatic decisions alone."""
    mean_dice_after: float
    """With automatic decisions and people's verdicts."""
    under_80_before: float
    """Share of masks with Dice under 0.8."""
    under_80_after: float
    faulty: int
    """Masks with Dice under 0.8 before the round."""
    corrected: int
    """Of the faulty ones, those at 0.8 or better afterwards."""
    made_worse: int
    """Masks no person saw that lost more than 0.05 Dice: replaced, or beside a replaced one."""
    held: int
    """Masks on hold after the round."""


class LesionTally(Record):
    """What a round made of the critic's lesion candidates; gold left out."""

    candidates: int
    fates: dict[str, int]
    """Candidates by fate; what waits for a reader is under ``review``."""
    asked: int
    """Candidates that people got to see."""
    confirmed: int
    """Of those, taken for lesions."""
    audited: int
    """Deletions on a report's word that a person looked at all the same."""
    audit_errors: int
    """Of those, lesions."""
    unfound: int
    """Organs in which a report names lesions that neither labels nor candidates show."""


class RoundResult(Record):
    """``rounds/<n>/result.json``, written last: the numbers of one finished round."""

    number: int
    base_version: int
    dataset_version: int
    model_version: int
    promoted: bool
    promotion_reason: str
    scans: int
    failed_scans: int
    set_aside: dict[str, int] = Field(default_factory=dict)
    """Scans that stages set aside, by stage and reason, most of them first."""
    masks: int
    """Distinct masks that exist (state known, gold left out)."""
    decisions: dict[str, int]
    """Annotations by action."""
    changed: int
    """Annotations that differ from the base version."""
    changed_automatically: int
    reviewed: int
    """Masks people opened in this round."""
    reviewed_share: float
    """Masks people opened over all rounds, as a share of distinct masks."""
    human_minutes: float
    held: int
    audited: int
    audit_errors: int
    audit_population: int
    """Masks the engine changed on its own, of which the audited ones are a random sample."""
    audit_upper_bound: float | None
    """Exact 95 % upper bound of the error rate of automatic decisions."""
    audit_width: float | None
    """How far that bound lies above the rate found: a wide one proves nothing."""
    expert: ExpertReport
    """What the expert learned from, and where it may act."""
    evidence: dict[str, float]
    """Means of the predict pass's numbers over all annotations."""
    findings: dict[str, int]
    """Findings on current annotations, by rule."""
    mean_agreement: float
    """Mean Dice of annotation and out-of-fold prediction."""
    out_of_fold: bool
    lesions: LesionTally | None = None
    """None where the model knows no lesions."""
    gold: GoldScore | None
    truth: TruthScore | None
    seconds: dict[str, float]
    """Wall time by stage."""
    stop: str | None
    """Why no further round is worth it; None where one is."""
    finished: datetime
