"""A model card in Markdown: for the bundle, the registry, and whoever asks."""

from __future__ import annotations

from collections.abc import Mapping

from scalemai_core.page.card.layout import bullets, table
from scalemai_core.page.card.results import lesions, limits, quality
from scalemai_core.page.draw.number import count, dice, name
from scalemai_core.records.card import ModelCard
from scalemai_core.settings.architectures import ARCHITECTURES
from scalemai_core.taxonomy.taxonomy import load_taxonomy

_MONAI = """\
With MONAI, from this bundle, after `pip install {packages}`:

```python
import monai.bundle

monai.bundle.run(
    run_id="run",
    config_file="BUNDLE/configs/inference.json",
    bundle_root="BUNDLE",
    dataset_dir="FOLDER_OF_NIFTI",  # *.nii.gz in Hounsfield units
    output_dir="OUT",  # one label map a layer and scan
)
```"""
_MLFLOW = """\
With MLflow, from the registry:

```python
import mlflow

model = mlflow.pyfunc.load_model("{uri}")
(result,) = model.predict("CT.nii.gz")  # label maps by layer, volumes in ml, lesion candidates
```"""
_SHELL = """\
On the command line:

```
scalemai predict {uri} CT.nii.gz LABELS.nii.gz --workspace WORKSPACE
```"""


def model_card(card: ModelCard, version: int) -> str:
    """The whole card; ``version`` is the model's number in the registry."""
    parts = [
        f"# {card.name}, model version {version}",
        _summary(card),
        "## Intended use",
        "Research on CT: labels of organs, vessels and lesions to begin a study or an annotation "
        "with. **Not a medical device:** no regulator has cleared it, and nothing it says may be "
        "used for diagnosis or treatment without a physician's own reading.",
        "## Data it learned from",
        _trained(card),
        "## How good it is",
        quality(card),
        *(
            ["### Lesions", lesions(card.lesions.sites)]
            if card.lesions and card.lesions.sites
            else []
        ),
        "## Limits",
        bullets(limits(card)),
        "## How it was trained",
        _training(card),
        "## How to load it",
        *_loading(card, version),
        "Numbers in the label maps:",
        _labels(card),
        "## Where it came from",
        _lineage(card),
    ]
    return "\n\n".join(parts) + "\n"


def short_card(card: ModelCard, version: int) -> str:
    """What the registry shows: no tables of structures, which some registries have no room for."""
    parts = [
        _summary(card),
        bullets(limits(card)[:2]),
        _lineage(card),
        "The whole card, and a bundle for MONAI, are in the run's artifacts under `bundle/` "
        f"(model version {version}).",
    ]
    return "\n\n".join(parts) + "\n"


def _loading(card: ModelCard, version: int) -> tuple[str, str, str]:
    uri = f"models:/{card.name}/{version}"
    packages = ("monai", "nibabel", "safetensors", *ARCHITECTURES[card.model.network.name].packages)
    return (
        _MONAI.format(packages=" ".join(packages)),
        _MLFLOW.format(uri=uri),
        _SHELL.format(uri=uri),
    )


def _summary(card: ModelCard) -> str:
    structures = sum(len(names) for names in card.model.channels.values())
    layers = ", ".join(layer.value for layer in card.model.channels)
    gold = card.gold
    measured = "It was **not measured**: the dataset has no gold patient for that."
    if gold is not None:
        measured = (
            f"On {count(gold.patients)} gold patients whom it never saw its mean Dice is "
            f"**{dice(gold.mean_dice)}**, mean surface Dice (NSD) {dice(gold.mean_nsd)}."
        )
    return (
        f"Segments {structures} structures ({layers}) in CT. Trained on "
        f"{count(card.trained.scans)} scans of {count(card.trained.patients)} patients. "
        f"{measured} {_sentence(card.verdict)}"
    )


def _trained(card: ModelCard) -> str:
    seen = card.trained
    sources = table(
        ("source", "scans", "patients"),
        [(one.source, count(one.scans), count(one.patients)) for one in seen.sources],
    )
    masks = table(
        ("annotations", "made by", "number"),
        [(one.state, one.origin, count(one.masks)) for one in seen.masks],
    )
    facts = [
        f"Dataset version {card.dataset.number}, digest `{card.dataset.digest}`",
        f"Sex (patients): {_counts(seen.sexes)}",
        f"Age: {_ages(seen.ages)}",
        f"Contrast phase (scans): {_counts(seen.phases)}",
        f"Centres named: {count(seen.centres)}",
        f"On hold, so that they taught nothing: {count(seen.held)} annotations",
    ]
    return "\n\n".join([bullets(facts), sources, masks])


def _training(card: ModelCard) -> str:
    network, train = card.model.network, card.train
    served = len(card.model.served)
    whole = "one model of all scans" if card.model.refit else f"{served} fold models, averaged"
    facts = [
        f"{network.name}, width {network.width}, {network.levels} levels, stem stride "
        f"{network.stem_stride}, options {dict(network.options) or 'none'}",
        f"{count(card.num_parameters)} parameters a network; {whole}",
        f"Input: {card.model.input.spacing_mm:g} mm voxels, patches of "
        f"{' x '.join(map(str, card.model.input.patch_zyx))} voxels",
        f"{count(train.steps)} steps ({count(train.warm_steps)} from a predecessor), "
        f"{train.batch * train.accumulate} patches a step, AdamW at {train.learning_rate:g}",
    ]
    return bullets(facts)


def _labels(card: ModelCard) -> str:
    taxonomy = load_taxonomy()
    rows = [
        (layer.value, ", ".join(f"{taxonomy[one].id} {name(one)}" for one in structures))
        for layer, structures in card.model.channels.items()
    ]
    told = f"0 is background; taxonomy version {card.model.taxonomy_version}."
    return f"{table(('layer', 'labels'), rows)}\n\n{told}"


def _lineage(card: ModelCard) -> str:
    return bullets(
        [
            f"Model key `{card.model.key}`, round {card.model.round}",
            f"Dataset version {card.dataset.number}, digest `{card.dataset.digest}`",
            f"Code version {card.model.code_version}, seed {card.seed}",
        ]
    )


def _counts(counts: Mapping[str, int]) -> str:
    told = ", ".join(f"{key} {count(number)}" for key, number in counts.items())
    return told or "not known"


def _ages(ages: tuple[float, float, float] | None) -> str:
    if ages is None:
        return "not known"
    low, median, high = ages
    return f"{low:.0f} to {high:.0f} years, median {median:.0f}"


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
