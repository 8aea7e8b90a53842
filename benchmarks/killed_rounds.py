"""Kill -9 at random moments of a small round on the real services, and run it again.

    make services
    source .services/services.env
    python benchmarks/killed_rounds.py --kills 30 --seed 1

One kill a run of the round: a Dask worker, the flow's process, PostgreSQL, the object store, or
MLflow, at a moment drawn from the length of the quickest round that nobody disturbed. What was
killed is started again and the round run again until it ends; the next kills meet the next round.
Ends with code 1 unless every dataset version has the digest of the undisturbed one and no finished
shard was redone.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
import time
import urllib.request
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import yaml
from killed import Flow, kill_child, service

from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.degrade import DegradeSettings
from scalemai_core.synthesize.phantoms import PhantomSettings
from scalemai_core.synthesize.population import write_population

PATIENTS = 4
SETTINGS: dict[str, dict[str, Any]] = {
    # Nothing is set aside: a shard that a dead service failed is worked again by the next run.
    "compute": {
        "shard_size": 1, "threads": 1, "device": "cpu", "max_failed_share": 0.0,
        "retry_seconds": 2.0,
    },
    "network": {"width": 4, "levels": 2, "stem_stride": 2},
    "input": {"spacing_mm": 8.0, "patch_zyx": [32, 32, 32]},
    "predict": {"overlap": 0.25},
    "train": {"steps": 4, "warm_steps": 2},
}  # fmt: skip
VICTIMS = ("worker", "flow", "postgres", "ceph", "mlflow")
HUNG_S = 1200.0
"""A run that takes so long is killed too."""
MOST_RUNS = 8
"""Of one round, before it is given up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """One line of the table."""

    moment_s: float
    victim: str
    in_flight: int
    finished: int
    seen: str
    back_s: float
    """Until what was killed answered again."""


class Store:
    """The bucket, by S3 alone."""

    def __init__(self, name: str) -> None:
        self.bucket = os.environ["SCALEMAI_BUCKET"].removeprefix("s3://")
        self.prefix = f"killed_{name}"
        self._s3 = boto3.client("s3")

    def url(self, place: str) -> str:
        """A workspace of ours."""
        return f"s3://{self.bucket}/{self.prefix}/{place}"

    def objects(self, place: str) -> dict[str, str]:
        """Keys below a place, or all of ours, and when each was written."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=f"{self.prefix}/{place}/".replace("//", "/")
        )
        found = (one for page in pages for one in page.get("Contents", ()))
        return {one["Key"]: one["LastModified"].isoformat() for one in found}

    def parts(self, place: str) -> dict[str, str]:
        """Finished shards, and when each was finished."""
        return {key: when for key, when in self.objects(place).items() if key.endswith(".done")}

    def copy(self, place: str, to: str) -> None:
        """A workspace as it is."""
        for key in self.objects(place):
            target = key.replace(f"{self.prefix}/{place}/", f"{self.prefix}/{to}/", 1)
            source = {"Bucket": self.bucket, "Key": key}
            self._s3.copy_object(Bucket=self.bucket, Key=target, CopySource=source)

    def remove(self, place: str = "") -> None:
        """Every object below a place."""
        for key in self.objects(place):
            self._s3.delete_object(Bucket=self.bucket, Key=key)


class Trials:
    """One prepared workspace, and copies of it whose rounds are killed."""

    def __init__(self, scratch: Path, seed: int) -> None:
        self.scratch, self.dice = scratch, random.Random(seed)
        self.name = uuid.uuid4().hex[:8]
        self.store = Store(self.name)
        self.kills: list[Kill] = []
        self.length_s = HUNG_S
        """Of the quickest round that nobody disturbed; the first one finds cold services."""

    def prepare(self) -> None:
        """Phantoms with faults, taken in once."""
        phantoms = PhantomSettings(spacing_mm=8.0, lesions=0.0)
        folder = self.scratch / "population"
        write_population(
            folder, seed=1, count=PATIENTS, settings=phantoms, degrade=DegradeSettings()
        )
        flow = Flow("ingest", self.store.url("base"), str(folder))
        code, said = flow.ended(HUNG_S)
        if code:
            raise SystemExit(f"ingestion failed: {said}")

    def settings(self, place: str) -> Path:
        """A model name of the trial's own, so that every round begins without a model."""
        services = yaml.safe_load(Path(os.environ["SCALEMAI_SETTINGS"]).read_text())
        tree = SETTINGS | {
            "compute": SETTINGS["compute"] | services["compute"],
            "tracking": services["tracking"] | {"model": f"killed_{self.name}_{place}"},
            "review": {"mode": "skip"},
        }
        path = self.scratch / f"{place}.yaml"
        path.write_text(yaml.safe_dump(tree))
        return path

    def begin(self, place: str) -> Flow:
        """Run the round, or go on with it."""
        settings = str(self.settings(place))
        return Flow("round", self.store.url(place), "--settings", settings, "--json")

    def undisturbed(self) -> str:
        """Digest of the round's dataset version."""
        for tried in range(MOST_RUNS):
            self.store.copy("base", f"calm{tried}")
            clock = time.monotonic()
            code, said = self.begin(f"calm{tried}").ended(HUNG_S)
            if code == 0:
                self.length_s = time.monotonic() - clock
                return self.digest(f"calm{tried}")
            print(f"a round that nobody disturbed ended: {said}", flush=True)
        raise SystemExit("no round ends here even undisturbed: is the machine too busy?")

    def digest(self, place: str) -> str:
        """Of the newest dataset version."""
        version = Workspace.open(self.store.url(place)).catalog.latest()
        return version.digest if version else "none"

    def kill(self, place: str, *, anew: bool) -> tuple[bool, dict[str, str]]:
        """One run with one kill in it; whether the round ended, and what was finished before."""
        began = time.monotonic()
        flow, moment_s = self.begin(place), self.dice.uniform(1.0, self.length_s)
        victim = self.dice.choice(VICTIMS)
        code = flow.wait(moment_s)
        if code is not None:  # it was quicker than the moment
            if anew and code == 0:
                self.length_s = min(self.length_s, time.monotonic() - began)
            return code == 0, {}
        before, in_flight = self.store.parts(place), processing()
        clock = time.monotonic()
        strike(victim, flow)
        back_s = time.monotonic() - clock
        code, said = flow.ended(HUNG_S)
        seen = "went on" if code == 0 else f"ended: {said}" if code else "ended"
        self.kills.append(
            Kill(
                moment_s=moment_s,
                victim=victim,
                in_flight=in_flight,
                finished=len(before),
                seen="killed" if victim == "flow" else seen,
                back_s=back_s,
            )
        )
        return code == 0, before


