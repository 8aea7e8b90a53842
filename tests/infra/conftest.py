"""The scripts that start services are no package: they are imported as they import each other."""

from __future__ import annotations

import sys
from pathlib import Path

SERVICES = Path(__file__).resolve().parents[2] / "infra" / "services"
sys.path.insert(0, str(SERVICES))
