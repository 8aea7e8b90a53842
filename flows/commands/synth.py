"""Commands that make up what scans do not show: tumours, at every size on their way."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.lazy import load
from flows.commands.options import JsonOption, SettingsOption
from flows.console import plain_rows, print_json, print_table, say
from scalemai_core.errors import UsageError
from scalemai_core.settings.file import load_settings

app = typer.Typer(help="Synthetic tumours: watch one grow in a scan.")


@app.callback()
def synth() -> None:
    """Synthetic tumours: watch one grow in a scan."""


@app.command()
def grow(
    image: Annotated[
        str, typer.Argument(metavar="IMAGE", help="A volume file or DICOM folder; or a workspace.")
    ],
    labels: Annotated[
        str,
        typer.Argument(
            metavar="LABELS", help="Its label file or folder of masks; or a scan of the workspace."
        ),
    ],
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="New folder.")],
    structure: Annotated[str, typer.Option(help="The lesion, e.g. liver_lesion.")],
    diameters: Annotated[str, typer.Option(help="Rising, in mm.")] = "5,10,20,30",
    seed: Annotated[int, typer.Option(min=0, help="Another seed, another tumour.")] = 0,
    settings: SettingsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Grow one tumour in a scan: CT and label map of every stage, a sheet of pictures, a table."""
    wanted_mm = _numbers(diameters)
    tumours = load_settings(settings).tumours
    found = load("growth", "grow")((image, labels), folder, structure, wanted_mm, seed, tumours)
    if as_json:
        print_json(found)
        return
    columns = ("stage", "wanted_mm", "diameter_mm", "volume_ml", "necrosis_ml", "steps")
    title = f"{structure} growing in {found['organ']}"
    print_table(title, columns, plain_rows(found["stages"], columns))
    say(f"The pictures: {found['sheet']}")


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(number) for number in text.split(","))
    except ValueError as error:
        raise UsageError(f"--diameters {text}: give numbers like 5,10,20") from error
