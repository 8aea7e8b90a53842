"""One side of a comparison: a scan's label maps as the rules see them, and what they find."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from scalemai_core.judge.rules.masks import Bools, Floats, Masks
from scalemai_core.judge.rules.registry import verify
from scalemai_core.judge.summary import LayerMaps, LayerRuns, complete, cut, summarise
from scalemai_core.records.annotation import State
from scalemai_core.records.finding import Finding
from scalemai_core.records.label_map import ImageZYX
from scalemai_core.records.scan import Scan
from scalemai_core.settings.judgement import JudgeSettings
from scalemai_core.taxonomy.taxonomy import NUM_IDS, load_taxonomy


@dataclass(frozen=True, slots=True)
class States:
    """Which structures are stated to be there and which not, by id; the others are unknown."""

    present: Bools
    absent: Bools
    from_voxels: bool = False
    """What is known is present where it has voxels: so speaks a prediction."""

    @classmethod
    def of(cls, states: Mapping[str, State]) -> States:
        """From states by structure; raises UsageError for an unknown name."""
        taxonomy = load_taxonomy()
        present, absent = np.zeros((2, NUM_IDS), dtype=np.bool_)
        for name, state in states.items():
            present[taxonomy[name].id] = state is State.PRESENT
            absent[taxonomy[name].id] = state is State.ABSENT
        return cls(present, absent)

    @property
    def known(self) -> Bools:
        """Not unknown."""
        return self.present | self.absent

    def as_predicted(self) -> States:
        """What is known here, stated by the voxels of a prediction."""
        return replace(self, from_voxels=True)

    def given(self, volume_ml: Floats) -> tuple[Bools, Bools]:
        """Stated present, stated absent, for masks of these volumes."""
        if not self.from_voxels:
            return self.present, self.absent
        return volume_ml > 0, self.known & (volume_ml == 0)


@dataclass(frozen=True, slots=True)
class Side:
    """An annotation's masks, a prediction's or a proposal's; looked at once, compared with many."""

    runs: LayerRuns
    masks: Masks
    findings: tuple[Finding, ...]

    @classmethod
    def of(
        cls,
        scan: Scan,
        image_zyx: ImageZYX,
        maps: LayerMaps,
        states: States,
        settings: JudgeSettings,
    ) -> Side:
        """Look at label maps of which something is stated."""
        return cls.unstated(scan, image_zyx, maps, settings).stated(states, settings)

    @classmethod
    def unstated(
        cls, scan: Scan, image_zyx: ImageZYX, maps: LayerMaps, settings: JudgeSettings
    ) -> Side:
        """Look at label maps on the scan's grid; a layer that is left out is empty.

        The rules run once something is stated. Raises ValueError where shapes differ or a label map
        holds ids that no structure has.
        """
        layers = complete(maps, scan.grid)
        runs = cut(layers)
        return cls(runs, summarise(scan, image_zyx, layers, runs, settings), ())

    def stated(self, states: States, settings: JudgeSettings) -> Side:
        """The same masks where other things are stated of them."""
        present, absent = states.given(self.masks.volume_ml)
        masks = replace(self.masks, present=present, absent=absent)
        return Side(self.runs, masks, tuple(verify(masks, settings)))