def strike(victim: str, flow: Flow) -> None:
    """Kill -9, and start again what does not come back by itself."""
    if victim == "flow":
        flow.kill()
    elif victim == "worker":
        kill_child("dask-workers")
    else:
        service("kill", victim)
        service("start", victim)


def processing() -> int:
    """Tasks that Dask's workers hold right now."""
    page = yaml.safe_load(Path(os.environ["SCALEMAI_SERVICES"], "drawn.json").read_text())
    url = f"http://127.0.0.1:{page['ports']['dask page']}/json/counts.json"
    with urllib.request.urlopen(url, timeout=30) as answer:
        return int(json.load(answer)["processing"])


def play(trials: Trials, place: str, wanted: int) -> int:
    """Run a round until it ends, killing as long as kills are wanted; finished shards redone."""
    trials.store.copy("base", place)
    seen: dict[str, str] = {}
    for run in range(MOST_RUNS):
        if run < MOST_RUNS - 1 and len(trials.kills) < wanted:
            done, before = trials.kill(place, anew=run == 0)
            seen = before | seen
        else:
            code, said = trials.begin(place).ended(HUNG_S)
            done = code == 0
            if code:
                print(f"     a run without a kill ended: {said}", flush=True)
        if done:
            after = trials.store.parts(place)
            return sum(after.get(key) != when for key, when in seen.items())
    raise SystemExit(f"the round did not end in {MOST_RUNS} runs")


def main() -> int:
    """Print the table; 1 where a digest differs or a finished shard was redone."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        trials = Trials(Path(scratch), asked.seed)
        try:
            return report(trials, asked.kills)
        finally:
            trials.store.remove()


def report(trials: Trials, wanted: int) -> int:
    """All rounds, a line a kill."""
    began = time.monotonic()
    trials.prepare()
    digest = trials.undisturbed()
    print(f"undisturbed: {trials.length_s:.1f} s, digest {digest}", flush=True)
    print("  at s  victim    in flight  finished  back s  what was seen", flush=True)
    wrong = redone = rounds = 0
    while len(trials.kills) < wanted:
        rounds, shown = rounds + 1, len(trials.kills)
        redone_here = play(trials, f"round{rounds}", wanted)
        same = trials.digest(f"round{rounds}") == digest
        wrong, redone = wrong + (not same), redone + redone_here
        for one in trials.kills[shown:]:
            print(
                f"{one.moment_s:6.1f}  {one.victim:8}  {one.in_flight:9}  {one.finished:8}  "
                f"{one.back_s:6.1f}  {one.seen[:90]}"
            )
        print(
            f"        round {rounds}: digest {'equal' if same else 'DIFFERENT'}, "
            f"{redone_here} finished shards redone",
            flush=True,
        )
        trials.store.remove(f"round{rounds}")
    most = max(one.in_flight for one in trials.kills)
    minutes = (time.monotonic() - began) / 60
    print(f"{len(trials.kills)} kills, {rounds} rounds, {minutes:.1f} min; {wrong} digests differ")
    print(
        f"finished shards redone: {redone}; redone at most what was in flight: {most} tasks a kill"
    )
    return 1 if wrong or redone else 0


if __name__ == "__main__":
    sys.exit(main())
