"""All that is known of one decision, and its shortest words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from scalemai_core.judge.rules.rule import spoken
from scalemai_core.page.judgement.history import Happening
from scalemai_core.page.judgement.usual import Row
from scalemai_core.records.decision import Action, Candidate
from scalemai_core.records.expert import ExpertReport
from scalemai_core.settings.engine import EngineSettings

OUTCOMES = {
    Action.KEEP: "Kept",
    Action.REPLACE: "Replaced by {rival}",
    Action.IMPUTE: "Filled in with the prediction",
    Action.SET_ABSENT: "Set to absent, as nothing is predicted",
    Action.REVIEW: "A question to a reader",
    Action.HOLD: "On hold: kept and exported as it is, but without weight in training",
}
RIVALS = {
    Candidate.PREDICTION: "the prediction",
    Candidate.REPAIRED: "the repaired mask",
    Candidate.ALTERNATIVE: "the alternative mask",
}
SIDES = (Candidate.CURRENT, Candidate.PREDICTION)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All that is known of one decision of one round."""

    number: int
    """The round."""
    row: Row
    """The annotation's row of the round's decisions."""
    usual: Row | None
    """Its structure's row of what is usual; None where there are too few masks."""
    expert: ExpertReport
    settings: EngineSettings
    out_of_fold: bool
    """The model never saw the patient, or the settings trust it nonetheless."""
    repair: str
    """How the proposed mask was made, in words; empty where there is none."""
    history: Sequence[Happening]
    """What happened to the annotation in all rounds."""
    standing: str
    """What the newest dataset version believes, in words."""

    @property
    def title(self) -> str:
        """``Right kidney of case_0007, round 2``."""
        structure = first_upper(spoken(self.row["structure"]))
        return f"{structure} of {self.row['case']}, round {self.number}"

    @property
    def file_name(self) -> str:
        """Case and structure, safe as a part of a file's name."""
        return re.sub(r"[^\w.-]+", "_", f"{self.row['case']}-{self.row['structure']}")

    @property
    def outcome(self) -> str:
        """The decision and its reason in one sentence."""
        return outcome(self.row)

    @property
    def rival(self) -> str:
        """The mask that competes with the current one, in words."""
        return rival_words(self.row)


def outcome(row: Row) -> str:
    """A decision and its reason in one sentence."""
    words = OUTCOMES[Action(row["action"])].format(rival=rival_words(row))
    return f"{words}: {row['reason']}"


def rival_words(row: Row) -> str:
    """The mask that competes with the current one, in words."""
    return RIVALS[Candidate(row["rival"])]


def first_upper(text: str) -> str:
    """With a capital letter first, the others as they are (``vertebra T12``)."""
    return text[:1].upper() + text[1:]
