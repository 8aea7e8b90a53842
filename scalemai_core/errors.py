"""The exceptions of the engine: bad use raises, bad data becomes a finding or a rejected row."""

from __future__ import annotations


class ScaleMAIError(Exception):
    """Root of all errors; its message says what happened, to what, and what to do."""


class UsageError(ScaleMAIError):
    """A person asked for something that cannot be done: one clear line and exit code 2."""


class SettingsError(UsageError):
    """A settings file or ``--set`` names an unknown key or holds an impossible value."""


class WorkspaceError(UsageError):
    """The workspace is missing, unreadable or of another format."""


class LeaseLostError(UsageError):
    """The item is no longer held for this reader: the lease ran out, was given back or is used."""


class ChangedMaskError(UsageError):
    """The mask is no longer the one that the reader was shown."""


class TooLargeError(UsageError):
    """More than may be deleted with one key, or sent in one piece."""


class ClaimedError(UsageError):
    """Somebody else works on the workspace; the message says who, since when and what to do."""


class ClaimLostError(ScaleMAIError):
    """Somebody else has taken the workspace over: what was not committed is not committed."""


class CommitConflict(ScaleMAIError):  # noqa: N818 - names the state, as Delta Lake's own conflict does
    """Somebody else committed a dataset version in between: reload and try again."""


class LostShards(ScaleMAIError):  # noqa: N818 - names the state
    """More of a stage failed, shard by shard, than the settings let a round go on without."""


class TrainingError(ScaleMAIError):
    """A training process failed; the message carries its last words."""


class RejectedInput(ScaleMAIError):  # noqa: N818 - bad data, turned into a rejected row by the intake
    """One input file cannot become a scan or a label.

    ``reason`` is a short machine-readable kind (``not_an_image``), the message names the file, and
    ``remedy`` says what to do about it.
    """

    def __init__(self, reason: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.remedy = remedy


class NoAnswer(ScaleMAIError):  # noqa: N818 - the second expert then abstains
    """A model behind a web service gave no usable answer; the message says why and holds no key."""
