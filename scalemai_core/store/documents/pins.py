"""Dataset versions that stay for ever, one small document each."""

from __future__ import annotations

from datetime import UTC, datetime

from scalemai_core.errors import UsageError
from scalemai_core.records.pin import Pin
from scalemai_core.store.documents.account import account
from scalemai_core.store.files import Files

FOLDER = "pins"


class Pins:
    """``pins/<number>.json``."""

    def __init__(self, files: Files) -> None:
        self._files = files

    def read(self) -> dict[int, Pin]:
        """All pins by version."""
        found = map(Pin.model_validate_json, self._files.read_all(FOLDER, ".json"))
        return {pin.number: pin for pin in found}

    def pin(self, number: int, name: str) -> Pin:
        """Keep a version; a pin that is there gets the new name."""
        pin = Pin(number=number, name=name, person=account(), pinned=datetime.now(UTC))
        self._files.write_bytes(_path(number), pin.model_dump_json(indent=1).encode())
        return pin

    def unpin(self, number: int) -> None:
        """Let ``scalemai gc`` decide again; raises UsageError where nothing is pinned."""
        pins = self.read()
        if number not in pins:
            known = ", ".join(map(str, sorted(pins))) or "none"
            raise UsageError(f"dataset version {number} is not pinned (pinned: {known})")
        self._files.remove(_path(number))


def _path(number: int) -> str:
    return f"{FOLDER}/{number}.json"
