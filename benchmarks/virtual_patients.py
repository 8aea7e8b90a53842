"""Prepares a workspace of virtual patients that are made of one real CT.

    python benchmarks/virtual_patients.py FOLDER CT_SOURCE --seed 7 --patients 30 --gold 12

CT_SOURCE is what `scalemai ingest` takes, with one case: IMAGE=LABELS. Its labels count as true, so
leave out (`--without`) what is not; those of the virtual population are degraded. Afterwards
`expert_accuracy.py FOLDER/seed-7/workspace FOLDER/seed-7/phantoms/truth` measures on it.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from prepared import engine_settings, prepare

from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.synthesize.faults import DegradeSettings
from scalemai_core.synthesize.phantoms import Phantom
from scalemai_core.synthesize.population import write_virtual
from scalemai_core.synthesize.virtual import VirtualSettings
from scalemai_core.taxonomy.taxonomy import load_taxonomy

INPUT = {"spacing_mm": 5.0, "patch_zyx": [72, 64, 80]}
"""One patch sees most of such a scan."""


def main() -> None:
    """Read the CT, write the patients, ingest them, train the first model."""
    options = _options()
    logging.getLogger("scalemai").setLevel(logging.WARNING)
    source = read_source(options.source, options.without)
    virtual = VirtualSettings(spacing_mm=options.spacing_mm)

    def write(folder: Path, indices: range, degrade: DegradeSettings | None) -> None:
        started = time.monotonic()
        write_virtual(folder, source, indices, virtual, degrade, seed=options.seed)
        seconds = (time.monotonic() - started) / max(1, len(indices))
        print(f"{folder.name}: {len(indices)} patients, {seconds:.1f} s each", flush=True)

    base = options.folder / f"seed-{options.seed}"
    settings = engine_settings(options.seed, options.steps, input=INPUT)
    started = time.monotonic()
    prepare(base, settings, write, patients=options.patients, gold=options.gold)
    print(f"population and first model: {(time.monotonic() - started) / 60:.1f} min")


def read_source(source: str, without: Sequence[str] = ()) -> Phantom:
    """The only case of a source, its labels taken for true; some structures are not taken."""
    cases = open_source(source).cases
    if len(cases) != 1:
        raise SystemExit(f"{source} holds {len(cases)} cases; virtual patients are made of one")
    case = read_case(cases[0])
    if not case.labels:
        raise SystemExit(f"{source} has no labels; give them as IMAGE=LABELS")
    taxonomy = load_taxonomy()
    left_out = [taxonomy[name].id for name in without]
    labels = {
        layer: np.where(np.isin(labels_zyx, left_out), np.uint8(0), labels_zyx)
        for layer, labels_zyx in case.labels.items()
    }
    return Phantom(case.image_zyx, labels, case.grid, case.info)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", type=Path, help="where the patients and the workspace go")
    parser.add_argument("source", metavar="CT_SOURCE", help="IMAGE=LABELS of one case")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patients", type=int, default=30)
    parser.add_argument("--gold", type=int, default=12)
    parser.add_argument("--steps", type=int, default=600, help="of the first training")
    parser.add_argument("--spacing-mm", type=float, default=3.0, help="of the virtual scans")
    parser.add_argument("--without", nargs="+", default=(), help="structures not to be taken")
    return parser.parse_args()


if __name__ == "__main__":
    main()
