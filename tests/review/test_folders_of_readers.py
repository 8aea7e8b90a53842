"""``scalemai review export`` and ``import``: what an editor drew becomes the reader's answer."""

from __future__ import annotations

from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from made_up_items import ANNA
from small_review import SmallReview

import flows.desk
from flows.desk import Imported, close_desk, export_desk, import_desk
from scalemai_core.errors import UsageError
from scalemai_core.records.review import ItemKind
from scalemai_core.review.desk import Desk
from scalemai_core.review.queue.queue import Queue
from scalemai_core.settings.review import ReviewSettings
from tasks.review_events import DONE

SETTINGS = ReviewSettings()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """The desk of a round that asks about a liver, and tests its readers by a spleen."""
    made = SmallReview(tmp_path)
    items = [made.item("liver", 0.9), made.item("spleen", kind=ItemKind.HONEYPOT)]
    made.write_views(items)
    queue = Queue(f"sqlite:///{tmp_path / 'queue.db'}")
    queue.fill(items, ())
    queue.add_reader(ANNA, "hash")
    found = Desk(made.store, queue, 1, SETTINGS)
    monkeypatch.setattr(flows.desk, "open_desk", lambda *_: found)
    monkeypatch.setattr(flows.desk, "posed_items", lambda *_: tuple(items[:1]))
    return found


def draw_in(folder: Path) -> None:
    """Take one voxel away."""
    path = folder / "1-liver" / "mask.nii.gz"
    image = nib.nifti1.load(path)
    mask_xyz = np.asarray(image.dataobj).copy()
    mask_xyz[tuple(np.argwhere(mask_xyz)[0])] = 0
    nib.nifti1.save(nib.nifti1.Nifti1Image(mask_xyz, image.affine), path)


def test_a_drawing_is_taken_once_and_again_after_its_answer_was_taken_back(
    desk: Desk, tmp_path: Path
) -> None:
    folder = tmp_path / "drawn"
    assert export_desk("", SETTINGS, ANNA.name, folder, 1) == 1
    assert import_desk("", SETTINGS, ANNA.name, folder) == Imported(0, 0, 1, [])
    draw_in(folder)
    assert import_desk("", SETTINGS, ANNA.name, folder) == Imported(1, 0, 0, [])
    assert import_desk("", SETTINGS, ANNA.name, folder) == Imported(0, 1, 0, [])
    assert [one.seconds for one in desk.queue.entries(1)] == [SETTINGS.seconds_draw]
    desk.undo(ANNA)
    assert import_desk("", SETTINGS, ANNA.name, folder) == Imported(1, 0, 0, [])


def test_nothing_is_held_for_somebody_nobody_knows(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nobody named 'ana' has a token"):
        export_desk("", SETTINGS, "ana", tmp_path, 1)
    assert desk.progress().leased == 0
    with pytest.raises(UsageError, match="nobody named 'ana' has a token"):
        import_desk("", SETTINGS, "ana", tmp_path)


def test_of_a_closed_review_no_honeypot_counts_as_unanswered_and_the_round_may_go_on(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[object, ...]] = []
    monkeypatch.setattr(flows.desk, "tell", lambda *what: told.append(what))
    assert close_desk("", SETTINGS) == 1
    assert told == [(DONE, desk.store.url, desk.round_number)]
