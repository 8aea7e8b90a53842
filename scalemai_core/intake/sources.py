"""What a person points at, recognised by its content and listed case by case without voxels."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from scalemai_core.errors import UsageError
from scalemai_core.intake.case import CaseFiles, ImageKind, LabelMapFile, MaskFile
from scalemai_core.intake.dicom import is_dicom
from scalemai_core.intake.dicom_cases import dicom_cases
from scalemai_core.intake.nnunet import DESCRIPTION, nnunet_cases
from scalemai_core.intake.table import TABLE_NAME, read_table
from scalemai_core.intake.volume_file import ENDINGS, is_volume, stem
from scalemai_core.records.scan import CaseInfo

_CT_FILE = "ct.nii.gz"
_MASK_FOLDER = "segmentations"
_ACCEPTED = (
    "an nnU-Net dataset (dataset.json, imagesTr, labelsTr), a case folder (ct.nii.gz, "
    "segmentations/) or a folder of them, a folder of DICOM slices and segmentations, "
    f"a volume file ({ENDINGS}), or IMAGE=LABELS where LABELS is a label file or a folder of masks"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A named collection of cases; nothing but names and headers has been read."""

    name: str
    cases: tuple[CaseFiles, ...]

    def __len__(self) -> int:
        return len(self.cases)


def open_source(source: str) -> Source:
    """Recognise what ``source`` is and list its cases in a fixed order.

    Raises UsageError where it does not exist, is of no accepted kind or holds no case.
    """
    path = Path(source)
    image, separator, labels = source.rpartition("=")
    if separator and not path.exists():
        return _checked(source, _pair(_existing(image), _existing(labels)))
    path = _existing(source)
    return _checked(source, _folder(path) if path.is_dir() else _file(path))


def _existing(name: str) -> Path:
    path = Path(name).absolute()
    if not path.exists():
        raise UsageError(f"{name} does not exist; a source is {_ACCEPTED}")
    return path


def _checked(source: str, found: Source) -> Source:
    twice = [
        case for case, count in Counter(files.case for files in found.cases).items() if count > 1
    ]
    if twice:
        raise UsageError(
            f"{source}: several cases are named {', '.join(twice)}; rename their files"
        )
    if not found.cases:
        raise UsageError(f"{source} holds no case; a source is {_ACCEPTED}")
    return found


def _file(path: Path) -> Source:
    if not is_volume(path):
        raise UsageError(f"{path} is of no known kind; a source is {_ACCEPTED}")
    name = stem(path)
    table = read_table(path.with_name(f"{name}.csv"))
    files = CaseFiles(
        case=name,
        source=name,
        kind=ImageKind.FILE,
        image=(path,),
        info=table.get(name, CaseInfo()),
    )
    return Source(name=name, cases=(files,))


def _folder(folder: Path) -> Source:
    table = read_table(folder / TABLE_NAME)
    if (folder / DESCRIPTION).is_file():
        return Source(name=folder.name, cases=nnunet_cases(folder, folder.name, table))
    case_folders = [
        path for path in [folder, *sorted(folder.iterdir())] if (path / _CT_FILE).is_file()
    ]
    if case_folders:
        cases = tuple(_case_folder(path, folder.name, table) for path in case_folders)
        return Source(name=folder.name, cases=cases)
    return Source(name=folder.name, cases=dicom_cases(folder, table))


def _case_folder(folder: Path, source: str, table: dict[str, CaseInfo]) -> CaseFiles:
    masks = folder / _MASK_FOLDER
    return CaseFiles(
        case=folder.name,
        source=source,
        kind=ImageKind.FILE,
        image=(folder / _CT_FILE,),
        masks=_masks(masks) if masks.is_dir() else (),
        info=table.get(folder.name, CaseInfo()),
    )


def _masks(folder: Path) -> tuple[MaskFile, ...]:
    paths = sorted(path for path in folder.iterdir() if is_volume(path))
    return tuple(MaskFile(path=path, label=stem(path)) for path in paths)


def _pair(image: Path, labels: Path) -> Source:
    found = _folder(image) if image.is_dir() else _file(image)
    if len(found) != 1:
        raise UsageError(f"{image} holds {len(found)} cases; IMAGE=LABELS takes exactly one")
    if labels.is_dir():
        masks = _masks(labels)
        if not masks:
            raise UsageError(f"{labels} holds no mask; a source is {_ACCEPTED}")
        update: dict[str, object] = {"masks": masks, "label_map": None}
    elif is_dicom(labels):
        update = {"segmentations": (labels,), "masks": (), "label_map": None}
    elif is_volume(labels):
        update = {"label_map": LabelMapFile(path=labels), "masks": ()}
    else:
        raise UsageError(f"{labels} is no label file; a source is {_ACCEPTED}")
    return Source(name=found.name, cases=(found.cases[0].model_copy(update=update),))
