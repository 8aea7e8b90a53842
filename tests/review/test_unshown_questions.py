"""Questions that nobody can be shown: a round must not wait for their answers."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_review import SmallReview

from scalemai_core.review.queue.queue import Queue
from tasks import review


def test_a_question_without_a_view_is_told_of_and_not_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    made = SmallReview(tmp_path)
    items = (made.item("liver", 0.9), made.item("spleen"))
    monkeypatch.setattr(review, "asked_items", lambda *_: items)
    made.write_views(items[:1])
    queue = Queue(f"sqlite:///{tmp_path / 'queue.db'}")
    with caplog.at_level("WARNING", logger="scalemai.review"):
        review.refill(made.store, queue, 1)
    assert [item.structure for item in review.unanswered(queue, 1)] == ["liver"]
    assert "1 questions cannot be shown" in caplog.text
