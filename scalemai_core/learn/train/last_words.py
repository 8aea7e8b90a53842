"""What a process that fails leaves for torchrun to report."""

from __future__ import annotations

import os

from torch.distributed.elastic.multiprocessing.errors import ErrorHandler


class LastWords(ErrorHandler):
    """The error and its traceback in the file that torchrun reads, whole or not at all.

    A process whose peer was killed fails itself, and torchrun may end it while it still writes.
    Half a report makes torchrun (2.13) fail in place of starting all processes again.
    """

    def record_exception(self, e: BaseException) -> None:
        """Write it beside its place, then put it there."""
        super().record_exception(e)
        path = super()._get_error_file_path()
        if path is not None:
            os.replace(_beside(path), path)  # noqa: PTH105 - the atomic call, by its own name

    def _get_error_file_path(self) -> str | None:
        path = super()._get_error_file_path()
        return None if path is None else _beside(path)


def _beside(path: str) -> str:
    return f"{path}.part"
