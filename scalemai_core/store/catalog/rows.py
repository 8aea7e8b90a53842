"""Records to table rows and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict

import polars as pl

from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.finding import Finding
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import Layer
from scalemai_core.records.scan import Scan
from scalemai_core.store.catalog import tables
from scalemai_core.taxonomy.taxonomy import load_taxonomy

Row = dict[str, object]


def scan_rows(scans: Iterable[Scan]) -> pl.DataFrame:
    """A row a scan; grid and source affine as JSON, number for number."""
    rows = [
        {
            **scan.model_dump(mode="json", exclude={"grid", "source_affine"}),
            "grid": scan.grid.model_dump_json(),
            "source_affine": json.dumps(scan.source_affine),
        }
        for scan in scans
    ]
    return pl.DataFrame(rows, schema=tables.SCANS)


def scans_of(frame: pl.DataFrame) -> Iterator[Scan]:
    """The scans of a table."""
    for row in frame.iter_rows(named=True):
        grid = Grid.model_validate_json(row["grid"])
        yield Scan.model_validate(
            {**row, "grid": grid, "source_affine": json.loads(row["source_affine"])}
        )


def annotation_rows(annotations: Iterable[Annotation]) -> pl.DataFrame:
    """A row an annotation."""
    rows = [annotation.model_dump(mode="json") for annotation in annotations]
    return pl.DataFrame(rows, schema=tables.ANNOTATIONS)


def annotations_of(frame: pl.DataFrame) -> Iterator[Annotation]:
    """The annotations of a table."""
    for row in frame.select(tables.ANNOTATIONS.names()).iter_rows(named=True):
        yield Annotation.model_validate(row)


def first_annotations(
    scan_id: str,
    states: Mapping[str, State],
    label_maps: Mapping[Layer, str],
    origin: Origin,
    source: str,
) -> Iterator[Annotation]:
    """One annotation a structure of a new scan; what the source does not speak of is unknown."""
    for structure in load_taxonomy().structures:
        state = states.get(structure.name, State.UNKNOWN)
        label_map = label_maps.get(structure.layer)
        if state is State.UNKNOWN or label_map is None:
            yield Annotation(
                scan_id=scan_id,
                structure=structure.name,
                state=State.UNKNOWN,
                label_map=label_map,
                reason="no source speaks of it",
            )
            continue
        yield Annotation(
            scan_id=scan_id,
            structure=structure.name,
            state=state,
            label_map=label_map,
            origin=origin,
            origin_name=source,
            revision=1,
            reason="ingested",
        )


def finding_rows(scan_id: str, case: str, findings: Iterable[Finding]) -> list[Row]:
    """A row a finding."""
    return [
        {"scan_id": scan_id, "case": case, **asdict(f), "severity": f.severity.value}
        for f in findings
    ]
