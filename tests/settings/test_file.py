"""Settings: frozen, documented, and every mistake named with its key."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel, ValidationError

from scalemai_core.errors import SettingsError
from scalemai_core.settings import file
from scalemai_core.settings.engine import EngineSettings
from scalemai_core.settings.file import PRESETS, load_settings, parse_settings

SHIPPED = sorted((Path(__file__).parents[2] / "deployments").rglob("settings/*.yaml"))


def sections() -> list[type[BaseModel]]:
    found = [field.annotation for field in EngineSettings.model_fields.values()]
    return [
        section for section in found if isinstance(section, type) and issubclass(section, BaseModel)
    ]


def test_nothing_given_means_the_defaults() -> None:
    assert load_settings() == EngineSettings()


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_every_setting_is_documented_and_cannot_be_changed(section: type[BaseModel]) -> None:
    for name, field in section.model_fields.items():
        assert field.description, f"{name} has no docstring"
    made = section()
    first = next(iter(section.model_fields))
    with pytest.raises(ValidationError, match="frozen"):
        setattr(made, first, getattr(made, first))


def test_a_file_and_then_overrides_on_top(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("seed: 3\ntrain: {steps: 10, batch: 4}\n")
    found = load_settings(path, ["train.steps=20", "input.patch_zyx=[8, 16, 32]", "seed=5"])
    assert (found.seed, found.train.steps, found.train.batch) == (5, 20, 4)
    assert found.input.patch_zyx == (8, 16, 32)


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("")
    assert load_settings(path) == EngineSettings()


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("train.stepz=3", "unknown key 'train.stepz' .*steps"),
        ("trian.steps=3", "unknown key 'trian' .*train"),
        ("train.steps=0", "'train.steps': .*greater than or equal to 1"),
        ("train.steps=many", "'train.steps': .*integer"),
        ("review.mode=sometimes", "'review.mode': .*'wait'"),
        ("train.steps", r"SECTION\.KEY=VALUE"),
        ("seed.steps=3", "seed"),
        ("train.steps=[", "train.steps"),
    ],
)
def test_a_mistake_is_named_with_its_key(override: str, named: str) -> None:
    with pytest.raises(SettingsError, match=named):
        load_settings(None, [override])


def test_all_mistakes_are_told_at_once_in_one_line() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings({"train": {"steps": 0, "batchsize": 3}, "colour": "red"})
    text = str(caught.value)
    assert all(key in text for key in ("train.steps", "train.batchsize", "colour"))
    assert "\n" not in text


@pytest.mark.parametrize("text", ["- a\n- b\n", "just words", "train: [", "train: 3"])
def test_a_file_that_holds_no_sections_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert "\n" not in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read settings file .*nowhere\.yaml"):
        load_settings(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_the_settings_that_ship_are_valid(path: Path) -> None:
    assert load_settings(path) != EngineSettings()


def test_some_settings_ship() -> None:
    assert {path.stem for path in SHIPPED} >= {"cluster", "gpu", "tryout"}


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_goes_by_its_name_alone(preset: str) -> None:
    assert load_settings(preset) != EngineSettings()
    assert load_settings(None, [f"preset={preset}"]) == load_settings(preset)


def test_every_preset_file_has_its_name_told() -> None:
    folder = Path(str(file.__file__)).parent / "presets"
    assert {path.stem for path in folder.glob("*.yaml")} == set(PRESETS)


def test_a_file_overrides_the_preset_that_it_names_key_by_key(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("preset: h200\ntrain: {batch: 3, mix: {pseudo: 0.5}}\n")
    preset, found = load_settings("h200"), load_settings(path, ["train.steps=7"])
    assert (found.train.batch, found.train.steps, found.train.mix.pseudo) == (3, 7, 0.5)
    assert found.network == preset.network
    assert found.train.warm_steps == preset.train.warm_steps
    assert found.train.mix.trusted == preset.train.mix.trusted


def test_what_names_no_source_is_said_on_top_of_what_holds_otherwise() -> None:
    otherwise = load_settings(None, ["train.steps=7", "compute.workers=3"])
    found = load_settings(None, ["train.steps=8"], otherwise)
    assert (found.train.steps, found.compute.workers) == (8, 3)
    assert load_settings(None, (), otherwise) == otherwise
    assert load_settings("a100", (), otherwise) == load_settings("a100")
    assert load_settings(None, ["preset=a100"], otherwise) == load_settings("a100")


def test_an_unknown_preset_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("preset: v100\n")
    with pytest.raises(SettingsError, match="'v100' is not one of laptop, a100, h200"):
        load_settings(path)
