"""Union-find: whose tree a node hangs in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.volume.compiled import compiled


@compiled
def root_of(parents: NDArray[np.int64], node: Any) -> Any:
    """The root of a node's tree, the way there halved for whoever comes next."""
    while parents[node] != node:
        parents[node] = parents[parents[node]]
        node = parents[node]
    return node
