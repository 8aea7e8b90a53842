"""A browser that reads the review page of a real server."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import ConsoleMessage, Page, expect, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
SOFTWARE_GL = ("--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader")
EXPECTED = ("401", "409", "net::ERR_FAILED")
"""Nobody is signed in at first, a mask may have changed, and a test cuts the connection itself."""
START_SECONDS = 60
WAIT_MS = 60_000
"""For whatever a page is to show: much longer than it takes, on a machine that is busy."""
LOCK_SECONDS = 0.3
"""Longer than the page's lock-out after an answer."""


@contextmanager
def served(app: FastAPI) -> Iterator[str]:
    """The address of a server in a thread of its own."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert time.monotonic() < deadline, "the server does not start"
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(START_SECONDS)


@contextmanager
def page_at(
    address: str, *, width: int = 1366, height: int = 768, ratio: float = 1.0
) -> Iterator[tuple[Page, list[str]]]:
    """A page, and what its console complains about; skips where there is no browser."""
    if not CHROMIUM.exists():
        pytest.skip(f"no browser at {CHROMIUM}")
    troubles: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=["--no-sandbox", *SOFTWARE_GL]
        )
        page = browser.new_page(
            viewport={"width": width, "height": height}, device_scale_factor=ratio
        )
        page.set_default_timeout(WAIT_MS)
        expect.set_options(timeout=WAIT_MS)
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda said: troubles.extend(_troubles(said)))
        page.goto(address)
        yield page, troubles
        browser.close()


def press(page: Page, key: str) -> None:
    """A key after the lock-out of the answer before."""
    time.sleep(LOCK_SECONDS)
    page.keyboard.press(key)


def press_at_once(page: Page, key: str, times: int) -> None:
    """A key several times, quicker than any person."""
    page.evaluate(
        """([key, times]) => {
            for (let each = 0; each < times; each += 1)
                document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
        }""",
        [key, times],
    )


def paint_and_save(page: Page) -> None:
    """One stroke across the middle of the easel, then save."""
    press(page, "e")
    words = page.locator("#paint-words")
    expect(words).to_contain_text("ml")
    before = words.inner_text()
    box = page.locator("#easel").bounding_box()
    assert box is not None
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.move(*middle)
    page.mouse.down()
    page.mouse.move(middle[0] + box["height"] / 3, middle[1], steps=6)
    page.mouse.up()
    expect(words).not_to_have_text(before)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="drawing is saved")).to_be_visible()


def _troubles(said: ConsoleMessage) -> list[str]:
    if said.type != "error" or any(words in said.text for words in EXPECTED):
        return []
    return [said.text]
