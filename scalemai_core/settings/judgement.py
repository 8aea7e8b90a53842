"""How masks are judged and decided on, and when rounds end."""

from __future__ import annotations

from pydantic import Field

from scalemai_core.settings.section import Section


class JudgeSettings(Section):
    """Agreement and verifier rules; every limit is physical, so that it holds at any voxel size."""

    min_component_ml: float = Field(default=0.2, gt=0)
    """Components below this are crumbs and not counted. Ours."""
    max_crumb_share: float = Field(default=0.15, gt=0, lt=1)
    """Share of a one-piece structure's volume that may lie outside its largest component. Ours."""
    overlap_mm3: float = Field(default=35.0, ge=0)
    """Overlap of two structures that exclude one another, before it is a finding; section 1.5 A."""
    overlap_share: float = Field(default=0.02, ge=0, lt=1)
    """Share of the smaller of the two that must overlap as well: thin rims are resampling. Ours."""
    border_share: float = Field(default=0.25, gt=0, lt=1)
    """Share of the largest slice that may lie in a flat end face before it is called cut, beyond
    what a rounded end shows at this slice thickness. Ours."""
    side_mm: float = Field(default=10.0, ge=0)
    """How far a centroid may lie on the wrong side of what it is compared with. Ours."""
    hu_margin: float = Field(default=50.0, ge=0)
    """HU beyond the plausible range of a mask's mean from where doubt becomes a fault. Ours."""
    volume_factor: float = Field(default=2.0, ge=1)
    """Times beyond the plausible volume from where doubt becomes a fault. Ours."""
    pair_ratio: float = Field(default=1.5, gt=1)
    """Ratio of volumes of left and right or of two vertebrae; organs may reach its square. Ours."""
    reach_mm: float = Field(default=15.0, ge=0)
    """How far a long structure may end before a vertebra that it passes in everybody. Ours."""
    hole_share: float = Field(default=0.05, gt=0, lt=1)
    """Share of a solid organ's volume that enclosed holes may have. Ours."""
    host_mm: float = Field(default=5.0, ge=0)
    """How far outside its host a duct, vessel or lesion still counts as inside; section 1.5 F."""
    host_share: float = Field(default=0.5, gt=0, le=1)
    """Share of a duct or vessel that must lie inside its host, which it enters and leaves; a lesion
    may just touch it. Ours."""
    part_gap_share: float = Field(default=0.02, gt=0, lt=1)
    """Share of a whole that may belong to no part where all parts are labelled; section 1.5 F."""


class ExpertSettings(Section):
    """The learned score of a mask: what it practises on, and where it may act."""

    good_dice: float = Field(default=0.8, gt=0, le=1)
    """Dice to the truth from which on a mask is good. Ours."""
    good_dice_of: dict[str, float] = Field(default={})
    """The same for structures with a threshold of their own."""
    copies: int = Field(default=8, ge=1)
    """Degraded copies of every trusted scan that the expert practises on. Ours."""
    fault_share: float = Field(default=0.4, gt=0, le=1)
    """Share of a copy's structures that are degraded. Ours."""
    stand_ins: int = Field(default=60, ge=1)
    """Scans without gold whose agreeing masks stand in where there is no gold. Ours."""
    min_patients: int = Field(default=3, ge=2)
    """Patients to learn from, and patients to prove a family of structures on. Ours."""
    decisive: float = Field(default=0.75, gt=0.5, lt=1)
    """Probability from which on the expert says which of two masks is better; below it abstains.
    Section 2.8."""
    decisive_over_good: float = Field(default=0.97, gt=0.5, lt=1)
    """The same where the present mask is good already: first of all, do no harm. Ours."""
    enable_accuracy: float = Field(default=0.9, gt=0.5, lt=1)
    """Lower bound of its accuracy on gold ``select`` from which on it may act in a family of
    structures; section 2.8."""
    stand_in_accuracy: float = Field(default=0.95, gt=0.5, lt=1)
    """The stricter bound on held-out stand-ins where there is no gold. Ours."""
    bootstraps: int = Field(default=1000, ge=100)
    """Resamples of patients for those bounds; section 10.3."""
    prior_strength: float = Field(default=20.0, gt=0)
    """Masks that the next wider group (family, source, all) counts for in a prior. Ours."""


class DecideSettings(Section):
    """The table from judgement to decision, and the review budget."""

    same_dice: float = Field(default=0.90, gt=0, le=1)
    """At or above, annotation and prediction say the same; section 1.4 step 2."""
    keep_quality: float = Field(default=0.6, ge=0, le=1)
    """Quality from which on a mask is not doubtful. Ours."""
    replace_gain: float = Field(default=0.05, ge=0, le=1)
    """Dice a candidate must be expected to be better by, before it replaces a mask. Ours."""
    impute_quality: float = Field(default=0.5, ge=0, le=1)
    """Quality a prediction needs to fill an unknown structure. Ours."""
    trust_in_sample: bool = False
    """Let a critic that learned from an annotation replace it; to show what that costs."""
    budget: float = Field(default=0.05, ge=0, le=1)
    """Share of distinct masks that people may open over all rounds; section 1.1 says under 5 %."""
    round_share: float = Field(default=0.5, gt=0, le=1)
    """Share of what is left of the budget that one round may spend. Ours."""
    audit_share: float = Field(default=0.1, ge=0, lt=1)
    """Largest share of a round's review spent on the audit of automatic decisions. Ours."""
    audit_width: float = Field(default=0.02, gt=0, lt=1)
    """How far the 95 % bound may lie above the share of errors found; sizes the audit. Ours."""
    audit_error: float = Field(default=0.02, ge=0, lt=1)
    """Share of errors that the audit is sized for. Ours."""


class StopSettings(Section):
    """When the loop ends."""

    max_rounds: int = Field(default=5, ge=1)
    """Hard cap; section 1.8."""
    patience: int = Field(default=2, ge=1)
    """Rounds in a row without change and gain after which the loop ends; section 1.8."""
    min_changed: float = Field(default=0.005, ge=0, le=1)
    """Share of masks below which a round changed little. Ours."""
    min_gain: float = Field(default=0.002, ge=0)
    """Mean Dice on gold ``select`` below which a round gained nothing; section 1.8."""
