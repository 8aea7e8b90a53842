"""The ``scalemai`` command: puts the commands together, and turns mistakes into one line."""

from __future__ import annotations

import sys

import typer

from flows.commands import (
    deliver,
    keep,
    look,
    model,
    plan,
    review,
    synth,
    versions,
    work,
)
from flows.console import complain, quiet_libraries, show_progress
from scalemai_core.errors import ScaleMAIError, UsageError

app = typer.Typer(
    help="An open EM data engine for medical CT: noisy labels in, an expert dataset and model out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for group in (work, look, plan, versions, deliver, keep):
    app.add_typer(group.app)
app.add_typer(review.app, name="review", no_args_is_help=True)
app.add_typer(model.app, name="model", no_args_is_help=True)
app.add_typer(synth.app, name="synth", no_args_is_help=True)


def main() -> None:
    """Run the command line: a user's mistake is one line and exit code 2."""
    quiet_libraries()
    show_progress()
    try:
        app(standalone_mode=True)
    except UsageError as error:
        complain(str(error))
        sys.exit(2)
    except ScaleMAIError as error:
        complain(str(error))
        sys.exit(1)
