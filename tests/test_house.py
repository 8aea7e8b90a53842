"""The house keeps its shape: small files, small functions, and doors that stay shut."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(
    path for floor in ("flows", "tasks", "scalemai_core") for path in (ROOT / floor).rglob("*.py")
)
MAX_LINES = 250
MAX_FUNCTION_LINES = 50
SHAPELESS = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
ORCHESTRATION = ("prefect", "prefect_dask", "dask", "distributed", "mlflow")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.fixture(params=MODULES, ids=name_of)
def module(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def test_there_is_a_house() -> None:
    assert len(MODULES) > 100


def test_files_are_small_and_plain(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= MAX_LINES
    assert text.isascii()
    assert module.stem not in SHAPELESS
    assert ast.get_docstring(tree(module)), "a module says what it is for"


def test_functions_are_small_and_never_print(module: Path) -> None:
    for node in ast.walk(tree(module)):
        if isinstance(node, Function):
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            assert (node.end_lineno or 0) - first < MAX_FUNCTION_LINES, node.name
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id != "print", f"line {node.lineno}"


def test_imports_go_down_only(module: Path) -> None:
    floor = module.relative_to(ROOT).parts[0]
    above = {"scalemai_core": ("tasks", "flows"), "tasks": ("flows",), "flows": ()}[floor]
    barred = (*above, *ORCHESTRATION) if floor == "scalemai_core" else above
    found = [name for name in imports(module) if name.split(".")[0] in barred]
    assert not found


def test_the_core_runs_without_orchestrator_cluster_and_tracker() -> None:
    names = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in MODULES
        if path.is_relative_to(ROOT / "scalemai_core") and path.stem != "__init__"
    ]
    code = (
        "import importlib, sys\n"
        f"sys.modules.update(dict.fromkeys({ORCHESTRATION!r}))\n"  # as if they were not installed
        f"for name in {names!r}: importlib.import_module(name)\n"
    )
    command = [sys.executable, "-W", "ignore", "-c", code]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


def test_files_above_the_core_do_not_name_a_machine(module: Path) -> None:
    text = module.read_text(encoding="utf-8")
    assert not any(f'"/{place}/' in text for place in ("home", "tmp", "root", "mnt", "data"))
