"""``scalemai round --rounds N``: several rounds, and why it may end before the last."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from command_line import Scalemai
from small_population import AfterOneRound, small_settings

from flows import em_round as module
from scalemai_core.records.round import RoundResult
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.file import load_settings
from scalemai_core.store.workspace import Workspace
from tasks.round import open_round

pytestmark = pytest.mark.flow
NOTHING_LEFT = "at most 0.1% of the masks changed"


@dataclass(frozen=True)
class Ended:
    """A flow's final state, as far as the command looks at it."""

    name: str
    message: str
    value: Any = None

    def result(self) -> Any:
        return self.value


def play(monkeypatch: pytest.MonkeyPatch, states: list[Ended]) -> Iterator[Ended]:
    """Rounds end in these states instead of being worked; what is left is not played."""
    left = iter(states)
    monkeypatch.setattr(module, "em_round", lambda *_, **__: next(left))
    return left


@pytest.fixture
def result(first_round: AfterOneRound) -> RoundResult:
    return first_round.result.model_copy(update={"stop": None})


def test_as_many_rounds_are_played_as_are_wanted(
    scalemai: Scalemai,
    first_round: AfterOneRound,
    result: RoundResult,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    left = play(monkeypatch, [Ended("Completed", "", result)] * 4)
    found = scalemai("round", first_round.store.url, "--rounds", 3, "--json")
    assert found.code == 0
    assert [one["number"] for one in found.document] == [1, 1, 1]
    assert len(list(left)) == 1


def test_they_end_when_nothing_is_left_to_win_and_say_so(
    scalemai: Scalemai,
    first_round: AfterOneRound,
    result: RoundResult,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    last = result.model_copy(update={"stop": NOTHING_LEFT})
    states = [Ended("Completed", "", one) for one in (result, last, result)]
    left = play(monkeypatch, states)
    found = scalemai("round", first_round.store.url, "--rounds", 3)
    assert found.code == 0
    assert f"No further round is worth it: {NOTHING_LEFT}" in found.out
    assert len(list(left)) == 1


def test_they_end_when_people_are_waited_for(
    scalemai: Scalemai,
    first_round: AfterOneRound,
    result: RoundResult,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    waiting = Ended(module.AWAITING_REVIEW, "3 questions wait for people")
    left = play(monkeypatch, [Ended("Completed", "", result), waiting, waiting])
    found = scalemai("round", first_round.store.url, "--rounds", 3, "--json")
    assert found.document[0]["number"] == 1
    assert found.document[1] == {"state": waiting.name, "message": waiting.message}
    assert len(list(left)) == 1


@pytest.mark.parametrize("source", [(), ("--settings", "laptop")])
def test_without_settings_a_round_goes_on_with_those_it_began_with(
    scalemai: Scalemai,
    copied: Callable[[str], Workspace],
    result: RoundResult,
    monkeypatch: pytest.MonkeyPatch,
    source: tuple[str, ...],
) -> None:
    store = copied("begun")
    begun = open_round.fn(store.url, small_settings(train={"steps": 9, "warm_steps": 7}))
    given: list[EngineSettings] = []

    def played(_: str, settings: EngineSettings, *__: object, **___: object) -> Ended:
        given.append(settings)
        return Ended("Completed", "", result)

    monkeypatch.setattr(module, "em_round", played)
    assert scalemai("round", store.url, *source, "--set", "train.steps=11").code == 0
    (found,) = given
    assert found.train.steps == 11
    if source:
        assert found == load_settings("laptop", ["train.steps=11"])
    else:
        assert found.train.warm_steps == 7
        assert found.compute == begun.settings.compute


def test_one_round_is_one_document_and_none_is_a_mistake(
    scalemai: Scalemai,
    first_round: AfterOneRound,
    result: RoundResult,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    play(monkeypatch, [Ended("Completed", "", result)])
    assert scalemai("round", first_round.store.url, "--json").document["number"] == 1
    assert scalemai("round", first_round.store.url, "--rounds", 0).code == 2
