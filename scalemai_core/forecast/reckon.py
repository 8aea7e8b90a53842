"""A round over so many scans on so many GPUs: demands from rates, time from a simulation."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scalemai_core.forecast.simulate import Crew, Load, simulate
from scalemai_core.records.forecast import (
    Forecast,
    Rates,
    Site,
    StageForecast,
    StageRate,
    Work,
)

HOUR = 3600.0
MIB, GIB = 2.0**20, 2.0**30
DAY_HOURS = 24.0

SPREAD = 0.35
"""Of the scans' sizes, as a share of their mean: log-normal, so that shards differ. Ours."""
DECODE_MIB_S = 700.0
"""One core decodes and encodes so much of raw voxels a second (docs/benchmarks.md)."""
TOUCHES = {"ingest": (1, 1), "predict": (1, 2), "judge": (1, 2), "rehearse": (1, 1),
           "compare": (1, 2), "compose": (0, 2), "views": (0, 2), "revise": (0, 2),
           "index": (0, 1), "detect": (1, 1), "evaluate": (1, 1)}  # fmt: skip
"""How often a stage reads or writes a scan's image, and all its label maps."""


def reckon(work: Work, site: Site, rates: Rates, rng: np.random.Generator) -> Forecast:
    """What the work takes at this site, stage by stage in the order of a round."""
    sizes = rng.lognormal(-(SPREAD**2) / 2, SPREAD, work.scans)
    stages: list[StageForecast] = []
    for rate in rates.stages:
        stages.append(_stage(rate, work, site, rates, sizes))
        if rate.stage == "views":
            stages.append(_review(work, site, rates))
        if rate.stage == "index":
            stages.append(_training(site, rates, work))
    waits: dict[str, float] = {}
    for stage in stages:
        waits[stage.limit] = waits.get(stage.limit, 0.0) + stage.hours
    return Forecast(
        work=work,
        site=site,
        rates=rates,
        stages=tuple(stages),
        gpu_hours=sum(stage.gpu_hours for stage in stages),
        core_hours=sum(stage.core_hours for stage in stages),
        review_hours=_review_hours(work, rates),
        storage_gib=_storage(work, rates),
        hours=sum(stage.hours for stage in stages),
        hours_left=sum(stage.hours_left for stage in stages),
        limit=max(waits, key=lambda name: waits[name]),
    )


def _stage(
    rate: StageRate, work: Work, site: Site, rates: Rates, sizes: NDArray[np.float64]
) -> StageForecast:
    scans = math.ceil(rate.share * work.scans)
    load = _load(rate, work, site, rates, np.resize(sizes, scans))
    on_gpu = rate.gpu and site.gpus > 0
    crew = Crew(
        workers=site.gpus if on_gpu else site.cores,
        device="GPUs" if on_gpu else "cores",
        readers=max(1.0, site.cores / site.gpus) if on_gpu else 1.0,
        mib_s=site.store_mib_s,
    )
    seconds, limit = simulate(load, crew)
    device_hours = float(load.seconds.sum()) / HOUR
    return StageForecast(
        stage=rate.stage,
        scans=scans,
        shards=len(load.seconds),
        gpu_hours=device_hours if on_gpu else 0.0,
        core_hours=float(load.reading.sum()) / HOUR if on_gpu else device_hours,
        gib=float(load.mib.sum()) * MIB / GIB,
        hours=seconds / HOUR,
        hours_left=seconds / HOUR * work.left.get(rate.stage, 1.0),
        limit=limit,
        source=rate.source,
    )


def _load(
    rate: StageRate, work: Work, site: Site, rates: Rates, sizes: NDArray[np.float64]
) -> Load:
    """Scans of the mean size cost the rate; smaller and larger ones in proportion."""
    starts = np.arange(0, len(sizes), site.shard_size)
    shards = np.add.reduceat(sizes, starts) if len(sizes) else sizes
    image, labels = TOUCHES.get(rate.stage, (0, 0))
    stored = work.voxels * (image * rates.storage.image + labels * rates.storage.labels)
    raw = work.voxels * (2 * image + 3 * labels)  # int16, and a byte for each of three layers
    on_gpu = rate.gpu and site.gpus > 0
    return Load(
        seconds=shards * rate.seconds * work.voxels / rates.voxels,
        reading=shards * (raw / MIB / DECODE_MIB_S if on_gpu else 0.0),
        mib=shards * stored / MIB,
    )


def _review_hours(work: Work, rates: Rates) -> float:
    review = rates.review
    return work.scans * review.masks * review.share * review.seconds / HOUR


def _review(work: Work, site: Site, rates: Rates) -> StageForecast:
    """People read some hours a day, so the clock runs on without them."""
    hours = _review_hours(work, rates) / site.people * DAY_HOURS / site.hours_a_day
    return StageForecast(
        stage="review",
        scans=math.ceil(work.scans * rates.review.masks * rates.review.share),
        shards=0,
        gpu_hours=0.0,
        core_hours=0.0,
        gib=0.0,
        hours=hours,
        hours_left=hours * work.left.get("review", 1.0),
        limit="people",
        source=rates.review.source,
    )


def _training(site: Site, rates: Rates, work: Work) -> StageForecast:
    training = rates.training
    device_hours = training.models * training.steps * training.seconds / HOUR
    there = site.gpus or site.cores
    hours = device_hours / min(there, training.most_gpus)
    return StageForecast(
        stage="train",
        scans=0,
        shards=training.models,
        gpu_hours=device_hours if site.gpus else 0.0,
        core_hours=0.0 if site.gpus else device_hours,
        gib=0.0,
        hours=hours,
        hours_left=hours * work.left.get("train", 1.0),
        limit="GPUs" if site.gpus else "cores",
        source=training.source,
    )


def _storage(work: Work, rates: Rates) -> dict[str, float]:
    """Images stay; each round adds a prediction and, at most, a new label map of every layer."""
    labels = work.scans * work.voxels * rates.storage.labels / GIB
    return {
        "scans": work.scans * work.voxels * rates.storage.image / GIB,
        "labels": labels,
        "predictions, each round": labels,
        "new labels, each round at most": labels,
    }
