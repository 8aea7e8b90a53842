"""A reader works through a round on the review page, in a real browser."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import LOCK_SECONDS, WAIT_MS, page_at, paint_and_save, press, press_at_once, served
from made_up_patient import LESION, TO_DRAW, TOKEN, WITH_FALSE_PIECE, MadeUpPatient
from playwright.sync_api import Locator, Page, expect

from scalemai_core.records.decision import Candidate
from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.review.web.app import create_app
from scalemai_core.settings.web import WebSettings


@pytest.fixture
def patient(tmp_path: Path) -> MadeUpPatient:
    return MadeUpPatient(tmp_path)


@pytest.fixture
def address(patient: MadeUpPatient) -> Iterator[str]:
    with served(create_app(lambda: patient.desk, patient.queue, WebSettings())) as url:
        yield url


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    """Signed out; complaints of the browser fail the test."""
    with page_at(address) as (page, troubles):
        yield page
        assert troubles == []


def sign_in(page: Page) -> None:
    page.get_by_label("Token").fill(TOKEN)
    page.keyboard.press("Enter")
    expect(page.locator("#structure")).not_to_be_empty()


def decide(page: Page, key: str, words: str) -> None:
    """Press a key, and wait until the page says what it did."""
    press(page, key)
    expect(page.get_by_role("status").filter(has_text=words)).to_be_visible()


def entries(patient: MadeUpPatient, count: int) -> tuple[ReviewEntry, ...]:
    """What is stored, once that much is."""
    log = patient.store.review_log(1)
    deadline = time.monotonic() + WAIT_MS / 1000
    while len(found := log.read()) < count and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(found) == count
    return found


def structure_shown(page: Page) -> str:
    return page.locator("#structure").inner_text()


def test_twelve_items_are_decided_by_keyboard_and_the_log_says_exactly_that(
    page: Page, patient: MadeUpPatient
) -> None:
    sign_in(page)
    decide(page, "b", "Liver: B")
    expect(page.locator("#structure")).to_have_text("Spleen")
    decide(page, "x", "Marked piece 2")
    decide(page, "x", "deleted piece 2")
    decide(page, "x", "no lesion, deleted")
    decide(page, "a", "Left kidney: A")
    decide(page, "b", "Right kidney: B")
    paint_and_save(page)
    decide(page, "k", "a lesion, kept")
    decide(page, "a", "Pancreas: A")
    decide(page, "u", "Taken back: pancreas")
    expect(page.locator("#structure")).to_have_text("Pancreas")
    decide(page, "b", "Pancreas: B")
    decide(page, "k", "left as it is")
    press(page, "s")
    page.keyboard.press("3")
    page.get_by_label("In your words").fill("motion")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Skipped: image quality")).to_be_visible()
    decide(page, "b", "Colon: B")
    decide(page, "b", "Left adrenal gland: B")
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    check_log(patient)


def check_log(patient: MadeUpPatient) -> None:
    """Every act, with what it says of the masks."""
    found = entries(patient, 14)
    assert [entry.act for entry in found].count(Act.UNDO) == 1
    (skip,) = [entry for entry in found if entry.act is Act.SKIP]
    assert skip.reason == "image quality or artefact: motion"
    undone = {entry.undoes for entry in found if entry.undoes}
    standing = [entry for entry in found if entry.verdict and entry.entry_id not in undone]
    said = [(entry.verdict.structure, entry.verdict.choice) for entry in standing if entry.verdict]
    current, repaired, reader = Candidate.CURRENT, Candidate.REPAIRED, Candidate.READER
    assert said == [
        ("liver", repaired), (WITH_FALSE_PIECE, reader), (LESION, current),
        ("kidney_left", current), ("kidney_right", repaired), (TO_DRAW, reader),
        (LESION, Candidate.PREDICTION), ("pancreas", repaired), ("gall_bladder", current),
        ("colon", repaired), ("adrenal_gland_left", repaired),
    ]  # fmt: skip
    assert all(0 < entry.seconds < 60 for entry in standing)
    maps = {entry.verdict.structure: entry.verdict.label_map for entry in standing if entry.verdict}
    check_deleted_piece(patient, maps[WITH_FALSE_PIECE])
    check_drawing(patient, maps[TO_DRAW])


def check_deleted_piece(patient: MadeUpPatient, label_map: str | None) -> None:
    kept = patient.mask_zyx(WITH_FALSE_PIECE, label_map)
    before = patient.mask_zyx(WITH_FALSE_PIECE)
    assert kept.any()
    assert not (kept & ~before).any()
    piece_zyx = np.argwhere(before & ~kept)
    assert len(piece_zyx) > 20
    assert np.abs(piece_zyx - (6, 22, 60)).max() <= 3


def check_drawing(patient: MadeUpPatient, label_map: str | None) -> None:
    """One slice has more than it had; all others are as they were, to the voxel."""
    drawn, before = patient.mask_zyx(TO_DRAW, label_map), patient.mask_zyx(TO_DRAW)
    assert drawn.sum() > before.sum()
    assert not (before & ~drawn).any()
    assert len(np.unique(np.argwhere(drawn != before)[:, 0])) == 1


def test_keys_are_locked_for_a_moment_after_an_answer(page: Page, patient: MadeUpPatient) -> None:
    sign_in(page)
    time.sleep(LOCK_SECONDS)
    press_at_once(page, "a", times=2)
    expect(page.locator("#structure")).to_have_text("Spleen")
    time.sleep(LOCK_SECONDS)
    assert [e.verdict.structure for e in entries(patient, 1) if e.verdict] == ["liver"]


def test_an_answer_outlives_a_lost_connection(page: Page, patient: MadeUpPatient) -> None:
    sign_in(page)
    expect(page.locator("#items li.held")).to_have_count(3)
    time.sleep(1)
    page.route("**/answer", lambda route: route.abort())
    decide(page, "b", "Liver: B")
    expect(page.locator("#link")).to_contain_text("1 answer is kept and sent again")
    assert structure_shown(page) == "Spleen"
    assert patient.store.review_log(1).read() == ()
    page.unroute("**/answer")
    expect(page.locator("#link")).to_be_hidden()
    assert len(entries(patient, 1)) == 1


def test_a_token_that_is_wrong_is_told_in_words(page: Page) -> None:
    page.get_by_label("Token").fill("n" * 43)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="token")).to_be_visible()


def test_leaving_the_page_gives_items_back(page: Page, patient: MadeUpPatient) -> None:
    sign_in(page)
    expect(page.locator("#items li.held")).to_have_count(3)
    page.goto("about:blank")
    deadline = time.monotonic() + WAIT_MS / 1000
    while patient.queue.progress(1).leased and time.monotonic() < deadline:
        time.sleep(0.05)
    assert patient.queue.progress(1).leased == 0


def test_everything_that_can_be_pressed_has_a_name_and_can_be_reached(page: Page) -> None:
    sign_in(page)
    press(page, "?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Figures")).to_be_visible()
    for button in page.get_by_role("button").all():
        assert button.inner_text().strip() or button.get_attribute("aria-label")
    for picture in page.locator("canvas:visible").all():
        assert picture.get_attribute("aria-label")
    reached = ""
    for _ in range(20):
        page.keyboard.press("Tab")
        reached += page.evaluate("document.activeElement.textContent")
    assert all(words in reached for words in ("current", "repaired", "soft tissue", "Figures"))
    assert page.locator("[aria-live]").count() >= 2


def test_the_figures_show_ones_own_line(page: Page) -> None:
    sign_in(page)
    decide(page, "b", "Liver: B")
    expect(page.locator("#progress .words")).to_contain_text("1 of 12")
    press(page, "f")
    expect(page.get_by_role("rowheader", name="ada (you)")).to_be_visible()
    press(page, "f")
    expect(page.locator("#structure")).to_be_visible()


def test_nothing_is_open_between_two_rounds(patient: MadeUpPatient) -> None:
    app = create_app(lambda: None, patient.queue, WebSettings())
    with served(app) as url, page_at(url) as (page, _):
        page.get_by_label("Token").fill(TOKEN)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
        expect(page.get_by_text("No review is open at the moment.")).to_be_visible()


def test_a_changed_mask_is_skipped_over_and_the_reader_is_told(
    page: Page, patient: MadeUpPatient
) -> None:
    sign_in(page)
    patient.change_masks()
    press(page, "b")
    expect(page.get_by_role("alert").filter(has_text="has changed")).to_be_visible()
    expect(page.locator("#structure")).to_have_text("Spleen")
    (entry,) = entries(patient, 1)
    assert entry.act is Act.SKIP
    assert "changed" in entry.reason


def test_a_drawing_that_was_not_touched_comes_back_voxel_for_voxel(
    page: Page, patient: MadeUpPatient
) -> None:
    sign_in(page)
    press(page, "e")
    expect(page.locator("#paint-words")).to_contain_text("ml")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="drawing is saved")).to_be_visible()
    (entry,) = entries(patient, 1)
    assert entry.verdict is not None
    drawn = patient.mask_zyx("liver", entry.verdict.label_map)
    assert np.array_equal(drawn, patient.mask_zyx("liver"))


def test_the_patients_right_is_on_the_left_and_the_picture_is_what_the_pointer_reads(
    page: Page, patient: MadeUpPatient
) -> None:
    sign_in(page)
    ends = {"axial": (0, 1), "coronal": (0, 2), "sagittal": (1, 2)}
    for name, (across, down) in ends.items():
        canvas = page.get_by_label(f"{name} CT")
        spots = [(u, v) for u in (0.3, 0.42, 0.58, 0.7) for v in (0.2, 0.4, 0.6, 0.8)]
        read = [look(page, canvas, *spot) for spot in spots]
        voxels = np.array([voxel for _, _, voxel in read])
        assert voxels[0, across] > voxels[-1, across], "indices fall from left to right"
        assert voxels[0, down] > voxels[3, down], "indices fall from top to bottom"
        hounsfield, grey = np.array([(one, other) for one, other, _ in read], dtype=float).T
        shown = np.clip((hounsfield + 160) / 400, 0, 1) * 255
        assert np.abs(shown - grey).mean() < 20, name


def look(
    page: Page, canvas: Locator, across: float, down: float
) -> tuple[int, int, tuple[int, ...]]:
    """Hounsfield units under the pointer, the grey drawn there, and the voxel x, y, z."""
    box = canvas.bounding_box()
    assert box is not None
    x, y = box["width"] * across, box["height"] * down
    page.mouse.move(box["x"] + x, box["y"] + y)
    words = page.locator("#readout").inner_text()
    found = re.fullmatch(r"(-?\d+) HU .*?(\d+), (\d+), (\d+)", words, re.DOTALL)
    assert found is not None, words
    read = "(canvas, [x, y]) => canvas.getContext('2d').getImageData(x, y, 1, 1).data[0]"
    grey = canvas.evaluate(read, [round(x), round(y)])
    return int(found[1]), int(grey), tuple(int(found[n]) for n in (2, 3, 4))
