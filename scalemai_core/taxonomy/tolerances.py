"""How far a surface may be off and still count as found: a numbered table of millimetres."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scalemai_core.errors import UsageError
from scalemai_core.records.base import Record
from scalemai_core.taxonomy.structure import Kind
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy
from scalemai_core.taxonomy.yaml_file import parse_record, read_documents

_FILE = Path(__file__).with_name("tolerances.yaml")


class Tolerances(Record):
    """``tolerances.yaml``: a number for every kind of structure (method reference, 10.2)."""

    version: int
    kind_mm: dict[Kind, float]
    structure_mm: dict[str, float]
    """Structures that differ from their kind."""

    def by_id(
        self, taxonomy: Taxonomy, spacing_mm_zyx: tuple[float, float, float]
    ) -> NDArray[np.float64]:
        """``(89,)`` mm by structure id, never less than a pixel: nothing finer can be seen."""
        pixel_mm = max(spacing_mm_zyx[1:])
        tolerance_mm = np.full(len(taxonomy.unions), pixel_mm)
        for one in taxonomy.structures:
            own_mm = self.structure_mm.get(one.name, self.kind_mm[one.kind])
            tolerance_mm[one.id] = max(own_mm, pixel_mm)
        return tolerance_mm


@lru_cache
def load_tolerances() -> Tolerances:
    """The table, read and checked once; raises UsageError."""
    return read_tolerances(_FILE)


def read_tolerances(path: Path) -> Tolerances:
    """Read and check a table; raises UsageError with what is missing or unknown in it."""
    documents = read_documents(path)
    if len(documents) != 1:
        raise UsageError(f"{path} must hold one YAML document, found {len(documents)}")
    table = parse_record(Tolerances, documents[0], str(path))
    missing = [kind.value for kind in Kind if kind not in table.kind_mm]
    unknown = [name for name in table.structure_mm if name not in load_taxonomy()]
    if missing or unknown:
        raise UsageError(f"{path}: no number for {missing}, no structure is named {unknown}")
    return table
