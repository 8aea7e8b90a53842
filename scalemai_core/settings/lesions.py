"""How lesions are looked for, what a missed and a false one cost, and what reports may settle."""

from __future__ import annotations

from pydantic import Field

from scalemai_core.settings.section import Section


class LesionSettings(Section):
    """Candidates, operating point, cost, and reports; every limit is physical."""

    floor: float = Field(default=1e-4, gt=0, lt=1)
    """Probability below which nothing is looked at. Section 9.5 stops at 0.01; lower, so that the
    operating point is chosen and not given. Ours."""
    peak_share: float = Field(default=0.4, gt=0, lt=1)
    """A candidate reaches down to this share of its peak's probability; section 9.5."""
    min_mm3: float = Field(default=3.0, ge=0)
    """Smaller candidates are noise: a sphere of 2 mm has 4.2 mm3. Section 9.5 has ten voxels of
    1 mm, which hides every lesion below 2.7 mm. Ours."""
    min_voxels: int = Field(default=1, ge=1)
    """The same in voxels, where those are large. Ours."""
    max_candidates: int = Field(default=20, ge=1, le=1000)
    """Most candidates of a site in a scan, the most probable first. Section 11.2 has five; a liver
    may hold more lesions than that. Ours."""
    host_mm: float = Field(default=3.0, ge=0)
    """How far from its host a candidate may begin; section 11.2."""
    target_sensitivity: float = Field(default=0.99, gt=0, lt=1)
    """Share of a new patient's lesions that are found, as an expectation; section 1.6."""
    seconds_false_positive: float = Field(default=5.0, ge=0)
    """To delete a false candidate; section 1.6."""
    seconds_edit: float = Field(default=60.0, ge=0)
    """To correct the outline of a found lesion; section 1.6."""
    seconds_draw: float = Field(default=270.0, gt=0)
    """To draw a lesion that was missed; section 1.6."""
    seconds_look: float = Field(default=0.0, ge=0)
    """To look at a scan at all; section 1.6 leaves it out."""
    edit_share: float = Field(default=0.25, ge=0, le=1)
    """Share of found lesions whose outline needs correction; section 1.6."""
    size_factor: float = Field(default=5.0, gt=1)
    """Ratio of a candidate's volume and the reported one beyond which they are not the same lesion;
    section 9.5."""
    misfit_nats: float = Field(default=1.5, ge=0)
    """What another part of the organ, or another kind, than reported costs a candidate's rank, in
    log-probability. Ours."""
    report_audit_share: float = Field(default=0.02, ge=0, le=1)
    """Share of deletions of probable candidates that people look at all the same; section 9.5."""
    report_audit_probability: float = Field(default=0.9, gt=0, le=1)
    """What is probable; section 9.5."""
    bootstraps: int = Field(default=1000, ge=100)
    """Resamples of patients for the bands of curves; section 10.3."""
    review_share: float = Field(default=0.5, ge=0, le=1)
    """Largest share of a round's review that goes to lesion candidates. Ours."""
