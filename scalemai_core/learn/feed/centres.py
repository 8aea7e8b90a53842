"""Where in a case a patch lies: in a structure, a lesion, the place of a tumour, or anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scalemai_core.learn.feed.synthetic import DrawsTumours
from scalemai_core.records.label_map import Layer
from scalemai_core.records.training import Part, TrainingCase
from scalemai_core.settings.learning import TrainSettings
from scalemai_core.synthesize.tumour.order import TumourOrder
from scalemai_core.taxonomy.taxonomy import Taxonomy
from scalemai_core.volume.places import LesionPlaces, Places, PlacesZYX

PlaceZYX = NDArray[np.int64]
"""(3,) native voxel z, y, x."""


@dataclass(frozen=True, slots=True)
class Centre:
    """What a patch is drawn around."""

    place_zyx: PlaceZYX
    structure: str | None
    """What is there: a structure, a lesion, the organ of a tumour; None if drawn blindly."""
    tumour: TumourOrder | None = None
    """The tumour to be drawn there, in that structure."""


class Centres:
    """Draws centres; ``places`` are a case's, by layer."""

    def __init__(self, settings: TrainSettings, taxonomy: Taxonomy, tumours: DrawsTumours) -> None:
        self._settings = settings
        self._taxonomy = taxonomy
        self._tumours = tumours

    def draw(
        self,
        case: TrainingCase,
        part: Part,
        places: dict[Layer, Places],
        rng: np.random.Generator,
    ) -> Centre:
        """A voxel of a lesion or structure of the part, each drawn evenly, or any voxel."""
        anywhere = Centre(rng.integers(case.grid.shape_zyx), None)
        if part is Part.SYNTHETIC:
            return self._tumour(case, places, rng) or anywhere
        settings, wanted = self._settings, rng.uniform()
        choices: list[tuple[int, PlacesZYX]] = []
        if wanted < settings.lesions:
            choices = self._of_part(case, part, _lesions(places))
        if not choices and wanted < settings.lesions + (1 - settings.lesions) * settings.foreground:
            choices = self._of_part(case, part, _structures(places))
        if not choices:
            return anywhere
        structure_id, found_zyx = choices[int(rng.integers(len(choices)))]
        return Centre(_one(found_zyx, rng), self._taxonomy.by_id(structure_id).name)

    def _tumour(
        self, case: TrainingCase, places: dict[Layer, Places], rng: np.random.Generator
    ) -> Centre | None:
        """A voxel of the organ, or the part of it, that is to bear a tumour."""
        known = self._known(case)
        found = [(each, zyx) for each, zyx in _structures(places) if each in known]
        names = [known[each] for each, _ in found]
        above = {parent.name for name in names for parent in self._taxonomy.ancestors(name)}
        ordered = self._tumours.order(case.tumours, {*names, *above}, rng)
        if ordered is None:
            return None
        order, host = ordered
        members = self._taxonomy.unions[self._taxonomy[host].id]
        choices = [zyx for each, zyx in found if members[each]]
        return Centre(_one(choices[int(rng.integers(len(choices)))], rng), host, order)

    def _of_part(
        self, case: TrainingCase, part: Part, found: Sequence[tuple[int, PlacesZYX]]
    ) -> list[tuple[int, PlacesZYX]]:
        """What is known of the part; where its voxels bear other names, all that is known."""
        known = self._known(case)
        own = {Part.REVIEWED: set(case.reviewed), Part.PSEUDO: set(case.pseudo)}
        names = own.get(part, set(known.values()) - own[Part.REVIEWED] - own[Part.PSEUDO])
        all_known = [each for each in found if each[0] in known]
        return [each for each in all_known if known[each[0]] in names] or all_known

    def _known(self, case: TrainingCase) -> dict[int, str]:
        unknown = set(case.unknown)
        return {s.id: s.name for s in self._taxonomy.structures if s.name not in unknown}


def _structures(places: dict[Layer, Places]) -> list[tuple[int, PlacesZYX]]:
    found = [each for of_layer in places.values() for each in of_layer.structures.items()]
    return sorted(found, key=lambda each: each[0])


def _lesions(places: dict[Layer, Places]) -> list[tuple[int, PlacesZYX]]:
    lesions: list[LesionPlaces] = [each for of in places.values() for each in of.lesions]
    return [(each.structure_id, each.places_zyx) for each in lesions]


def _one(found_zyx: PlacesZYX, rng: np.random.Generator) -> PlaceZYX:
    return found_zyx[int(rng.integers(len(found_zyx)))].astype(np.int64)
