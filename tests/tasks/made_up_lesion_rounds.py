"""A workspace of small scans whose lesions a model is said to have seen, and rounds on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import polars as pl

from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.decision import Candidate
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX, Layer
from scalemai_core.records.model import ModelDocument
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ReviewItem
from scalemai_core.records.round import RoundPlan
from scalemai_core.records.said import Said
from scalemai_core.records.scan import GoldRole, Scan
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.statement import Presence
from scalemai_core.records.version import DatasetVersion
from scalemai_core.review.entries import entry_of, verdict_on
from scalemai_core.settings.file import parse_settings
from scalemai_core.store.catalog.rows import (
    annotation_rows,
    annotations_of,
    first_annotations,
    scan_rows,
)
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from scalemai_core.volume.lesion_odds import LesionOdds
from scalemai_core.volume.log_odds import encode
from scalemai_core.volume.resample import resampled_grid

ID = {structure.name: structure.id for structure in load_taxonomy().structures}
SHAPE = (10, 20, 32)
GRID = Grid.of(SHAPE, np.diag([2.0, 2.0, 2.0, 1.0]))
LIVER, PDAC, CYST = "liver_lesion", "pancreatic_pdac", "pancreatic_cyst"
LEARNED = (PDAC, CYST, LIVER)
MODEL = "model"
Corner = tuple[int, int, int]


def box(x: int, y: int = 4) -> Corner:
    """First voxel of a cube; the liver reaches from x = 16 on, the pancreas to x = 12."""
    return 3, y, x


def cube(corner: Corner) -> tuple[slice, ...]:
    """Four voxels along each axis."""
    return tuple(slice(first, first + 4) for first in corner)


@dataclass(frozen=True)
class Patient:
    """One scan: what is labelled, what the model sees, what the report says."""

    name: str
    states: Mapping[str, State] = field(default_factory=dict)
    lesions: Mapping[Corner, str] = field(default_factory=dict)
    seen: Mapping[Corner, tuple[str, float]] = field(default_factory=dict)
    said: tuple[Said, ...] = ()
    gold: GoldRole | None = None
    thin: bool = False
    """What the model sees is thinner than a slice, and lies between two."""


def denies(structure: str, organ: str) -> Said:
    return Said(
        structure=structure,
        organ=organ,
        presence=Presence.ABSENT,
        explicit=True,
        may_delete=True,
        sentences=(f"There is no {structure} whatsoever.",),
    )


def names(structure: str, organ: str, count: int = 1) -> Said:
    return Said(
        structure=structure,
        organ=organ,
        presence=Presence.PRESENT,
        count=count,
        sentences=(f"There is a {structure}.",),
    )


class MadeUp:
    """The workspace, and its patients' scans by name."""

    def __init__(self, url: str, *patients: Patient) -> None:
        self.store = Workspace.create(url, patient_key="key")
        self.patients = {patient.name: patient for patient in patients}
        self.scans: dict[str, Scan] = {}
        annotations: list[Annotation] = []
        for seed, patient in enumerate(patients):
            scan = self._scan(seed, patient)
            self.scans[patient.name] = scan
            annotations += self._annotations(scan, patient)
            self._predict(scan, patient)
        self.version = self.store.catalog.commit(
            base=None,
            scans=scan_rows(self.scans.values()),
            annotations=[annotation_rows(annotations)],
            round_number=0,
            message="made up",
        )

    def id(self, name: str) -> str:
        return self.scans[name].scan_id

    def inputs(
        self, number: int = 1, version: DatasetVersion | None = None, **lesions: float
    ) -> StageInputs:
        """A round in which every mask may be opened; ``lesions`` are settings."""
        settings = parse_settings(
            {
                "decide": {"budget": 1.0, "round_share": 1.0, "audit_share": 0.0},
                "lesions": {"review_share": 1.0, "report_audit_share": 0.0} | lesions,
                "review": {"mode": "simulate", "error_rate": 0.0},
            }
        )
        version = version or self.version
        plan = RoundPlan(
            number=number,
            base_version=version.number,
            model_key=MODEL,
            settings=settings,
            code_version="1",
            started=datetime.now(UTC),
        )
        model = ModelDocument(
            key=MODEL,
            taxonomy_version="1",
            channels={Layer.ANATOMY: ("liver", "pancreas"), Layer.LESIONS: LEARNED},
            network=settings.network,
            input=settings.input,
            folds=("0", "1"),
            round=1,
            dataset_version=1,
            code_version="1",
        )
        return StageInputs(workspace=self.store.url, plan=plan, version=version, model=model)

    def annotations(self, version: DatasetVersion, name: str) -> dict[str, Annotation]:
        rows = self.store.catalog.annotations(version, [self.id(name)])
        return {one.structure: one for one in annotations_of(rows)}

    def voxels(self, annotation: Annotation) -> LabelsZYX:
        """Where the annotated structure is."""
        assert annotation.label_map is not None
        labels_zyx = self.store.labels.read(annotation.label_map)
        return labels_zyx == ID[annotation.structure]

    def reported(self) -> pl.DataFrame:
        """What the stage that reads reports would have made."""
        rows = [
            {"scan_id": self.id(name), "said": said.model_dump_json()}
            for name, patient in self.patients.items()
            for said in patient.said
        ]
        return pl.DataFrame(rows, schema={"scan_id": pl.String, "said": pl.String})

    def answer(self, item: ReviewItem, choice: Candidate, label_map: str | None = None) -> None:
        person = Reader(name="dr. example")
        verdict = verdict_on(item, person, choice, label_map, 4.0)
        entry = entry_of(verdict, item.item_id, person)
        self.store.review_log(item.round).append(item.item_id, [entry])

    def _scan(self, seed: int, patient: Patient) -> Scan:
        rng = np.random.default_rng(seed)
        image_zyx = rng.integers(-100, 200, SHAPE, dtype=np.int16)
        return Scan(
            scan_id=self.store.scans.write(image_zyx, GRID, {}),
            patient=patient.name,
            case=patient.name,
            source="hospital",
            grid=GRID,
            source_axes="RAS",
            source_affine=GRID.affine,
            fold=0,
            gold=patient.gold,
        )

    def _annotations(self, scan: Scan, patient: Patient) -> list[Annotation]:
        write = self.store.labels.write
        maps = {Layer.ANATOMY: write(_organs(), scan.scan_id, Layer.ANATOMY, GRID)}
        states = {"liver": State.PRESENT, "pancreas": State.PRESENT, **patient.states}
        if patient.states:
            lesions_zyx = np.zeros(SHAPE, dtype=np.uint8)
            for where, structure in patient.lesions.items():
                lesions_zyx[cube(where)] = ID[structure]
            maps[Layer.LESIONS] = write(lesions_zyx, scan.scan_id, Layer.LESIONS, GRID)
        origin = Origin.SOURCE if patient.gold is None else Origin.GOLD
        return list(first_annotations(scan.scan_id, states, maps, origin, "hospital"))

    def _predict(self, scan: Scan, patient: Patient) -> None:
        probability = np.zeros(SHAPE, dtype=np.float32)
        types_zyx = np.zeros(SHAPE, dtype=np.uint8)
        for where, (structure, value) in patient.seen.items():
            probability[cube(where)], types_zyx[cube(where)] = value, ID[structure]
        predictions, scan_id = self.store.predictions, scan.scan_id
        odds = LesionOdds(encode(probability, floor=1e-4), types_zyx, GRID)
        predictions.write_lesions(MODEL, scan_id, _thinned(odds) if patient.thin else odds)
        layers = {Layer.ANATOMY: _organs(), Layer.LESIONS: types_zyx}
        predictions.write(MODEL, scan_id, layers, GRID)


def _thinned(odds: LesionOdds) -> LesionOdds:
    """Four slices for each, of which only the first, which is nobody's centre, shows anything."""
    z, y, x = SHAPE
    codes_zyx, types_zyx = (np.zeros((4 * z, y, x), dtype=np.uint8) for _ in range(2))
    first = 4 * box(0)[0]
    codes_zyx[first], types_zyx[first] = odds.codes_zyx[box(0)[0]], odds.types_zyx[box(0)[0]]
    return LesionOdds(codes_zyx, types_zyx, resampled_grid(GRID, (0.5, 2.0, 2.0)))


def _organs() -> LabelsZYX:
    organs_zyx = np.zeros(SHAPE, dtype=np.uint8)
    organs_zyx[1:9, 1:19, 16:] = ID["liver"]
    organs_zyx[1:9, 1:19, :12] = ID["pancreas"]
    return organs_zyx
