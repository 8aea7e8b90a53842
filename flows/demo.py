"""The whole loop on phantom patients: from files with faulty labels to a promoted model."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from flows.console import print_table, say
from flows.em_round import em_round
from flows.ingest import ingest
from flows.overview import overview, report_url
from scalemai_core.records.offer import Offer
from scalemai_core.records.round import RoundResult
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.file import parse_settings
from scalemai_core.store.workspace import Workspace
from scalemai_core.synthesize.faults import DegradeSettings
from scalemai_core.synthesize.phantoms import PhantomSettings
from scalemai_core.synthesize.population import write_population
from tasks.round import finished_rounds

log = logging.getLogger("scalemai.demo")

SEED = 2026
ROUNDS = 2
PATIENTS = 40
GOLD_PATIENTS = 15
STRUCTURES = (
    *("liver", "spleen", "kidney_left", "kidney_right", "stomach", "gall_bladder"),
    *("pancreas_head", "pancreas_body", "pancreas_tail", "duodenum", "colon", "bladder"),
    *("lung_left", "lung_right", "sacrum", "hip_left", "hip_right", "spinal_cord"),
    *("iliopsoas_left", "iliopsoas_right", "autochthon_left", "autochthon_right"),
    *("aorta", "postcava"),
)
PHANTOMS = PhantomSettings(spacing_mm=5.0, lesions=0.0, structures=STRUCTURES)

SETTINGS = {
    "seed": SEED,
    "compute": {"workers": 2, "threads": 1, "shard_size": 10},
    "network": {"name": "UNet", "width": 24, "levels": 4, "stem_stride": 2},
    "input": {"spacing_mm": 5.0, "patch_zyx": [80, 56, 72]},
    "train": {
        "steps": 300,
        "warm_steps": 150,
        "batch": 1,
        "learning_rate": 0.003,
        "augment": False,
    },
    "review": {"mode": "simulate"},
    "evaluate": {"margin_dice": 0.08},
}
"""Small enough for two CPU cores; everything else is as in a real round. Five patients cannot bound
a structure's loss to the usual 0.02, hence the wider margin."""


def run_demo(workspace: str) -> dict[str, Any]:
    """Make phantoms, ingest them, run the rounds; running it again goes on where it stopped."""
    started = time.monotonic()
    folder = Path(workspace)
    store = Workspace.create(workspace, patient_key="demo")
    settings = parse_settings(SETTINGS)
    phantoms = folder / "phantoms"
    _write_phantoms(phantoms)
    _ingest(workspace, phantoms / "population", settings, gold=False)
    _ingest(workspace, phantoms / "gold", settings, gold=True)
    while len(finished_rounds(store)) < ROUNDS:
        em_round(workspace, settings, str(phantoms / "truth"))
    results = finished_rounds(store)
    _tell(workspace, settings, results, time.monotonic() - started)
    return {
        "rounds": [result.model_dump(mode="json") for result in results],
        "status": overview(workspace, settings.tracking, settings.review),
    }


def _write_phantoms(folder: Path) -> None:
    """Three folders of cases: what a lab has, what is true, and trusted patients."""
    done = folder / "done"
    if done.exists():
        return
    log.info("making %d phantom patients and %d trusted ones", PATIENTS, GOLD_PATIENTS)
    faulty = DegradeSettings()
    jobs = (
        ("population", 0, PATIENTS, faulty),
        ("truth", 0, PATIENTS, None),
        ("gold", PATIENTS, GOLD_PATIENTS, None),
    )
    with ProcessPoolExecutor(max_workers=2, mp_context=get_context("spawn")) as pool:
        running = [
            pool.submit(
                write_population,
                folder / name,
                seed=SEED,
                count=count,
                start=start,
                settings=PHANTOMS,
                degrade=degrade,
            )
            for name, start, count, degrade in jobs
        ]
        for job in running:
            job.result()
    done.touch()


def _ingest(workspace: str, source: Path, settings: EngineSettings, *, gold: bool) -> None:
    offer = Offer(
        workspace=workspace,
        sources=(str(source),),
        gold=gold,
        shard_size=settings.compute.shard_size,
    )
    ingest(offer, settings.compute)


def _tell(
    workspace: str, settings: EngineSettings, results: tuple[RoundResult, ...], seconds: float
) -> None:
    """What came out, and where to look."""
    found = overview(workspace, settings.tracking, settings.review)
    titles = ("", *(f"round {result.number}" for result in results))
    print_table("Labels against the phantoms' truth", titles, _label_rows(results))
    columns = ("number", "round", "scans", "changed")
    print_table("Dataset versions", columns, [[v[c] for c in columns] for v in found["versions"]])
    models = [
        (m["version"], ", ".join(m["aliases"]), m["round"], m["dataset_version"])
        for m in found["models"]
    ]
    print_table("Models", ("version", "alias", "round", "trained on dataset"), models)
    for result in results:
        verb = "promoted" if result.promoted else "not promoted"
        why = result.promotion_reason
        say(f"Round {result.number}: model {result.model_version} {verb}: {why}")
    state = Workspace.open(workspace).local_state
    registry = f"sqlite:///{state / 'mlflow' / 'mlflow.db'}"
    bin_folder = Path(sys.executable).parent
    say(f"\nDone in {seconds / 60:.1f} minutes. Look at")
    for result in results:
        say(f"  report, round {result.number}  {report_url(workspace, result)}")
    say(f"  Prefect's page   PREFECT_HOME={state / 'prefect'} {bin_folder}/prefect server start")
    say(f"  MLflow's page    {bin_folder}/mlflow server --backend-store-uri {registry}")
    say(f"  what changed     {bin_folder}/scalemai versions {workspace} diff 2 3")
    say(
        f"  use the model    {bin_folder}/scalemai predict models:/scalemai@champion "
        f"CT.nii.gz LABELS.nii.gz --workspace {workspace}"
    )


def _label_rows(results: Sequence[RoundResult]) -> list[list[str]]:
    """One line a number, one column a round."""
    truths = [result.truth for result in results if result.truth is not None]
    return [
        ["mean Dice before", *(f"{t.mean_dice_before:.3f}" for t in truths)],
        ["with automatic decisions alone", *(f"{t.mean_dice_automatic:.3f}" for t in truths)],
        ["mean Dice after", *(f"{t.mean_dice_after:.3f}" for t in truths)],
        ["masks under 0.8, before", *(f"{t.under_80_before:.1%}" for t in truths)],
        ["masks under 0.8, after", *(f"{t.under_80_after:.1%}" for t in truths)],
        ["of these corrected", *(f"{t.corrected} of {t.faulty}" for t in truths)],
        ["made worse, unseen by people", *(str(t.made_worse) for t in truths)],
        ["on hold", *(str(t.held) for t in truths)],
        ["opened by people, all rounds", *(f"{r.reviewed_share:.2%}" for r in results)],
        ["their time, minutes", *(f"{r.human_minutes:.0f}" for r in results)],
    ]
