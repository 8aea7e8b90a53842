"""Arguments and options that commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

WorkspaceArgument = Annotated[str, typer.Argument(help="A folder or an s3:// URL.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
SettingsOption = Annotated[
    Path | None, typer.Option("--settings", help="YAML file with sections of settings.")
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="One setting: SECTION.KEY=VALUE.")
]
