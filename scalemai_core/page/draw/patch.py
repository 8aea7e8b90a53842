"""A picture of one training patch: the image, its labels, what a network says."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.store.arrays.ome import color_of

PANEL_PX = 320
GAP_PX = 4
_TINT = 0.55
_COLORS = np.array([(0, 0, 0), *map(color_of, range(1, 256))], dtype=np.float32)


def draw_patch(
    image_zyx: NDArray[np.float32], labels_zyx: LabelsZYX, predicted_zyx: LabelsZYX
) -> bytes:
    """The axial plane with most labels, as image, labels and prediction side by side: a PNG.

    ``image_zyx`` is in [0, 1]. Anterior is up and the patient's right is on the left.
    """
    index = int((labels_zyx > 0).sum(axis=(1, 2)).argmax())
    gray = np.clip(image_zyx[index], 0, 1)[..., None].repeat(3, axis=-1) * 255
    nothing = np.zeros_like(labels_zyx[index])
    picture = Image.new("RGB", (3 * PANEL_PX + 2 * GAP_PX, PANEL_PX))
    for column, ids in enumerate((nothing, labels_zyx[index], predicted_zyx[index])):
        tint = _TINT * (ids > 0)[..., None]
        plane = (1 - tint) * gray + tint * _COLORS[ids]
        panel = Image.fromarray(np.ascontiguousarray(plane[::-1, ::-1]).astype(np.uint8))
        panel = panel.resize((PANEL_PX, PANEL_PX), Image.Resampling.NEAREST)
        picture.paste(panel, (column * (PANEL_PX + GAP_PX), 0))
    file = BytesIO()
    picture.save(file, "PNG")
    return file.getvalue()
