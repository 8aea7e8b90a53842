"""What the model's probabilities say of one structure, kept while they are streamed."""

from __future__ import annotations

from scalemai_core.records.base import Record


class Evidence(Record):
    """Numbers over the voxels that the annotation or the prediction gives to the structure.

    They are features and diagnostics: a prediction maximizes its own likelihood, so that likelihood
    alone may never decide (method reference, section 1.3).
    """

    loglik_current: float
    """Mean log-probability, in nats, of what the annotation says: in or out."""
    loglik_prediction: float
    """The same of what the prediction says."""
    entropy: float
    """Mean entropy, in nats, over all structures of the layer."""
    boundary_confidence: float | None
    """Mean probability of the predicted structure along its border in the slice; None where it is
    not predicted."""
    confidence: float | None
    """Mean probability over the voxels predicted as the structure; None where there are none."""
