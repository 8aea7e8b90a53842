"""What a round over so many scans takes, and by which rates that was reckoned."""

from __future__ import annotations

from pydantic import Field

from scalemai_core.records.base import Record

ASSUMED = "assumed"
"""Source of a rate that nobody measured in this workspace."""


class StageRate(Record):
    """What one stage costs a scan."""

    stage: str
    gpu: bool
    """Whether it waits for GPUs or for cores."""
    share: float
    """Of all scans, how many it works."""
    seconds: float
    """Of one GPU or one core for a scan of ``Rates.voxels``."""
    source: str = ASSUMED
    """``round 3``, or ``assumed``."""


class TrainingRate(Record):
    """What the fold models cost, whatever the number of scans."""

    models: int
    steps: int
    """Of each."""
    seconds: float
    """GPU seconds of a step."""
    most_gpus: int
    """That can work at it at the same time."""
    source: str = ASSUMED


class ReviewRate(Record):
    """What people are asked and how long an answer takes."""

    masks: float
    """Known masks of a scan."""
    share: float
    """Of the masks, those that people open in a round."""
    seconds: float
    """For one of them."""
    source: str = ASSUMED


class StorageRate(Record):
    """Bytes of a voxel in the store."""

    image: float
    labels: float
    """Of all layers together."""
    source: str = ASSUMED


class Rates(Record):
    """All of them; seconds belong to scans of so many voxels."""

    voxels: float
    stages: tuple[StageRate, ...]
    training: TrainingRate
    review: ReviewRate
    storage: StorageRate


class Site(Record):
    """What there is to work with."""

    gpus: int
    """0 works everything on cores."""
    cores: int
    people: int
    hours_a_day: float
    """That one person reads."""
    store_mib_s: float
    """What the store delivers and takes to all workers together."""
    shard_size: int


class Work(Record):
    """What is asked for."""

    scans: int
    voxels: float
    """Of one scan."""
    left: dict[str, float] = Field(default_factory=dict)
    """Of a round that has begun: the share of a stage's work that is still to be done."""


class StageForecast(Record):
    """One stage of the round."""

    stage: str
    scans: int
    shards: int
    gpu_hours: float
    core_hours: float
    gib: float
    """Read from the store and written to it."""
    hours: float
    """On the clock."""
    hours_left: float
    limit: str
    """What it waits for: GPUs, cores, readers, store, people, or its last shards."""
    source: str


class Forecast(Record):
    """A round from beginning to end."""

    work: Work
    site: Site
    rates: Rates
    stages: tuple[StageForecast, ...]
    """In their order."""
    gpu_hours: float
    core_hours: float
    review_hours: float
    """Of people."""
    storage_gib: dict[str, float]
    """By what is kept."""
    hours: float
    """On the clock, from ingestion or from the round's first stage to its last."""
    hours_left: float
    limit: str
    """What the longest part of the time is spent waiting for."""
