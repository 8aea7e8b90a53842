"""What learning needs of the store: voxels by name, read where they are touched."""

from __future__ import annotations

from typing import Any, Protocol

from scalemai_core.store.workspace import Workspace
from scalemai_core.volume.places import Places


class LazyZYX(Protocol):
    """An array that is read where it is sliced."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Voxels along z, y, x."""
        ...

    def __getitem__(self, box: Any, /) -> Any:
        """The voxels of a box of slices."""
        ...


class VolumeReader(Protocol):
    """Opens images and label maps by name."""

    def image(self, scan_id: str) -> LazyZYX:
        """int16 HU."""
        ...

    def labels(self, label_map: str) -> LazyZYX:
        """uint8 structure ids."""
        ...

    def places(self, label_map: str) -> Places:
        """Some voxels of every structure and lesion in a label map."""
        ...


class StoredVolumes:
    """The volumes of a workspace."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel by URL, as the workspace does."""
        return (_at, (self._workspace.url,))

    def image(self, scan_id: str) -> LazyZYX:
        """int16 HU."""
        return self._workspace.scans.array(scan_id)

    def labels(self, label_map: str) -> LazyZYX:
        """uint8 structure ids."""
        return self._workspace.labels.array(label_map)

    def places(self, label_map: str) -> Places:
        """Some voxels of every structure and lesion in a label map."""
        return self._workspace.label_index.read(label_map)


def _at(url: str) -> StoredVolumes:
    return StoredVolumes(Workspace.open(url))
