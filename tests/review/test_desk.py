"""The desk: an answer is kept before it is acknowledged, once, and only on the mask shown."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_up_items import ANNA, BEN, CLARA, JUDITH
from numpy.typing import NDArray
from small_review import GRID, LIVER, SEGMENT, SHAPE, SPLEEN, SmallReview, labels, pieces

from scalemai_core.errors import (
    ChangedMaskError,
    LeaseLostError,
    TooLargeError,
    UsageError,
)
from scalemai_core.records.answer import Answer, PieceName
from scalemai_core.records.decision import Candidate
from scalemai_core.records.label_map import Layer
from scalemai_core.records.lease import Lease
from scalemai_core.records.listed_item import ItemStatus
from scalemai_core.records.reader import Reader
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.review_entry import Act, ReviewEntry
from scalemai_core.review.desk import Desk
from scalemai_core.review.drawing import Drawing
from scalemai_core.review.queue.queue import Queue
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.documents.review_log import ReviewClosedError, ReviewLog

CURRENT, PREDICTION, READER = Candidate.CURRENT, Candidate.PREDICTION, Candidate.READER
WHOLE = (0, 0, 0, *SHAPE)


class Office:
    """A desk with its workspace and its queue."""

    def __init__(self, folder: Path) -> None:
        self.made = SmallReview(folder)
        self.url = f"sqlite:///{folder / 'queue.db'}"
        self.done: list[int] = []
        self.queue = Queue(self.url)
        self.log: ReviewLog = self.made.store.review_log(1)

    def desk(self, *items: ReviewItem, **settings: float) -> Desk:
        self.queue.fill(items, self.log.read())
        self.made.write_views(list(items))
        chosen = ReviewSettings.model_validate(settings)
        return Desk(self.made.store, self.queue, 1, chosen, self.done.append)

    def said(self, choice: Candidate = CURRENT, **more: object) -> Answer:
        values = {"choice": choice, "base_label_map": self.made.label_map, "seconds": 5.0}
        return Answer.model_validate(values | more)

    def drawn(self, label_map: str | None) -> NDArray[np.uint8]:
        assert label_map is not None
        return self.made.store.labels.read(label_map)

    def refusals(self) -> int:
        with self.queue.database.reading() as connection:
            rows = connection.exec_driver_sql("SELECT 1 FROM review_acts WHERE act = 'refused'")
            return len(rows.all())


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def one(desk: Desk, reader: Reader = ANNA) -> Lease:
    (lease,) = desk.take(reader, 1)
    return lease


def verdict_of(entry: ReviewEntry) -> tuple[str | None, str]:
    assert entry.verdict is not None
    return entry.verdict.label_map, entry.reason


def test_an_answer_stands_in_the_workspace_with_who_gave_it_and_how_long_it_took(
    office: Office,
) -> None:
    desk = office.desk(office.made.item())
    lease = one(desk)
    receipt = desk.answer(ANNA, lease.lease_id, office.said(note="sure"))
    assert (receipt.entry_id, receipt.status) == (lease.lease_id, ItemStatus.DECIDED)
    (entry,) = office.log.read()
    assert (entry.reader, entry.seconds, entry.reason) == ("anna", 5.0, "sure")
    assert entry.verdict is not None
    assert entry.verdict.base_label_map == office.made.label_map
    assert office.done == [1]


def test_an_answer_sent_again_is_acknowledged_again_and_counts_once(office: Office) -> None:
    desk = office.desk(office.made.item())
    lease = one(desk)
    receipts = [desk.answer(ANNA, lease.lease_id, office.said()) for _ in range(3)]
    assert receipts == [receipts[0]] * 3
    assert len(office.log.read()) == 1
    assert office.done == [1]
    with pytest.raises(LeaseLostError, match="answered already"):
        desk.answer(ANNA, lease.lease_id, office.said(PREDICTION))
    with pytest.raises(LeaseLostError, match="not held for you"):
        desk.answer(BEN, lease.lease_id, office.said())


def test_another_deletion_or_drawing_under_an_answered_lease_is_not_taken_for_the_first(
    office: Office,
) -> None:
    desk = office.desk(office.made.item(), max_delete_ml=57.0)
    lease = one(desk)
    large, small = ([{"number": p.number, "piece_hash": p.piece_hash}] for p in pieces())
    receipt = desk.answer(ANNA, lease.lease_id, office.said(READER, pieces=small))
    assert desk.answer(ANNA, lease.lease_id, office.said(READER, pieces=small)) == receipt
    drawing = Drawing(np.ones(SHAPE, dtype=np.bool_), WHOLE)
    for other, drawn in ((office.said(READER, pieces=large), None), (office.said(READER), drawing)):
        with pytest.raises(LeaseLostError, match="answered already"):
            desk.answer(ANNA, lease.lease_id, other, drawn)
    assert desk.item(ANNA, lease.lease_id) == lease.item  # to read the drawing that comes again
    with pytest.raises(LeaseLostError):
        desk.item(BEN, lease.lease_id)


def test_a_lease_of_an_earlier_round_is_not_answered_in_the_log_of_the_next(office: Office) -> None:
    lease = one(office.desk(office.made.item()))
    office.log.close()
    following = Desk(office.made.store, office.queue, 2, ReviewSettings())
    with pytest.raises(LeaseLostError, match="round 1, which asked this, is over"):
        following.answer(ANNA, lease.lease_id, office.said())
    with pytest.raises(LeaseLostError, match="is over"):
        following.skip(ANNA, lease.lease_id, "unsure", 1.0)
    assert office.made.store.review_log(2).read() == ()


def test_nobody_answers_under_somebody_elses_lease_or_a_made_up_one(office: Office) -> None:
    desk = office.desk(office.made.item())
    lease = one(desk)
    for reader, name in ((BEN, lease.lease_id), (ANNA, "../../workspace"), (ANNA, "")):
        with pytest.raises(LeaseLostError):
            desk.answer(reader, name, office.said())
    assert office.log.read() == ()


def test_an_answer_to_another_mask_than_the_items_is_refused(office: Office) -> None:
    desk = office.desk(office.made.item())
    lease = one(desk)
    with pytest.raises(ChangedMaskError, match="another mask"):
        desk.answer(ANNA, lease.lease_id, office.said(base_label_map="other"))
    assert office.log.read() == ()
    assert office.refusals() == 1


def test_an_answer_to_a_mask_that_a_newer_version_changed_is_refused(office: Office) -> None:
    desk = office.desk(office.made.item(), office.made.item("spleen", kind="honeypot"))
    first, second = desk.take(ANNA, 2)
    office.made.commit("another map")
    with pytest.raises(ChangedMaskError, match="was changed since"):
        desk.answer(ANNA, first.lease_id, office.said())
    receipt = desk.answer(ANNA, second.lease_id, office.said())  # a honeypot is in no version
    assert receipt.status is ItemStatus.DECIDED


@pytest.mark.parametrize(
    ("kind", "choice"),
    [
        ("lesion", "repaired"),
        ("lesion", "reader"),
        ("edit", "prediction"),
        ("audit", "alternative"),
        ("choose", "decided"),
    ],
)
def test_only_what_was_shown_can_be_chosen(office: Office, kind: str, choice: str) -> None:
    desk = office.desk(office.made.item(kind=ItemKind(kind)))
    with pytest.raises(UsageError, match="is no answer to this item"):
        desk.answer(ANNA, one(desk).lease_id, office.said(Candidate(choice)))


def test_a_choice_brings_the_label_map_that_it_stands_for(office: Office) -> None:
    shown = {
        "rival": Candidate.REPAIRED,
        "rival_map": "repaired map",
        "third": Candidate.ALTERNATIVE,
        "third_map": "other map",
    }
    names = ("liver", "spleen", "aorta")
    desk = office.desk(*(office.made.item(name, **shown) for name in names))
    for choice in (Candidate.REPAIRED, Candidate.ALTERNATIVE, CURRENT):
        desk.answer(ANNA, one(desk).lease_id, office.said(choice))
    maps = [verdict_of(entry)[0] for entry in office.log.read()]
    assert maps == ["repaired map", "other map", None]


@pytest.mark.parametrize("kind", ["audit", "honeypot"])
def test_an_audit_and_a_honeypot_are_answered_as_any_other_choice(
    office: Office, kind: str
) -> None:
    behind = Candidate.DECIDED if kind == "audit" else Candidate.ALTERNATIVE
    desk = office.desk(office.made.item(kind=kind, rival=behind, rival_map="right"))
    lease = one(desk)
    for _ in range(2):
        desk.answer(ANNA, lease.lease_id, office.said(PREDICTION))
    (entry,) = office.log.read()
    assert entry.verdict is not None
    assert (entry.verdict.choice, entry.verdict.label_map) == (behind, "right")


def test_a_receipt_tells_nothing_of_the_other_reader(office: Office) -> None:
    desk = office.desk(office.made.item(reads=2))
    told = [
        desk.answer(reader, one(desk, reader).lease_id, office.said(choice)).status
        for reader, choice in ((ANNA, CURRENT), (BEN, PREDICTION))
    ]
    assert told == [ItemStatus.DECIDED, ItemStatus.DECIDED]
    assert office.queue.counts(1)["disputed"] == 1


def test_a_piece_is_deleted_by_its_number_and_hash(office: Office) -> None:
    desk = office.desk(office.made.item())
    small = pieces()[1]
    named = [{"number": 2, "piece_hash": small.piece_hash}]
    desk.answer(ANNA, one(desk).lease_id, office.said(READER, pieces=named))
    label_map, words = verdict_of(office.log.read()[0])
    expected = labels()
    expected[4:] = 0
    expected[expected == SPLEEN] = 0
    assert np.array_equal(office.drawn(label_map), expected)
    assert words == "deleted piece 2 (8.0 ml)"


def test_the_last_pieces_leave_an_empty_mask(office: Office) -> None:
    desk = office.desk(office.made.item(), max_delete_ml=57.0)
    named = [{"number": p.number, "piece_hash": p.piece_hash} for p in pieces()]
    desk.answer(ANNA, one(desk).lease_id, office.said(READER, pieces=named))
    assert verdict_of(office.log.read()[0])[0] is None


def test_more_than_may_be_deleted_at_once_is_refused(office: Office) -> None:
    desk = office.desk(office.made.item(), max_delete_ml=55.0)
    lease = one(desk)
    named = [{"number": p.number, "piece_hash": p.piece_hash} for p in pieces()]
    with pytest.raises(TooLargeError, match=r"56\.0 ml"):
        desk.answer(ANNA, lease.lease_id, office.said(READER, pieces=named))
    once = office.said(READER, pieces=[named[1], named[1]])  # named twice, counted once
    assert desk.answer(ANNA, lease.lease_id, once).status is ItemStatus.DECIDED


@pytest.mark.parametrize("named", [(2, "0" * 16), (3, None), (1, None)])
def test_a_piece_under_another_name_is_refused(
    office: Office, named: tuple[int, str | None]
) -> None:
    desk = office.desk(office.made.item())
    number, name = named
    piece = PieceName(number=number, piece_hash=name or pieces()[1].piece_hash)
    with pytest.raises(ChangedMaskError, match="not one that was shown"):
        desk.answer(ANNA, one(desk).lease_id, office.said(READER, pieces=[piece]))


def test_a_piece_that_grew_since_it_was_shown_is_refused(office: Office) -> None:
    grown = labels()
    grown[4, 5, 8] = LIVER
    write = office.made.store.labels.write
    other = write(grown, office.made.scan_id, Layer.ANATOMY, GRID)
    office.made.commit(other)
    desk = office.desk(office.made.item(base_label_map=other))
    named = [{"number": 2, "piece_hash": pieces()[1].piece_hash}]
    with pytest.raises(ChangedMaskError, match="no longer there"):
        desk.answer(
            ANNA, one(desk).lease_id, office.said(READER, base_label_map=other, pieces=named)
        )


def test_a_drawing_replaces_the_mask_in_its_box_and_parts_keep_their_ids(office: Office) -> None:
    desk = office.desk(office.made.item(kind=ItemKind.EDIT))
    mask_zyx = np.zeros((4, 6, 6), dtype=np.bool_)
    mask_zyx[1:3, 2:5, 2:6] = True
    drawing = Drawing(mask_zyx, (0, 0, 0, 4, 6, 6))
    desk.answer(ANNA, one(desk).lease_id, office.said(READER), drawing)
    drawn_zyx = office.drawn(verdict_of(office.log.read()[0])[0])
    assert np.array_equal(drawn_zyx[:4, :6, :6] > 0, mask_zyx)
    assert (drawn_zyx[1, 2:5, 2:5] == SEGMENT).all()
    assert (drawn_zyx[1, 2:5, 5] == LIVER).all()
    assert np.array_equal(drawn_zyx[4:], np.where(labels()[4:] == LIVER, LIVER, 0))
    assert set(np.unique(drawn_zyx)) == {0, LIVER, SEGMENT}


def test_an_empty_drawing_of_the_whole_scan_says_that_nothing_is_there(office: Office) -> None:
    desk = office.desk(office.made.item(base_label_map=office.made.label_map))
    empty = Drawing(np.zeros(SHAPE, dtype=np.bool_), WHOLE)
    desk.answer(ANNA, one(desk).lease_id, office.said(READER), empty)
    assert verdict_of(office.log.read()[0])[0] is None


@pytest.mark.parametrize("box", [(0, 0, 0, 7, 8, 10), (-1, 0, 0, 5, 8, 10), (0, 0, 0, 5, 8, 10)])
def test_a_drawing_that_does_not_fit_the_scan_is_refused(
    office: Office, box: tuple[int, int, int, int, int, int]
) -> None:
    desk = office.desk(office.made.item())
    drawing = Drawing(np.ones(SHAPE, dtype=np.bool_), box)
    with pytest.raises(UsageError, match="does not fit the scan"):
        desk.answer(ANNA, one(desk).lease_id, office.said(READER), drawing)


def test_saying_that_one_drew_without_a_drawing_is_refused(office: Office) -> None:
    desk = office.desk(office.made.item())
    lease = one(desk)
    drawing = Drawing(np.ones(SHAPE, dtype=np.bool_), WHOLE)
    for answer, drawn in ((office.said(READER), None), (office.said(CURRENT), drawing)):
        with pytest.raises(UsageError, match="draw a mask"):
            desk.answer(ANNA, lease.lease_id, answer, drawn)


def test_an_undo_stands_in_the_log_and_the_item_is_asked_again(office: Office) -> None:
    desk = office.desk(office.made.item())
    desk.answer(ANNA, one(desk).lease_id, office.said())
    again = desk.undo(ANNA)
    assert again.item == office.made.item()
    assert [entry.act for entry in office.log.read()] == [Act.ANSWER, Act.UNDO]
    desk.answer(ANNA, again.lease_id, office.said(PREDICTION))
    assert office.done == [1, 1]
    with pytest.raises(UsageError, match="no answer"):
        desk.undo(BEN)


def test_a_skip_needs_a_reason_and_is_kept(office: Office) -> None:
    desk = office.desk(office.made.item())
    lease = one(desk)
    with pytest.raises(UsageError, match="in a few words"):
        desk.skip(ANNA, lease.lease_id, "  ", 2.0)
    first = desk.skip(ANNA, lease.lease_id, "too noisy", 2.0)
    assert desk.skip(ANNA, lease.lease_id, "too noisy", 2.0) == first
    assert first.status is ItemStatus.OPEN
    assert desk.take(ANNA, 1) == ()
    assert [entry.reason for entry in office.log.read()] == ["too noisy"]


def test_nothing_is_taken_once_the_review_is_closed(office: Office) -> None:
    desk = office.desk(office.made.item(), office.made.item("spleen"))
    desk.answer(ANNA, one(desk).lease_id, office.said())
    lease = one(desk)
    office.log.close()
    for act in (
        lambda: desk.take(ANNA, 1),
        lambda: desk.answer(ANNA, lease.lease_id, office.said()),
        lambda: desk.skip(ANNA, lease.lease_id, "why", 1.0),
        lambda: desk.undo(ANNA),
    ):
        with pytest.raises(ReviewClosedError):
            act()
    assert len(office.log.read()) == 1


@pytest.fixture
def impatient(office: Office) -> Office:
    """Where a server that began to store is taken for dead at once."""
    office.queue = Queue(office.url, storing_seconds=-1.0)
    return office


class Killed(BaseException):
    """As kill -9: nothing after it runs."""


def die(*_: object) -> None:
    raise Killed


@pytest.mark.parametrize("again_by", [ANNA, BEN])
def test_a_server_killed_after_storing_loses_nothing(
    impatient: Office, monkeypatch: pytest.MonkeyPatch, again_by: Reader
) -> None:
    desk = impatient.desk(impatient.made.item())
    lease = one(desk)
    with monkeypatch.context() as patch:
        patch.setattr(Queue, "record", die)
        with pytest.raises(Killed):
            desk.answer(ANNA, lease.lease_id, impatient.said())
    if again_by == ANNA:  # who sends it again, being told nothing
        assert desk.answer(ANNA, lease.lease_id, impatient.said()).entry_id == lease.lease_id
    else:
        assert desk.take(BEN, 1) == ()
    assert impatient.queue.counts(1)["decided"] == 1
    assert len(impatient.log.read()) == 1
    assert impatient.done == [1]


def test_a_server_killed_before_storing_leaves_the_item_to_the_next(
    impatient: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = impatient.desk(impatient.made.item())
    lease = one(desk)
    with monkeypatch.context() as patch:
        patch.setattr(ReviewLog, "append", die)
        with pytest.raises(Killed):
            desk.answer(ANNA, lease.lease_id, impatient.said())
    with pytest.raises(LeaseLostError, match="being stored"):
        desk.answer(ANNA, lease.lease_id, impatient.said())
    desk.answer(BEN, one(desk, BEN).lease_id, impatient.said())
    assert [entry.reader for entry in impatient.log.read()] == ["ben"]


@pytest.mark.parametrize("method", ["append", "record"])
def test_a_server_killed_in_an_undo_has_either_undone_or_not(
    impatient: Office, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    desk = impatient.desk(impatient.made.item())
    desk.answer(ANNA, one(desk).lease_id, impatient.said())
    with monkeypatch.context() as patch:
        patch.setattr(ReviewLog if method == "append" else Queue, method, die)
        with pytest.raises(Killed):
            desk.undo(ANNA)
    desk.reconcile()
    is_undone = method == "record"
    assert impatient.queue.counts(1)["open"] == is_undone
    assert len(impatient.log.read()) == 1 + is_undone
    assert impatient.queue.entries(1) == impatient.log.read()


def test_a_lost_queue_is_rebuilt_from_the_workspace(office: Office, tmp_path: Path) -> None:
    items = [office.made.item("liver", reads=2), office.made.item("spleen")]
    desk = office.desk(*items)
    for reader, choice in ((ANNA, CURRENT), (BEN, PREDICTION)):
        desk.answer(reader, one(desk, reader).lease_id, office.said(choice))
    anew = Queue(f"sqlite:///{tmp_path / 'anew.db'}")
    anew.fill(items, office.log.read())
    assert anew.counts(1) == office.queue.counts(1)
    assert anew.open_items(1) == office.queue.open_items(1)


def test_figures_show_everybody_to_adjudicators_and_oneself_to_readers(office: Office) -> None:
    pot = office.made.item("aorta", 0.1, kind="honeypot", expected="prediction")
    desk = office.desk(office.made.item("liver", 0.9, reads=2), pot)
    for reader, choice in ((ANNA, CURRENT), (BEN, PREDICTION)):
        desk.answer(reader, one(desk, reader).lease_id, office.said(choice))
    desk.answer(ANNA, one(desk).lease_id, office.said(CURRENT))
    seen = desk.stats(JUDITH)
    assert [figures.reader for figures in seen.readers] == ["anna", "ben"]
    anna = seen.readers[0]
    assert (anna.answers, anna.median_seconds, anna.by_kind) == (2, 5.0, {"choose": 2})
    assert anna.honeypots is not None
    assert (anna.honeypots.right, anna.honeypots.total) == (0, 1)
    assert (seen.agreement.right, seen.agreement.total, seen.agreement.share) == (0, 1, 0.0)
    assert (seen.progress.disputed, seen.progress.decided, seen.progress.total) == (1, 1, 2)
    own = desk.stats(ANNA)
    assert [figures.reader for figures in own.readers] == ["anna"]
    assert own.readers[0].honeypots is None
    assert desk.stats(CLARA).readers == ()


def test_an_item_without_a_view_is_named(office: Office) -> None:
    desk = office.desk(office.made.item())
    assert desk.view("1-liver").pieces == pieces()
    with pytest.raises(UsageError, match="no view of item 1-spleen"):
        desk.view("1-spleen")
