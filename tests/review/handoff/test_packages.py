"""Items out as files and back: ids and hashes are checked, and nothing is lost on the way."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from scalemai_core.errors import UsageError
from scalemai_core.records.grid import Grid
from scalemai_core.records.item_view import ItemView
from scalemai_core.records.label_map import Layer
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.review.bundle.cut import crop_grid
from scalemai_core.review.handoff.folder import Returned, export_items, import_items
from scalemai_core.review.handoff.package import DOCUMENT, IMAGE, MASK, pack, unpack
from scalemai_core.review.handoff.voxels import ItemVoxels, read_item
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

TAXONOMY = load_taxonomy()
HEAD, TAIL = TAXONOMY["pancreas_head"].id, TAXONOMY["pancreas_tail"].id
SHAPE_ZYX = (10, 12, 14)
BOX = (2, 3, 4, 9, 11, 12)
GRID = Grid.of(
    SHAPE_ZYX, np.array([[0.7, 0, 0, -30], [0, 0.7, 0, 12], [0, 0, 2.5, 100], [0, 0, 0, 1.0]])
)


@pytest.fixture
def store(tmp_path: Path) -> Workspace:
    return Workspace.create(str(tmp_path / "workspace"))


@pytest.fixture
def asked(store: Workspace) -> tuple[ReviewItem, ItemView]:
    image_zyx = np.random.default_rng(0).integers(-900, 900, SHAPE_ZYX).astype(np.int16)
    labels_zyx = np.zeros(SHAPE_ZYX, np.uint8)
    labels_zyx[4:7, 5:9, 6:8] = HEAD
    labels_zyx[4:7, 5:9, 8:10] = TAIL
    labels_zyx[5:6, 9:11, 6:10] = TAXONOMY["spleen"].id
    scan_id = store.scans.write(image_zyx, GRID, {})
    base = store.labels.write(labels_zyx, scan_id, Layer.ANATOMY, GRID)
    item = ReviewItem(
        item_id=f"1-{scan_id}-pancreas",
        round=1,
        kind=ItemKind.HONEYPOT,
        scan_id=scan_id,
        structure="pancreas",
        priority=1.0,
        reason="the masks differ",
        base_label_map=base,
        prediction=None,
    )
    view = ItemView(
        item_id=item.item_id, centre_zyx=(5, 6, 7), box=BOX, volumes_ml=(1.0, None, None)
    )
    return item, view


@pytest.fixture
def voxels(store: Workspace, asked: tuple[ReviewItem, ItemView]) -> ItemVoxels:
    return read_item(store, *asked)


def edited(data: bytes, wanted: str = "LPS") -> bytes:
    """One more voxel, saved in another orientation."""
    image = nib.Nifti1Image.from_bytes(gzip.decompress(data))
    codes = np.asarray(image.dataobj).copy()
    codes[0, 0, 0] = HEAD
    image = nib.Nifti1Image(codes, image.affine)
    turn = nib.orientations.ornt_transform(
        nib.io_orientation(image.affine), nib.orientations.axcodes2ornt(wanted)
    )
    return gzip.compress(image.as_reoriented(turn).to_bytes())


def rezipped(data: bytes, **changed: bytes | None) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            content = changed.get(name.split(".")[0], old.read(name))
            if content is not None:
                new.writestr(f"case/{name}", content)
    return file.getvalue()


def test_a_package_holds_the_crop_and_comes_back(
    asked: tuple[ReviewItem, ItemView], voxels: ItemVoxels
) -> None:
    item, view = asked
    data = pack(item, voxels)
    assert data == pack(item, voxels)
    assert set(np.unique(voxels.mask_zyx)) == {0, HEAD, TAIL}
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.namelist() == [IMAGE, MASK, DOCUMENT]
        document = json.loads(archive.read(DOCUMENT))
        mask = archive.read(MASK)
    assert document["item_id"] == item.item_id
    assert document["base_label_map"] == item.base_label_map
    assert document["labels"][str(TAIL)] == "pancreas_tail"
    assert np.allclose(document["affine"], voxels.grid.matrix)
    assert "honeypot" not in json.dumps(document)
    drawing = unpack(data, item, view, GRID, voxels.grid)
    assert np.array_equal(drawing.mask_zyx, voxels.mask_zyx > 0)
    drawing = unpack(rezipped(data, mask=edited(mask)), item, view, GRID, voxels.grid)
    assert drawing.box == BOX
    assert drawing.mask_zyx[0, 0, 0]
    assert drawing.mask_zyx.sum() == (voxels.mask_zyx > 0).sum() + 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"item_id": "other"}, "another item"),
        ({"base_label_map": "0" * 32}, "changed since"),
        ({"format": 2}, "has format 2"),
        ({"affine": "nowhere"}, "damaged"),
    ],
)
def test_a_package_of_another_item_or_mask_is_refused(
    asked: tuple[ReviewItem, ItemView], voxels: ItemVoxels, change: dict[str, object], said: str
) -> None:
    data = pack(asked[0], voxels)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        document = json.loads(archive.read(DOCUMENT)) | change
    spoiled = rezipped(data, item=json.dumps(document).encode())
    with pytest.raises(UsageError, match=said):
        unpack(spoiled, *asked, GRID, voxels.grid)


def test_a_zip_that_is_none_or_a_bomb_is_refused(
    asked: tuple[ReviewItem, ItemView], voxels: ItemVoxels
) -> None:
    data = pack(asked[0], voxels)
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(DOCUMENT, bytes(2**26))
    many = io.BytesIO()
    with zipfile.ZipFile(many, "w") as archive:
        for number in range(500):
            archive.writestr(f"{number}/{DOCUMENT}", b"")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr(DOCUMENT, b"{}")
    mask = data.index(MASK.encode())
    cut = data[: mask + 40] + bytes(60) + data[mask + 100 :]
    for spoiled in (b"", b"PK", data[:-30], cut, bomb.getvalue()):
        with pytest.raises(UsageError):
            unpack(spoiled, *asked, GRID, voxels.grid)
    for spoiled in (many.getvalue(), packed.getvalue(), rezipped(data, mask=None)):
        with pytest.raises(UsageError, match=r"too many|once"):
            unpack(spoiled, *asked, GRID, voxels.grid)


def imported(folder: Path, asked: tuple[ReviewItem, ItemView]) -> Returned:
    return import_items(folder, {asked[0].item_id: asked}, lambda _: GRID)


def test_a_folder_comes_back_the_same_each_time(
    store: Workspace, asked: tuple[ReviewItem, ItemView], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    (place,) = export_items(store, [asked], folder)
    assert imported(folder, asked) == Returned((), (asked[0].item_id,), ())
    (place / MASK).write_bytes(edited((place / MASK).read_bytes(), "SLA"))
    first, again = imported(folder, asked), imported(folder, asked)
    assert (first.unchanged, first.refused) == ((), ())
    shapes = [[one.drawing.mask_zyx.tobytes() for one in found.drawn] for found in (first, again)]
    assert shapes[0] == shapes[1]
    assert first.drawn[0].item == asked[0]
    assert first.drawn[0].drawing.mask_zyx[-1, 0, -1] or first.drawn[0].drawing.mask_zyx[0, 0, 0]
    assert export_items(store, [asked], folder) == ()  # a drawing is never written over
    kept = imported(folder, asked).drawn[0].drawing
    assert np.array_equal(kept.mask_zyx, first.drawn[0].drawing.mask_zyx)


def test_every_refused_file_is_named_with_its_reason(
    store: Workspace, asked: tuple[ReviewItem, ItemView], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    (place,) = export_items(store, [asked], folder)
    (folder / "notes.txt").write_text("hello")
    (place / "Segmentation.seg.nrrd").write_bytes(b"NRRD")
    for name, spoil in (
        ("no_mask", lambda copy: (copy / MASK).unlink()),
        ("two_masks", lambda copy: shutil.copy(copy / MASK, copy / "mask.nii")),
        ("no_document", lambda copy: (copy / DOCUMENT).unlink()),
        ("cut", lambda copy: (copy / MASK).write_bytes((copy / MASK).read_bytes()[:90])),
        ("linked", lambda copy: ((copy / MASK).unlink(), (copy / MASK).symlink_to("/dev/zero"))),
    ):
        shutil.copytree(place, folder / name, ignore=shutil.ignore_patterns("*.nrrd"))
        spoil(folder / name)
    found = imported(folder, asked)
    said = {str(one.path.relative_to(folder)): one.reason for one in found.refused}
    assert found.unchanged == (asked[0].item_id,)
    assert said["notes.txt"].startswith("it belongs to no item")
    assert "only mask.nii.gz is read" in said[f"{place.name}/Segmentation.seg.nrrd"]
    assert said["no_mask"] == "save the mask once, as mask.nii.gz; found 0 masks"
    assert "found 2 masks" in said["two_masks/mask.nii.gz"]
    assert said["no_document/mask.nii.gz"].startswith("item.json is missing")
    assert "damaged" in said["cut/mask.nii.gz"]
    assert any("linked" in path for path in said)
    closed = import_items(folder, {}, lambda _: GRID)
    assert closed.drawn == ()
    assert "not open any more" in {one.path.name: one.reason for one in closed.refused}[MASK]


def test_two_drawings_of_one_item_are_both_named(
    store: Workspace, asked: tuple[ReviewItem, ItemView], tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    (place,) = export_items(store, [asked], folder)
    (place / MASK).write_bytes(edited((place / MASK).read_bytes()))
    shutil.copytree(place, folder / "copy")
    found = imported(folder, asked)
    assert found.drawn == ()
    assert {one.path.parent.name for one in found.refused} == {"copy", place.name}
    assert all("drawn twice" in one.reason for one in found.refused)


def test_an_item_that_is_no_drawing_is_not_handed_out(
    store: Workspace, asked: tuple[ReviewItem, ItemView]
) -> None:
    lesion = asked[0].model_copy(update={"kind": ItemKind.LESION})
    with pytest.raises(UsageError, match="not by a drawing"):
        read_item(store, lesion, asked[1])


def test_an_item_without_a_mask_goes_out_empty(
    store: Workspace, asked: tuple[ReviewItem, ItemView]
) -> None:
    item = asked[0].model_copy(update={"base_label_map": None, "kind": ItemKind.EDIT})
    voxels = read_item(store, item, asked[1])
    assert not voxels.mask_zyx.any()
    assert voxels.grid == crop_grid(GRID, BOX)
    assert np.array_equal(voxels.image_zyx, store.scans.read(item.scan_id)[2:9, 3:11, 4:12])
