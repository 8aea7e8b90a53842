"""Settings of the human part: how people come in, what they are shown, and how they are checked."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from scalemai_core.settings.section import Section
from scalemai_core.settings.web import WebSettings


class ReviewSettings(Section):
    """How people come in."""

    mode: Literal["skip", "simulate", "wait"] = "wait"
    """``skip`` holds doubtful masks, ``simulate`` asks the truth, ``wait`` waits for people."""
    error_rate: float = Field(default=0.02, ge=0, le=1)
    """Share of wrong answers of the simulated reader. Ours."""
    good_dice: float = Field(default=0.90, gt=0, le=1)
    """A simulated reader accepts a mask from this Dice on, else draws. Ours."""
    seconds_choose: float = 5.0
    """Section 1.6."""
    seconds_draw: float = 270.0
    """Section 1.6."""
    database: str | None = None
    """SQLAlchemy URL of the queue; None keeps SQLite beside the workspace's other local state.
    Every workspace takes a database of its own."""
    deadline_hours: float | None = Field(default=None, gt=0)
    """After this long the round goes on without the answers that are missing; None waits."""
    double_share: float = Field(default=0.05, ge=0, le=1)
    """Share of items that two people read, neither knowing of the other. Ours."""
    honeypot_share: float = Field(default=0.02, ge=0, le=0.5)
    """Items of known answer, from gold ``fit``, as a share of all items. Ours."""
    honeypot_dice: float = Field(default=0.7, gt=0, lt=1)
    """Dice to gold below which a mask is wrong enough to be a honeypot's wrong answer. Ours."""
    lease_seconds: float = Field(default=600.0, gt=0)
    """How long an item is held for the reader who has it open. Ours."""
    export_days: float = Field(default=14.0, gt=0)
    """How long an item that was exported for an editor is held for its reader. Ours."""
    max_delete_ml: float = Field(default=50.0, gt=0)
    """The largest piece that one key deletes; more has to be drawn. Ours."""
    undo_depth: int = Field(default=10, ge=0)
    """How many of one's last answers can be taken back. Ours."""
    field_mm: float = Field(default=160.0, gt=0)
    """Largest edge of what an item shows. Ours."""
    margin_mm: float = Field(default=25.0, ge=0)
    """Shown around the masks, where the field is not full. Ours."""
    web: WebSettings = WebSettings()
    """Its server."""
