"""Arguments and options that commands share."""

from __future__ import annotations

from typing import Annotated

import typer

from scalemai_core.settings.file import PRESETS

WorkspaceArgument = Annotated[str, typer.Argument(help="A folder or an s3:// URL.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Answer in JSON.")]
SettingsOption = Annotated[
    str | None,
    typer.Option(
        "--settings", help=f"A preset ({', '.join(PRESETS)}), or a YAML file with sections."
    ),
]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", help="One setting: SECTION.KEY=VALUE.")
]
