"""The current mask and the prediction of one annotation, in words."""

from __future__ import annotations

from scalemai_core.page.draw.number import count, dice, is_missing, millilitres, percent
from scalemai_core.page.judgement.explanation import Explanation
from scalemai_core.page.judgement.history import maker
from scalemai_core.page.judgement.usual import usual_dice, usual_volume
from scalemai_core.records.annotation import State
from scalemai_core.records.decision import Candidate


def current_words(told: Explanation) -> str:
    """Whose it is and how large."""
    row = told.row
    if row["state"] == State.UNKNOWN.value:
        return "**The current mask.** There is none: no source has labelled it, it is unknown."
    who = maker(row["origin"], row["source"])
    if row["state"] == State.ABSENT.value:
        return f"**The current mask** is empty: {who} says that the structure is not there."
    if row["volume_ml_current"] == 0:
        return f"**The current mask** is empty, although {who} says that the structure is there."
    return f"**The current mask** (from {who}) holds {_size(told, Candidate.CURRENT)}"


def _size(told: Explanation, side: Candidate) -> str:
    """Volume against the usual one, pieces, and what the scan cuts; ends with a full stop."""
    row, usual = told.row, usual_volume(told.usual)
    volume_ml = row[f"volume_ml_{side.value}"]
    words = millilitres(volume_ml)
    cut = row[f"at_border_{side.value}"]
    if usual is not None:
        words += f", {usual.compared(volume_ml)} in this population ({usual})"
    if cut:
        words += "; it touches the edge of the scan, so that part of it may be missing"
    words += "."
    pieces, apart = row[f"pieces_{side.value}"], row[f"crumbs_{side.value}"]
    if pieces > 1:
        words += f" It lies in {count(pieces)} pieces, {percent(apart)} of it outside the largest."
    return words


def prediction_words(told: Explanation) -> str:
    """How large it is, and how both agree."""
    row = told.row
    trust = "a model that never saw this patient"
    if not told.out_of_fold:
        trust = "a model that has learned from this patient, and is not trusted to change anything"
    if row["volume_ml_prediction"] == 0:
        return f"**The prediction** of {trust} is empty."
    words = f"**The prediction** of {trust} holds {_size(told, Candidate.PREDICTION)}"
    if is_missing(row["dice"]) or row["volume_ml_current"] == 0:
        return words
    usual = usual_dice(told.usual)
    words += f" Both masks agree with Dice {dice(row['dice'])}"
    if usual is not None:
        words += f", {usual.compared(row['dice'])} ({usual.low:.2f} to {usual.high:.2f})"
    shared_ml = row["intersection_ml"]
    words += (
        f"; {percent(shared_ml / row['volume_ml_current'])} of the current mask lies in the "
        f"prediction, {percent(shared_ml / row['volume_ml_prediction'])} of the prediction in the "
        "current mask"
    )
    if not is_missing(row["surface_mm"]):
        words += f". Their surfaces lie {row['surface_mm']:.1f} mm apart in the mean"
        if not is_missing(row["hd95_mm"]):
            words += f", {row['hd95_mm']:.1f} mm where they differ most (95th percentile)"
    return words + "."
