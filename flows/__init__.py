"""The DAGs: each flow reads like a methods section."""

from __future__ import annotations

import tasks  # noqa: F401 - sets the quiet defaults before Prefect is imported
