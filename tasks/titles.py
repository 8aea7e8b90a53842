"""What Prefect's page calls the things of a workspace: one server may serve several."""

from __future__ import annotations

import re


def workspace_title(workspace: str) -> str:
    """The last part of a workspace's path or URL."""
    return re.split(r"[/\\]", workspace.rstrip("/\\"))[-1]


def artifact_key(workspace: str, name: str) -> str:
    """``abdomen-round-1``; Prefect takes small letters, digits and dashes, and nothing else."""
    return re.sub(r"[^a-z0-9]+", "-", f"{workspace_title(workspace)}-{name}".lower()).strip("-")
