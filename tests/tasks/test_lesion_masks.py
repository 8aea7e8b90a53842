"""From a model's log-odds to annotations, with reports and readers between, without a network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made_up_lesion_rounds import (
    CYST,
    GRID,
    ID,
    LEARNED,
    LIVER,
    PDAC,
    SHAPE,
    Corner,
    MadeUp,
    Patient,
    box,
    cube,
    denies,
    names,
)
from numpy.typing import NDArray

import tasks.decide
import tasks.simulate
from scalemai_core.judge.expert.expert import Expert
from scalemai_core.records.annotation import Annotation, Origin, State
from scalemai_core.records.decision import Candidate
from scalemai_core.records.label_map import Layer
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.records.scan import GoldRole
from scalemai_core.records.settlement import Fate
from scalemai_core.records.shard import ShardSummary
from scalemai_core.records.stage import StageInputs
from scalemai_core.records.version import DatasetVersion
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy
from tasks.audit import draw_round_audit
from tasks.comparisons import detections_of
from tasks.decide import ITEMS, decide_round
from tasks.lesion_answers import CANDIDATES
from tasks.lesion_masks import lesion_tally
from tasks.lesions import POINTS, compare_shard, lesion_scans, settle_lesions
from tasks.questions import item_rows, pose_questions, posed_items
from tasks.review import end_review, fill_queue
from tasks.revise import commit_round, revise_shard
from tasks.round import judged_scans, revisable_scans
from tasks.simulate import simulate_shard
from tasks.stage import plan_stage, stage_failures, stage_rows

PRESENT, ABSENT, UNKNOWN = State.PRESENT, State.ABSENT, State.UNKNOWN
KEPT, DELETED = Candidate.PREDICTION, Candidate.CURRENT
OLD, NEW, OTHER, FAINT = box(26), box(18), box(18, 12), box(26, 12)
SURE = (LIVER, 0.9)

PATIENTS = (
    Patient("fit", {LIVER: PRESENT}, {NEW: LIVER}, {NEW: (LIVER, 0.5)}, gold=GoldRole.FIT),
    Patient("test", {LIVER: PRESENT}, {NEW: LIVER}, {OTHER: (LIVER, 0.9)}, gold=GoldRole.TEST),
    Patient("kept", {}, {}, {NEW: SURE, FAINT: (LIVER, 0.2)}),
    Patient("deleted", {}, {}, {NEW: SURE}),
    Patient("partly", {}, {}, {NEW: SURE, OTHER: SURE}),
    Patient("some of both", {}, {}, {NEW: SURE, OTHER: SURE}),
    Patient("denied", {}, {}, {NEW: SURE}, (denies(LIVER, "liver"),)),
    Patient("denied and nothing seen", {}, {}, {}, (denies(LIVER, "liver"),)),
    Patient("named", {}, {}, {NEW: SURE}, (names(LIVER, "liver"),)),
    Patient("half found", {}, {}, {NEW: SURE}, (names(LIVER, "liver", 2),)),
    Patient("more", {LIVER: PRESENT}, {OLD: LIVER}, {OLD: (LIVER, 0.3), NEW: SURE}),
    Patient("no more", {LIVER: PRESENT}, {OLD: LIVER}, {OLD: (LIVER, 0.3), NEW: SURE}),
    Patient("healthy", {LIVER: ABSENT}, {}, {NEW: SURE}),
    Patient("drawn", {LIVER: PRESENT}, {OLD: LIVER}, {NEW: SURE}),
    Patient("lacking", {LIVER: PRESENT}, {OLD: LIVER}, {}, (names(LIVER, "liver", 2),)),
    Patient("thin", {}, {}, {NEW: SURE}, thin=True),
    Patient("thin and named", {}, {}, {NEW: SURE}, (names(LIVER, "liver"),), thin=True),
    Patient("whole", {"pancreatic_lesion": PRESENT}, {box(2): "pancreatic_lesion"},
            {box(2): (PDAC, 0.9), box(7, 12): (CYST, 0.9)}),
)  # fmt: skip


def staged(
    name: str, work: Callable[..., ShardSummary], inputs: StageInputs, scans: tuple[str, ...],
    **more: object,
) -> pl.DataFrame:  # fmt: skip
    for shard in plan_stage.fn(name, inputs, scans):
        work.fn(inputs, shard, **more)  # type: ignore[attr-defined]
    assert stage_failures(name, inputs) == frozenset()
    return stage_rows(name, inputs)


def appraisals(inputs: StageInputs) -> pl.DataFrame:
    """All annotations as good as can be: whatever changes, lesions change it."""
    from_catalog = Workspace.open(inputs.workspace).catalog
    gold = from_catalog.scans(inputs.version).select("scan_id", "gold")
    layers = {s.name: s.layer.value for s in load_taxonomy().structures}
    return (
        from_catalog.annotations(inputs.version)
        .select("scan_id", "structure", "state", "origin")
        .join(gold, on="scan_id")
        .with_columns(
            layer=pl.col("structure").replace_strict(layers),
            dice=pl.lit(1.0),
            volume_ml_prediction=pl.lit(0.0),
            quality_current=pl.lit(0.8),
            quality_rival=pl.lit(0.8),
            rival=pl.lit("prediction"),
            rival_map=pl.lit(None, dtype=pl.String),
            third=pl.lit(None, dtype=pl.String),
            third_map=pl.lit(None, dtype=pl.String),
            better=pl.lit(0.1),
            gain=pl.lit(0.0),
            enabled=pl.lit(value=True),
            taught=pl.lit("gold"),
            review_gain=pl.lit(0.0),
            seconds=pl.lit(5.0),
        )
    )


@dataclass
class Round:
    """One round up to where people are asked, and from there to the version."""

    made: MadeUp
    inputs: StageInputs

    def ask(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, list[ReviewItem]]:
        """Compare, settle, decide, compose, draw the audit; questions by patient."""
        inputs = self.inputs
        monkeypatch.setattr(tasks.decide, "appraised_round", lambda *_: [appraisals(inputs)])
        compared = staged(
            "compare", compare_shard, inputs, lesion_scans(inputs, judged_scans(inputs))
        )
        settle_lesions.fn(inputs, compared, self.made.reported())
        decide_round.fn(inputs, [], Expert.__new__(Expert))
        composed = staged("compose", revise_shard, inputs, revisable_scans(inputs), answered=False)
        draw_round_audit.fn(inputs, [composed])
        pose_questions.fn(inputs)
        name_of = {self.made.id(name): name for name in self.made.patients}
        found: dict[str, list[ReviewItem]] = {name: [] for name in self.made.patients}
        for item in posed_items(self.made.store, inputs.plan.number):
            found[name_of[item.scan_id]].append(item)
        return found

    def end(self) -> DatasetVersion:
        """With the answers that were given."""
        end_review.fn(self.inputs)
        scans = revisable_scans(self.inputs)
        return commit_round.fn(
            self.inputs, [staged("revise", revise_shard, self.inputs, scans, answered=True)]
        )

    @property
    def fates(self) -> dict[str, list[str]]:
        """By patient, in the order of the candidates."""
        table = self.made.store.round(self.inputs.plan.number).read(CANDIDATES)
        return {
            name: table.filter(pl.col("scan_id") == self.made.id(name))["fate"].to_list()
            for name in self.made.patients
        }


@dataclass
class Story:
    """The first round, questions and answers included."""

    round: Round
    questions: dict[str, list[ReviewItem]]
    after: DatasetVersion

    def before(self, name: str, structure: str = LIVER) -> Annotation:
        return self.round.made.annotations(self.round.made.version, name)[structure]

    def now(self, name: str, structure: str = LIVER) -> Annotation:
        return self.round.made.annotations(self.after, name)[structure]


def at(made: MadeUp, inputs: StageInputs, item: ReviewItem) -> float:
    """Where the candidate that is asked about lies, mm along y."""
    table = made.store.round(inputs.plan.number).read(CANDIDATES)
    return float(table.filter(pl.col("candidate_id") == item.candidate_id)["y_mm"].item())


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    made = MadeUp(str(tmp_path_factory.mktemp("lesions") / "ws"), *PATIENTS)
    inputs = made.inputs()
    first = Round(made, inputs)
    with pytest.MonkeyPatch.context() as monkeypatch:
        questions = first.ask(monkeypatch)
    made.answer(questions["kept"][0], KEPT)
    made.answer(questions["thin"][0], KEPT)
    made.answer(questions["deleted"][0], DELETED)
    made.answer(questions["partly"][0], KEPT)
    for item in questions["some of both"]:
        made.answer(item, KEPT if at(made, inputs, item) < 20 else DELETED)
    for name, choice in (("more", KEPT), ("no more", DELETED), ("healthy", DELETED)):
        made.answer(questions[name][0], choice)
    made.answer(questions["whole"][0], DELETED)
    (shown,) = questions["drawn"]
    made.answer(shown, KEPT)
    mask = shown.model_copy(
        update={"item_id": f"1-{shown.scan_id}-{LIVER}", "kind": ItemKind.CHOOSE}
    )
    posed = posed_items(made.store, inputs.plan.number)
    made.store.round(inputs.plan.number).write(ITEMS, item_rows([*posed, mask]))
    drawn_zyx = np.zeros(SHAPE, dtype=np.uint8)
    drawn_zyx[cube(FAINT)] = ID[LIVER]
    drawn = made.store.labels.write(drawn_zyx, shown.scan_id, Layer.LESIONS, GRID)
    made.answer(mask, Candidate.READER, drawn)
    return Story(first, questions, first.end())


def where(*boxes: Corner) -> NDArray[np.bool_]:
    mask_zyx = np.zeros(SHAPE, dtype=np.bool_)
    for one in boxes:
        mask_zyx[cube(one)] = True
    return mask_zyx


def test_all_scans_but_hidden_gold_are_compared(story: Story) -> None:
    made = story.round.made
    rows = detections_of(stage_rows("compare", story.round.inputs))
    assert {row.scan_id for row in rows} == {made.id(n) for n in made.patients if n != "test"}
    fit = [row for row in rows if row.gold is GoldRole.FIT]
    assert {row.scan_id for row in fit} == {made.id("fit")}
    assert {row.site for row in fit} == {"liver"}, "nobody knows of gold's pancreas"
    (healthy,) = {r.site for r in rows if r.scan_id == made.id("healthy")} - {"pancreas"}
    assert healthy == "liver"


def test_points_are_chosen_on_gold_fit_and_cut_the_rest(story: Story) -> None:
    points = story.round.made.store.round(1).read(POINTS)
    liver = points.row(by_predicate=pl.col("site") == "liver", named=True)
    assert liver["probability"] == pytest.approx(0.5, abs=0.02)
    assert (liver["patients"], liver["scans"]) == (1, 1)


def test_every_candidate_outside_gold_has_its_fate(story: Story) -> None:
    labelled, review = Fate.LABELLED, Fate.REVIEW
    assert story.round.fates == {
        "fit": [],
        "test": [],
        "kept": [review, Fate.BELOW],
        "deleted": [review],
        "partly": [review, review],
        "some of both": [review, review],
        "denied": [Fate.DELETED],
        "denied and nothing seen": [],
        "named": [Fate.KEPT],
        "half found": [Fate.KEPT],
        "more": [review, labelled],
        "no more": [review, labelled],
        "healthy": [review],
        "drawn": [review],
        "lacking": [],
        "thin": [review],
        "thin and named": [Fate.KEPT],
        "whole": [labelled, review],
    }


def test_people_are_asked_about_what_is_open_and_about_what_is_missing(story: Story) -> None:
    asked = {
        name: [(item.kind, item.structure) for item in items]
        for name, items in story.questions.items()
        if items
    }
    lesion = (ItemKind.LESION, LIVER)
    once = ("kept", "deleted", "more", "no more", "healthy", "drawn", "thin")
    audits = {name: asked.pop(name) for name in list(asked) if name.startswith(("denied", "named"))}
    assert asked == {name: [lesion] for name in once} | {
        "partly": [lesion, lesion],
        "some of both": [lesion, lesion],
        "half found": [(ItemKind.EDIT, LIVER)],
        "lacking": [(ItemKind.EDIT, LIVER)],
        "whole": [(ItemKind.LESION, CYST)],
    }
    assert audits == {}
    ids = [item.item_id for items in story.questions.values() for item in items]
    assert len(ids) == len(set(ids))


def test_a_candidate_that_a_reader_keeps_becomes_the_mask(story: Story) -> None:
    kept = story.now("kept")
    assert (kept.state, kept.origin, kept.origin_name) == (PRESENT, Origin.HUMAN, "dr. example")
    np.testing.assert_array_equal(story.round.made.voxels(kept), where(NEW))
    assert (kept.weight, kept.revision, kept.round) == (1.0, 1, 1)


def test_a_site_without_a_lesion_left_is_known_to_have_none(story: Story) -> None:
    deleted = story.now("deleted")
    assert (deleted.state, deleted.origin) == (ABSENT, Origin.HUMAN)
    assert not story.round.made.voxels(deleted).any()
    for structure in (PDAC, CYST):
        assert story.now("deleted", structure).state is UNKNOWN, "nobody asked about the pancreas"


def test_a_site_that_is_partly_answered_stays_as_it_is(story: Story) -> None:
    assert story.now("partly") == story.before("partly")
    assert story.now("partly").state is UNKNOWN


def test_only_what_was_kept_is_in_the_mask(story: Story) -> None:
    both = story.now("some of both")
    assert both.state is PRESENT
    np.testing.assert_array_equal(story.round.made.voxels(both), where(NEW))


@pytest.mark.parametrize("name", ["denied", "denied and nothing seen"])
def test_what_a_report_denies_is_absent_in_its_words(story: Story, name: str) -> None:
    denied = story.now(name)
    assert (denied.state, denied.origin) == (ABSENT, Origin.REPORT)
    assert f"There is no {LIVER} whatsoever." in denied.reason
    assert not story.round.made.voxels(denied).any()


def test_what_a_report_names_is_imputed_with_its_probability(story: Story) -> None:
    named = story.now("named")
    assert (named.state, named.origin) == (PRESENT, Origin.REPORT)
    assert f"There is a {LIVER}." in named.reason
    assert named.weight == pytest.approx(0.9, abs=0.02)
    np.testing.assert_array_equal(story.round.made.voxels(named), where(NEW))


def test_a_mask_that_lacks_a_lesion_is_not_made(story: Story) -> None:
    assert story.now("half found").state is UNKNOWN


def test_a_mask_that_lacks_a_lesion_teaches_nothing(story: Story) -> None:
    now = story.now("lacking")
    assert (now.state, now.origin, now.weight) == (PRESENT, Origin.SOURCE, 0.0)
    assert now.reason.startswith("on hold: the report names 2, 1 found in liver")
    np.testing.assert_array_equal(story.round.made.voxels(now), where(OLD))


@pytest.mark.parametrize("name", ["thin", "thin and named"])
def test_a_lesion_without_a_voxel_on_the_scans_grid_is_neither_there_nor_absent(
    story: Story, name: str
) -> None:
    assert story.now(name).state is UNKNOWN


def test_a_confirmed_extra_candidate_joins_the_old_voxels(story: Story) -> None:
    more = story.now("more")
    assert (more.state, more.origin, more.revision) == (PRESENT, Origin.HUMAN, 2)
    np.testing.assert_array_equal(story.round.made.voxels(more), where(OLD, NEW))
    assert more.previous_label_map == story.before("more").label_map


def test_a_mask_whose_extra_candidate_was_deleted_keeps_voxels_and_weight(story: Story) -> None:
    now = story.now("no more")
    assert (now.state, now.origin, now.revision) == (PRESENT, Origin.SOURCE, 1)
    assert now.weight == pytest.approx(0.8), "the quality that was found, not nothing"
    np.testing.assert_array_equal(story.round.made.voxels(now), where(OLD))


def test_a_reader_vouches_for_an_absence_without_changing_it(story: Story) -> None:
    now = story.now("healthy")
    assert (now.state, now.origin, now.revision, now.weight) == (ABSENT, Origin.HUMAN, 1, 1.0)


def test_a_verdict_on_the_mask_wins_over_its_candidates(story: Story) -> None:
    drawn = story.now("drawn")
    assert drawn.origin is Origin.HUMAN
    np.testing.assert_array_equal(story.round.made.voxels(drawn), where(FAINT))


def test_kinds_are_not_absent_where_a_lesion_of_no_said_kind_is_labelled(story: Story) -> None:
    assert story.now("whole", CYST).state is UNKNOWN
    assert story.now("whole", PDAC).state is UNKNOWN
    whole = story.now("whole", "pancreatic_lesion")
    assert whole == story.before("whole", "pancreatic_lesion").model_copy(
        update={"quality": 0.8, "weight": 0.8}
    )


def test_gold_and_organs_stay_as_they_are(story: Story) -> None:
    made = story.round.made
    for name in ("fit", "test"):
        before = made.annotations(made.version, name)
        assert made.annotations(story.after, name) == before
    for name in made.patients:
        now = story.now(name, "liver")
        assert (now.label_map, now.revision) == (story.before(name, "liver").label_map, 1)


def test_the_tally_counts_what_people_said(story: Story) -> None:
    tally = lesion_tally(story.round.made.store, story.round.inputs.plan)
    assert tally is not None
    assert tally.candidates == 20
    assert (tally.asked, tally.confirmed, tally.unfound) == (12, 6, 2)
    assert (tally.audited, tally.audit_errors) == (0, 0)
    assert sum(tally.fates.values()) == tally.candidates


def test_nobody_is_asked_again_about_a_site_that_was_read(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = story.round.made
    second = Round(made, made.inputs(2, story.after))
    questions = second.ask(monkeypatch)
    assert {name for name, items in questions.items() if items} == {
        "partly",
        "half found",
        "lacking",
    }
    read = ("deleted", "no more", "healthy", "whole")
    assert all(Fate.READ in second.fates[name] for name in read)
    assert second.fates["named"] == [Fate.LABELLED]
    before = made.store.catalog.annotations(story.after)
    after = made.store.catalog.annotations(second.end())
    human = pl.col("origin") == "human"
    assert after.filter(human).equals(before.filter(human))


def test_the_order_of_scans_and_shards_decides_nothing(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    again = MadeUp(str(tmp_path / "ws"), *PATIENTS)
    inputs = again.inputs()
    small = inputs.plan.settings.compute.model_copy(update={"shard_size": 1})
    settings = inputs.plan.settings.model_copy(update={"compute": small})
    plan = inputs.plan.model_copy(update={"settings": settings})
    Round(again, inputs.model_copy(update={"plan": plan})).ask(monkeypatch)
    ours, theirs = story.round.made.store.round(1), again.store.round(1)
    for table in ("candidates", "lesion-questions", "lesion-actions", "operating-points"):
        order = ours.read(table).columns
        assert theirs.read(table).sort(order).equals(ours.read(table).sort(order)), table
    assert theirs.read("lesion-questions").equals(ours.read("lesion-questions"))


@pytest.mark.parametrize(
    ("choice", "state", "origin", "errors"),
    [
        (KEPT, PRESENT, Origin.HUMAN, 1),
        (DELETED, ABSENT, Origin.HUMAN, 0),
        (None, UNKNOWN, Origin.NONE, 0),
    ],
)
def test_a_deletion_that_is_audited_waits_for_its_reader(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    choice: Candidate | None,
    state: State,
    origin: Origin,
    errors: int,
) -> None:
    seen, denied = {NEW: (LIVER, 0.95)}, (denies(LIVER, "liver"),)
    made = MadeUp(str(tmp_path / "ws"), Patient("a", {}, {}, seen, denied))
    first = Round(made, made.inputs(report_audit_share=1.0))
    (item,) = first.ask(monkeypatch)["a"]
    assert "audit" not in item.reason, "a reader is not told that it is one"
    assert first.fates["a"] == [Fate.DELETED]
    if choice is not None:
        made.answer(item, choice)
    now = made.annotations(first.end(), "a")[LIVER]
    assert (now.state, now.origin) == (state, origin)
    tally = lesion_tally(made.store, first.inputs.plan)
    assert tally is not None
    assert (tally.audited, tally.audit_errors) == (int(choice is not None), errors)
    assert tally.confirmed == 0


def test_a_model_without_lesions_passes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = MadeUp(str(tmp_path / "ws"), *PATIENTS[2:4])
    inputs = made.inputs()
    blind = inputs.model.model_copy(update={"channels": {Layer.ANATOMY: ("liver", "pancreas")}})
    only = Round(made, inputs.model_copy(update={"model": blind}))
    assert lesion_scans(only.inputs, ("a",)) == ()
    assert only.ask(monkeypatch) == {"kept": [], "deleted": []}
    after = only.end()
    assert after.changed == 0
    assert lesion_tally(made.store, only.inputs.plan) is None


def test_a_simulated_reader_answers_where_the_truth_knows_the_site(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = {NEW: SURE, OTHER: SURE, box(2): (PDAC, 0.9)}
    made = MadeUp(str(tmp_path / "ws"), Patient("a", {LIVER: ABSENT, CYST: ABSENT}, {}, seen))
    inputs = made.inputs()
    first = Round(made, inputs)
    first.ask(monkeypatch)
    assert len(fill_queue.fn(inputs)) == 3
    true_zyx = np.zeros(SHAPE, dtype=np.uint8)
    true_zyx[cube(NEW)] = ID[LIVER]
    truth = ({Layer.LESIONS: true_zyx}, {LIVER: PRESENT, PDAC: ABSENT})
    monkeypatch.setattr(tasks.simulate, "read_truth", lambda *_: truth)
    (shard,) = plan_stage.fn("review", inputs, (made.id("a"),))
    for _ in range(2):  # the second time as after a kill: nothing said before is lost
        said = made.store.review_log(inputs.plan.number).read()
        simulate_shard.fn(inputs, shard, truth="truth", said=said)
    (open_item,) = fill_queue.fn(inputs)
    assert open_item.structure == PDAC, "of cysts the truth says nothing"
    version = first.end()
    now = made.annotations(version, "a")
    assert (now[LIVER].state, now[LIVER].origin_name) == (PRESENT, "simulated")
    np.testing.assert_array_equal(made.voxels(now[LIVER]), where(NEW))
    assert (now[PDAC].state, now[CYST].origin) == (UNKNOWN, Origin.SOURCE)
    assert set(LEARNED) == {LIVER, PDAC, CYST}
