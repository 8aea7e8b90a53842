"""What a model takes for lesions in a scan, one by one; method reference, section 11.2."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scalemai_core.measure.lesion_shape import lesion_place, lesion_shape
from scalemai_core.records.grid import Grid
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.records.lesion import LesionCandidate
from scalemai_core.settings.lesions import LesionSettings
from scalemai_core.taxonomy.site import Site, lesion_sites
from scalemai_core.taxonomy.taxonomy import Taxonomy, load_taxonomy
from scalemai_core.volume.log_odds import LOG_ODDS, PROBABILITIES, CodesZYX, first_code
from scalemai_core.volume.peaks import Peaks, find_peaks
from scalemai_core.volume.reach import nearest_label

Places = NDArray[np.int64]
ComponentsZYX = NDArray[np.uint16]

NUM_VALUES = 256


@dataclass(frozen=True, slots=True, eq=False)
class _Voxels:
    """A scan as the candidates are read from it, all arrays flat but one."""

    codes: NDArray[np.uint8]
    types: NDArray[np.uint8]
    anatomy_zyx: LabelsZYX
    grid: Grid
    scan_id: str


def find_candidates(
    codes_zyx: CodesZYX,
    types_zyx: LabelsZYX,
    anatomy_zyx: LabelsZYX,
    grid: Grid,
    scan_id: str,
    settings: LesionSettings,
) -> tuple[ComponentsZYX, tuple[LesionCandidate, ...]]:
    """All candidates, site by site, the most probable first, and their numbers as voxels.

    ``codes_zyx`` are log-odds codes of lesion probability, ``types_zyx`` the id of the most
    probable lesion structure (0: none), ``anatomy_zyx`` a label map of the same grid. Candidates
    that do not come within ``host_mm`` of a host are left out: a scan in which nobody has drawn the
    host has none. Raises ValueError where shapes differ.
    """
    for array in (codes_zyx, types_zyx, anatomy_zyx):
        if array.shape != grid.shape_zyx:
            raise ValueError(f"an array of shape {array.shape} is not on a grid {grid.shape_zyx}")
    taxonomy = load_taxonomy()
    scan = _Voxels(codes_zyx.reshape(-1), types_zyx.reshape(-1), anatomy_zyx, grid, scan_id)
    active = np.flatnonzero(scan.codes >= first_code(settings.floor))
    types = scan.types[active]
    components_zyx = np.zeros(grid.shape_zyx, dtype=np.uint16)
    candidates: list[LesionCandidate] = []
    for site in lesion_sites(taxonomy):
        among = active[np.isin(types, [taxonomy[name].id for name in site.lesions])]
        if not len(among):
            continue
        peaks = find_peaks(
            codes_zyx,
            floor=settings.floor,
            share=settings.peak_share,
            min_voxels=max(settings.min_voxels, settings.min_mm3 / (1000.0 * grid.voxel_ml)),
            among=among,
        )
        hosts = _host_names(site, taxonomy)
        for peak, organ in _hosted(peaks, anatomy_zyx, grid, hosts, settings):
            number = len(candidates) + 1
            components_zyx.reshape(-1)[peaks.piece(peak)] = number
            host = {"number": number, "site": site.name, "organ": organ}
            candidates.append(_candidate(scan, peaks, peak, host, taxonomy))
    return components_zyx, tuple(candidates)


def _candidate(
    scan: _Voxels, peaks: Peaks, peak: int, host: dict[str, Any], taxonomy: Taxonomy
) -> LesionCandidate:
    places, code = peaks.piece(peak), int(peaks.codes[peak])
    votes = np.bincount(scan.types[places], weights=PROBABILITIES[scan.codes[places]])
    digest = component_hash(places)
    return LesionCandidate(
        structure=taxonomy.by_id(int(votes.argmax())).name,
        place=lesion_place(places, scan.anatomy_zyx, scan.grid, taxonomy),
        scan_id=scan.scan_id,
        candidate_id=candidate_id(scan.scan_id, digest),
        probability=float(PROBABILITIES[code]),
        log_odds=float(LOG_ODDS[code]),
        component_hash=digest,
        **asdict(lesion_shape(places, scan.grid)),
        **host,
    )


def component_hash(places: Places) -> str:
    """Of the flat indices of a component's voxels, rising: the same voxels, the same hash."""
    return hashlib.blake2b(places.astype("<i8").tobytes(), digest_size=16).hexdigest()


def candidate_id(scan_id: str, digest: str) -> str:
    """The same candidate in another round has the same id."""
    return hashlib.blake2b(f"{scan_id}/{digest}".encode(), digest_size=8).hexdigest()


def _host_names(site: Site, taxonomy: Taxonomy) -> dict[int, str]:
    """Ids of the hosts and of their parts -> the host."""
    return {int(i): host for host in site.hosts for i in taxonomy.member_ids(host)}


def _hosted(
    peaks: Peaks,
    anatomy_zyx: LabelsZYX,
    grid: Grid,
    hosts: dict[int, str],
    settings: LesionSettings,
) -> Iterator[tuple[int, str]]:
    """The first peaks that touch a host, as many as may be, and which host that is."""
    wanted = np.zeros(NUM_VALUES, dtype=np.bool_)
    wanted[list(hosts)] = True
    left = settings.max_candidates
    for peak in range(len(peaks)):
        if left == 0:
            return
        places = peaks.piece(peak)
        inside = np.bincount(anatomy_zyx.reshape(-1)[places], minlength=NUM_VALUES)
        inside[~wanted] = 0
        if inside.any():
            organ = _largest(inside, hosts)
        else:
            near = nearest_label(anatomy_zyx, places, wanted, settings.host_mm, grid.spacing_mm_zyx)
            organ = hosts.get(near, "")
        if organ:
            left -= 1
            yield peak, organ


def _largest(inside: NDArray[np.int64], hosts: dict[int, str]) -> str:
    """The host with the most voxels, those of its parts included; of equals the first."""
    votes: dict[str, int] = dict.fromkeys(hosts.values(), 0)
    for i, host in hosts.items():
        votes[host] += int(inside[i])
    return max(votes, key=lambda host: votes[host])
