"""How the command line speaks: tables for people, JSON for machines, one line for mistakes."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from rich.console import Console
from rich.logging import RichHandler
from rich.markdown import Markdown
from rich.markup import escape
from rich.table import Table

out = Console()
err = Console(stderr=True)


def show_progress() -> None:
    """Send the engine's log lines to the terminal, beside (not into) the answer."""
    handler = RichHandler(console=err, show_path=False, show_level=False, log_time_format="%X")
    engine = logging.getLogger("scalemai")
    engine.handlers[:] = [handler]
    engine.setLevel(logging.INFO)
    engine.propagate = False


def quiet_libraries() -> None:
    """Libraries speak only of trouble."""
    for name in ("mlflow", "alembic", "httpx", "distributed", "prefect"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # They warn of their own internals: nothing a user of this engine can act on.
    warnings.filterwarnings("ignore", module=r"(mlflow|prefect|pydantic|monai|torch)\.")


def print_json(value: Any) -> None:
    """One JSON document on standard output and nothing else."""
    out.print_json(json.dumps(value, default=str), highlight=False)


def print_table(title: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """A table, numbers to the right; nothing at all where there are no rows."""
    rows = [list(row) for row in rows]
    if not rows:
        return
    table = Table(title=title, title_justify="left", title_style="bold")
    for index, name in enumerate(header):
        numeric = all(isinstance(row[index], int | float) for row in rows)
        table.add_column(name, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row))
    out.print(table)


def print_markdown(text: str) -> None:
    """A piece of Markdown, as a terminal shows it."""
    out.print(Markdown(text))


def say(text: str) -> None:
    """One line of answer."""
    out.print(text, highlight=False, markup=False, soft_wrap=True)


def complain(message: str) -> None:
    """One line on standard error, however many the message has."""
    line = " ".join(message.split())
    err.print(f"[bold red]error:[/] {escape(line)}", highlight=False, soft_wrap=True)


def answer(*, as_json: bool, document: Any, line: str) -> None:
    """The same answer for a machine or for a person."""
    if as_json:
        print_json(document)
    else:
        say(line)


def plain_rows(documents: Sequence[dict[str, Any]], columns: Sequence[str]) -> list[list[Any]]:
    """Chosen keys of documents as rows of a table; lists as words."""
    return [[_plain(document[name]) for name in columns] for document in documents]


def _plain(value: Any) -> Any:
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
