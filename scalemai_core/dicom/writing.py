"""Label maps as DICOM segmentations: one LABELMAP object a layer, its values our ids."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import highdicom as hd
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sr.codedict import codes
from pydicom.uid import RLELossless

from scalemai_core.dicom.codes import SIDES, category, concept
from scalemai_core.dicom.series import MANUFACTURER, derived_uid, slice_headers, to_slices
from scalemai_core.errors import UsageError
from scalemai_core.records.label_map import LabelsZYX
from scalemai_core.records.scan import Scan
from scalemai_core.taxonomy.taxonomy import load_taxonomy

_SOFTWARE = "1"
_FIRST_NUMBER = 100
_MAX_TITLE = 64
_CONTENT = "SEGMENTATION"


class MadeBy(StrEnum):
    """How a segment came about, in DICOM's words."""

    MANUAL = "MANUAL"
    SEMIAUTOMATIC = "SEMIAUTOMATIC"


@dataclass(frozen=True, slots=True)
class SegmentNote:
    """One structure of a label map that something is known of, be it that it is not there."""

    structure: str
    made_by: MadeBy = MadeBy.SEMIAUTOMATIC


def write_segmentation(
    labels_zyx: LabelsZYX,
    notes: Sequence[SegmentNote],
    scan: Scan,
    title: str,
    source: Sequence[Dataset] | None = None,
) -> Dataset:
    """A LABELMAP segmentation on the scan's slices, segment numbers the ids of the structures.

    ``source`` are the headers of the series that it refers to, in the order of
    ``dicom/series.py``; without it the scan's derived ones. ``title`` tells objects of one scan
    apart, such as a layer's name and version: equal titles give equal identifiers. A structure in
    ``notes`` without a voxel was looked for and is absent. Raises UsageError where voxels hold an
    id that no note names.
    """
    _check_noted(labels_zyx, notes)
    headers = list(source if source is not None else slice_headers(scan))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an empty map, and of names that are left blank
        return hd.seg.Segmentation(
            source_images=headers,
            pixel_array=np.ascontiguousarray(to_slices(labels_zyx)),
            segmentation_type=hd.seg.SegmentationTypeValues.LABELMAP,
            segment_descriptions=[_description(note, scan) for note in _in_order(notes)],
            series_instance_uid=derived_uid(scan.scan_id, "segmentation series", title),
            series_number=_FIRST_NUMBER,
            sop_instance_uid=derived_uid(scan.scan_id, "segmentation", title),
            instance_number=1,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MANUFACTURER,
            software_versions=_SOFTWARE,
            device_serial_number="0",
            content_label=_CONTENT,
            content_description=title[:_MAX_TITLE],
            transfer_syntax_uid=RLELossless,
            omit_empty_frames=bool(labels_zyx.any()),
        )


def _in_order(notes: Sequence[SegmentNote]) -> list[SegmentNote]:
    return sorted(notes, key=lambda note: load_taxonomy()[note.structure].id)


def _check_noted(labels_zyx: LabelsZYX, notes: Sequence[SegmentNote]) -> None:
    taxonomy = load_taxonomy()
    noted = {taxonomy[note.structure].id for note in notes}
    strange = set(np.unique(labels_zyx).tolist()) - noted - {0}
    if strange or not noted:
        names = ", ".join(taxonomy.by_id(one).name for one in sorted(strange)) or "nothing at all"
        raise UsageError(f"a segmentation needs a segment for each structure; missing: {names}")


def _description(note: SegmentNote, scan: Scan) -> hd.seg.SegmentDescription:
    structure = load_taxonomy()[note.structure]
    by_hand = note.made_by is MadeBy.MANUAL
    segment = hd.seg.SegmentDescription(
        segment_number=structure.id,
        segment_label=structure.name,
        segmented_property_category=category(structure),
        segmented_property_type=concept(structure),
        algorithm_type=note.made_by.value,
        algorithm_identification=None if by_hand else _engine(),
        tracking_uid=derived_uid(scan.scan_id, structure.name),
        tracking_id=f"{scan.scan_id}/{structure.name}",
    )
    if structure.side is not None:
        side = hd.sr.CodedConcept.from_code(SIDES[structure.side])
        segment.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [
            side
        ]
    return segment


def _engine() -> hd.AlgorithmIdentificationSequence:
    return hd.AlgorithmIdentificationSequence(
        name=MANUFACTURER, family=codes.DCM.ArtificialIntelligence, version=_SOFTWARE
    )
