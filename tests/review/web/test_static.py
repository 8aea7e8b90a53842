"""The page's own files: small, plain, complete, and fit for a strict content policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from scalemai_core.review.web import routes_page

STATIC = Path(str(routes_page.STATIC))
MODULES = sorted((STATIC / "js").glob("*.js"))
MAX_LINES = 250
MAX_FUNCTION_LINES = 50
NIIVUE_VERSION = "0.69.0"


@pytest.fixture(params=MODULES, ids=lambda path: path.name)
def module(request: pytest.FixtureRequest) -> str:
    return Path(request.param).read_text(encoding="utf-8")


def test_modules_are_small_plain_and_say_what_they_are_for(module: str) -> None:
    assert module.startswith("/**")
    assert module.isascii()
    assert len(module.splitlines()) <= MAX_LINES


def test_functions_are_small(module: str) -> None:
    lines = module.splitlines()
    for first, line in enumerate(lines):
        opens = re.match(r"( *)(?:export |async |static |get )*[#\w]+.*\) \{$", line)
        if opens:
            closing = opens.group(1) + "}"
            last = next(n for n in range(first + 1, len(lines)) if lines[n].startswith(closing))
            assert last - first < MAX_FUNCTION_LINES, line


def test_what_a_module_imports_is_there(module: str) -> None:
    for name in re.findall(r'from "\./([\w.]+)"', module):
        assert (STATIC / "js" / name).is_file()


def test_the_page_has_no_inline_script_or_style() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:", page)
    assert all(" src=" in script for script in re.findall(r"<script[^>]*>", page))


def test_everything_the_page_asks_for_is_served() -> None:
    page = (STATIC / "index.html").read_text(encoding="utf-8")
    asked = [*re.findall(r'"/static/([^"]+)"', page), "vendor/niivue.js"]
    served = routes_page.assets()
    assert {name for name in asked if name not in served} == set()


def test_vendored_code_comes_with_version_and_licence() -> None:
    licences = (STATIC / "vendor" / "LICENSES.md").read_text(encoding="utf-8")
    assert f"niivue {NIIVUE_VERSION}" in licences
    assert "BSD 2-Clause License" in licences
    for vendored in (STATIC / "vendor").glob("*.js"):
        assert f"`{vendored.name}`" in licences
