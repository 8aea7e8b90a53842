"""What ``mlflow.pyfunc.load_model`` loads: code, JSON and safetensors, nothing pickled.

MLflow runs this file on the consumer's machine; the core travels beside it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc.model import PythonModel, PythonModelContext

from scalemai_core.errors import UsageError
from scalemai_core.intake.reader import read_case
from scalemai_core.intake.sources import open_source
from scalemai_core.judge.lesions.anatomy import seen_anatomy
from scalemai_core.judge.lesions.candidates import find_candidates
from scalemai_core.learn.predict.predictor import Prediction, Predictor
from scalemai_core.records.detection import DetectionReport
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import ImageZYX
from scalemai_core.records.model import ModelDocument
from scalemai_core.taxonomy.taxonomy import load_taxonomy

# MLflow asks for a type hint on ``predict``; no schema of its own says "paths, or arrays with mm".
warnings.filterwarnings("ignore", message=".*Add type hints to the `predict` method")

LESIONS = "lesions.json"
"""The model's operating points, beside its document."""
TOLD = {
    *("site", "structure", "probability", "organ", "place"),
    *("diameter_mm", "volume_mm3", "x_mm", "y_mm", "z_mm"),
}
"""What a consumer is told of a candidate; the centroid is RAS."""

Result = dict[str, Any]
"""``labels`` (layer to uint8 ``_zyx``), ``affine`` (xyz index to RAS mm), ``volumes_ml``, and
``lesions``: candidates from the model's operating points on, the most probable first."""


class Folder:
    """The model's artifacts, read by the paths its document gives."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def read_bytes(self, path: str) -> bytes:
        """One artifact; names are unique below a model."""
        return (self._folder / Path(path).name).read_bytes()


class ServedModel(PythonModel):
    """The ensemble of fold models: CT files or arrays in, label maps and volumes out."""

    def load_context(self, context: PythonModelContext) -> None:
        """Read the document and the weights that it says are for consumers."""
        folder = Path(context.artifacts["model"])
        document = ModelDocument.model_validate_json((folder / "model.json").read_text())
        self._predictor = Predictor.load(Folder(folder), document, None, "auto", threads=2)
        measured = folder / LESIONS
        self._measured: DetectionReport | None = None
        if measured.exists():
            self._measured = DetectionReport.model_validate_json(measured.read_text())

    def predict(  # pyright: ignore[reportIncompatibleMethodOverride] - MLflow types it as None
        self,
        context: PythonModelContext,
        model_input,  # noqa: ANN001 - MLflow reads a type here as a schema
        params=None,  # noqa: ANN001
    ) -> list[Result]:
        """One result a scan, with label maps on the scan's own grid; see ``Result``.

        ``model_input`` is a path or several (NIfTI, NRRD, MetaImage, DICOM folder), a data frame
        with a column ``path``, or dictionaries with ``image_zyx`` (HU, axes closest to RAS) and
        ``spacing_mm_zyx``. Raises UsageError for anything else.
        """
        return [self._predict(image_zyx, grid) for image_zyx, grid in _images(model_input)]

    def _predict(self, image_zyx: ImageZYX, grid: Grid) -> Result:
        prediction = self._predictor.predict(image_zyx, grid)
        taxonomy = load_taxonomy()
        volumes_ml: dict[str, float] = {}
        for layer, labels_zyx in prediction.labels.items():
            counts = np.bincount(labels_zyx.ravel(), minlength=256)[: len(taxonomy.unions)]
            voxels = taxonomy.unions @ counts
            for structure in taxonomy.in_layer(layer):
                if voxels[structure.id]:
                    volumes_ml[structure.name] = float(voxels[structure.id] * grid.voxel_ml)
        labels = {layer.value: labels_zyx for layer, labels_zyx in prediction.labels.items()}
        return {
            "labels": labels,
            "affine": grid.matrix,
            "volumes_ml": volumes_ml,
            "lesions": self._lesions(prediction),
        }

    def _lesions(self, prediction: Prediction) -> list[dict[str, Any]]:
        """Candidates that the model's operating points let through; sites that gold has not
        measured have none."""
        odds, measured = prediction.lesions, self._measured
        if odds is None or measured is None:
            return []
        points = {site.point.site: site.point.log_odds for site in measured.sites}
        anatomy_zyx = seen_anatomy({}, prediction.labels, odds.grid.shape_zyx)
        _, found = find_candidates(
            odds.codes_zyx, odds.types_zyx, anatomy_zyx, odds.grid, "", measured.settings
        )
        through = [one for one in found if one.log_odds >= points.get(one.site, math.inf)]
        through.sort(key=lambda one: -one.log_odds)
        return [one.model_dump(include=TOLD) for one in through]


def _images(model_input: Any) -> Iterable[tuple[ImageZYX, Grid]]:
    if isinstance(model_input, pd.DataFrame):
        model_input = model_input["path"].tolist()
    if isinstance(model_input, str | Path | dict):
        model_input = [model_input]
    for item in model_input:
        if isinstance(item, str | Path):
            for files in open_source(str(item)).cases:
                case = read_case(files)
                yield case.image_zyx, case.grid
        elif isinstance(item, dict) and {"image_zyx", "spacing_mm_zyx"} <= item.keys():
            image_zyx = np.asarray(item["image_zyx"], dtype=np.int16)
            z, y, x = (float(mm) for mm in item["spacing_mm_zyx"])
            yield image_zyx, Grid.of(image_zyx.shape, np.diag([x, y, z, 1.0]))
        else:
            raise UsageError(
                "the model takes file paths, or dictionaries with image_zyx and spacing_mm_zyx"
            )


set_model(ServedModel())
