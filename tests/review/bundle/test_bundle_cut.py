"""A bundle holds the voxels of its box, and reads no more than the chunks that hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from made_up_shown_items import MODEL, made_grid, made_item, painted
from numpy.typing import NDArray

from scalemai_core.records.decision import Candidate
from scalemai_core.records.item_view import Box, ItemView
from scalemai_core.records.label_map import Layer
from scalemai_core.records.review import ItemKind, ReviewItem
from scalemai_core.review.bundle.boxed import BoxedMask, ScanLabels, shape_of, slices_of
from scalemai_core.review.bundle.cut import cut_bundle
from scalemai_core.review.bundle.locator import read_locator
from scalemai_core.review.bundle.view import ItemMaps, view_item
from scalemai_core.review.bundle.wire import Bundle, decode
from scalemai_core.settings.review import ReviewSettings
from scalemai_core.store.arrays.layout import CHUNK_ZYX
from scalemai_core.store.arrays.stored_array import SHARD
from scalemai_core.store.files import Files
from scalemai_core.store.workspace import Workspace
from scalemai_core.taxonomy.taxonomy import load_taxonomy

SHAPE = (100, 260, 270)
SPACING = (2.0, 0.8, 0.8)
GRID = made_grid(SHAPE, SPACING)
SETTINGS = ReviewSettings(field_mm=60.0, margin_mm=8.0, max_delete_ml=1.0)
LIVER: Box = (30, 100, 60, 44, 160, 120)
ISLAND: Box = (35, 162, 100, 38, 166, 104)
KIDNEY: Box = (30, 90, 60, 40, 100, 90)
CURRENT = painted(SHAPE, ("liver", LIVER), ("liver", ISLAND), ("kidney_right", KIDNEY))
PREDICTED = painted(
    SHAPE, ("liver", (30, 100, 60, 44, 160, 132)), ("liver_segment_4", (32, 110, 70, 40, 120, 80))
)
LESIONS = painted(SHAPE, ("liver_lesion", (33, 110, 70, 36, 114, 74)))


Read = tuple[str, int]


class Stored(NamedTuple):
    store: Workspace
    image_zyx: NDArray[np.int16]
    scan_id: str
    current: str


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """One scan with labels and a prediction."""
    rng = np.random.default_rng(3)
    image_zyx = rng.integers(-1024, 1500, SHAPE, dtype=np.int16)
    store = Workspace.create(str(tmp_path_factory.mktemp("bundles") / "workspace"))
    scan_id = store.scans.write(image_zyx, GRID, {})
    current = store.labels.write(CURRENT, scan_id, Layer.ANATOMY, GRID)
    predicted = {Layer.ANATOMY: PREDICTED, Layer.LESIONS: np.zeros_like(LESIONS)}
    store.predictions.write(MODEL, scan_id, predicted, GRID)
    return Stored(store, image_zyx, scan_id, current)


def asked(stored: Stored, kind: ItemKind = ItemKind.CHOOSE, **more: Any) -> ReviewItem:
    base = {"scan_id": stored.scan_id, "base_label_map": stored.current}
    return made_item(more.pop("structure", "liver"), kind, **{**base, **more})


def seen(item: ReviewItem, candidate: BoxedMask | None = None) -> ItemView:
    maps = ItemMaps(ScanLabels(CURRENT), ScanLabels(PREDICTED), ScanLabels(CURRENT))
    return view_item(item, maps.masks(item.structure, candidate), GRID, SETTINGS)


def cut(stored: Stored, item: ReviewItem, view: ItemView) -> Bundle:
    return decode(cut_bundle(stored.store, item, view, SETTINGS))


def test_the_arrays_are_the_scan_and_the_masks_inside_the_box(stored: Stored) -> None:
    item = asked(stored)
    view = seen(item)
    header, arrays = cut(stored, item, view)
    box = slices_of(view.box)
    assert 0 < arrays["image"].size < stored.image_zyx.size / 20
    np.testing.assert_array_equal(arrays["image"], stored.image_zyx[box])
    liver = np.isin(PREDICTED, load_taxonomy().member_ids("liver"))
    own = load_taxonomy()["liver"].id == CURRENT
    np.testing.assert_array_equal(arrays["options"] & 1, own[box])
    np.testing.assert_array_equal(arrays["options"] >> 1, liver[box])
    np.testing.assert_array_equal(arrays["neighbours"], np.where(own, 0, CURRENT)[box])
    assert header["neighbours"] == {"30": "right kidney"}
    assert [option["key"] for option in header["options"]] == ["A", "B"]
    assert [option["words"] for option in header["options"]] == ["current", "model's prediction"]
    assert [o["volume_ml"] for o in header["options"]] == pytest.approx(view.volumes_ml[:2])
    assert header["may_draw"] is True
    assert tuple(header["box"]) == view.box
    assert tuple(header["scan_shape_zyx"]) == SHAPE


def test_the_grid_of_the_crop_lies_where_it_lies_in_the_scan(stored: Stored) -> None:
    view = seen(asked(stored))
    grid = cut(stored, asked(stored), view).header["grid"]
    z, y, x = view.box[:3]
    np.testing.assert_allclose(
        np.array(grid["affine"]) @ (1, 2, 3, 1), GRID.matrix @ (x + 1, y + 2, z + 3, 1)
    )
    assert tuple(grid["shape_zyx"]) == shape_of(view.box)
    assert grid["spacing_mm_zyx"] == pytest.approx(SPACING)


def test_the_centre_is_the_same_voxel(stored: Stored) -> None:
    view = seen(asked(stored))
    header, arrays = cut(stored, asked(stored), view)
    assert arrays["image"][tuple(header["centre_zyx"])] == stored.image_zyx[view.centre_zyx]


def test_pieces_carry_the_view_s_numbers(stored: Stored) -> None:
    view = seen(asked(stored))
    header, arrays = cut(stored, asked(stored), view)
    expected = np.zeros(SHAPE, dtype=np.uint8)
    expected[slices_of(LIVER)], expected[slices_of(ISLAND)] = 1, 2
    np.testing.assert_array_equal(arrays["pieces"], expected[slices_of(view.box)])
    large, small = header["pieces"]
    assert (large["number"], large["deletable"]) == (1, False), "larger than max_delete_ml"
    assert (small["number"], small["deletable"]) == (2, True)
    assert small["piece_hash"] == view.pieces[1].piece_hash
    assert arrays["pieces"][tuple(small["centre_zyx"])] == 2


def test_a_third_mask_is_c(stored: Stored) -> None:
    item = asked(stored, third=Candidate.REPAIRED, third_map=stored.current)
    header, arrays = cut(stored, item, seen(item))
    np.testing.assert_array_equal((arrays["options"] >> 2) & 1, arrays["options"] & 1)
    assert header["options"][2]["words"] == "repaired"
    assert header["options"][2]["volume_ml"] == pytest.approx(header["options"][0]["volume_ml"])


def test_a_rival_without_a_label_map_is_empty(stored: Stored) -> None:
    item = asked(stored, ItemKind.AUDIT, rival=Candidate.DECIDED, rival_map=None)
    header, arrays = cut(stored, item, seen(item))
    assert arrays["options"].max() == 1
    told = [(option["choice"], option["words"]) for option in header["options"]]
    assert told == [("current", "current"), ("prediction", "model's prediction")]
    assert (header["item"]["kind"], header["may_draw"]) == ("choose", True), "a blind audit"


def test_an_unknown_annotation_is_empty_among_what_the_model_sees(stored: Stored) -> None:
    item = asked(stored, structure="kidney_left", base_label_map=None)
    view = seen(item).model_copy(update={"box": (30, 100, 60, 44, 160, 120)})
    header, arrays = cut(stored, item, view)
    assert arrays["options"].max() == 0
    assert set(header["neighbours"].values()) == {"liver", "liver segment 4"}


def test_a_model_that_never_saw_the_scan_offers_an_empty_mask(stored: Stored) -> None:
    for prediction in ("another", None):
        item = asked(stored, prediction=prediction)
        assert cut(stored, item, seen(item)).arrays["options"].max() == 1


def test_a_drawing_shows_the_current_mask_alone(stored: Stored) -> None:
    item = asked(stored, ItemKind.EDIT)
    header, arrays = cut(stored, item, seen(item))
    assert [option["choice"] for option in header["options"]] == ["current"]
    assert arrays["options"].max() == 1
    assert header["may_draw"] is True


def test_a_lesion_shows_its_candidate_beside_known_lesions_and_organs(stored: Stored) -> None:
    base = stored.store.labels.write(LESIONS, stored.scan_id, Layer.LESIONS, GRID)
    candidate_zyx = np.zeros(SHAPE, dtype=np.bool_)
    candidate_zyx[34:38, 112:118, 72:78] = True
    item = asked(stored, ItemKind.LESION, structure="liver_lesion", base_label_map=base)
    view = seen(item, BoxedMask.of(candidate_zyx))
    header, arrays = cut(stored, item, view)
    box = slices_of(view.box)
    np.testing.assert_array_equal(arrays["options"], candidate_zyx[box])
    around = np.where(LESIONS > 0, LESIONS, PREDICTED)
    np.testing.assert_array_equal(arrays["neighbours"], np.where(candidate_zyx, 0, around)[box])
    (option,) = header["options"]
    assert (option["key"], option["choice"], option["words"]) == ("A", "prediction", "candidate")
    assert option["volume_ml"] == pytest.approx(4 * 6 * 6 * 1.28 / 1000)
    assert header["pieces"] == []


def test_a_honeypot_cannot_be_told_from_a_choice(stored: Stored) -> None:
    item = asked(stored)
    trap = asked(stored, ItemKind.HONEYPOT, expected=Candidate.PREDICTION)
    view = seen(item)
    assert cut_bundle(stored.store, trap, view, SETTINGS) == cut_bundle(
        stored.store, item, view, SETTINGS
    )


def test_a_mask_drawn_since_has_no_volume_that_could_be_wrong(stored: Stored) -> None:
    item = asked(stored)
    drawn = {"rival": Candidate.READER, "rival_map": stored.current}
    header, arrays = cut(stored, item.model_copy(update=drawn), seen(item))
    assert header["options"][1]["volume_ml"] is None
    np.testing.assert_array_equal(arrays["options"] >> 1, arrays["options"] & 1)


def test_the_locator_shows_the_body_with_the_head_up_and_the_right_side_first(
    stored: Stored,
) -> None:
    image_zyx = np.full(SHAPE, -1000, dtype=np.int16)
    image_zyx[90:, :, 250:] = 500
    scan_id = stored.store.scans.write(image_zyx, GRID, {})
    item = asked(stored, scan_id=scan_id, base_label_map=None, prediction=None)
    view = seen(asked(stored))
    header, arrays = cut(stored, item, view)
    gray, locator = arrays["locator"], header["locator"]
    rows, columns = (d / s for d, s in zip(locator["spacing_mm_rc"], (2.0, 0.8), strict=True))
    assert (rows, columns) == pytest.approx((1, 2))
    assert gray.shape == (100, 135)
    assert (gray[:10, :10] == 255).all()
    assert (gray[10:] == 0).all()
    assert (gray[:, 10:] == 0).all()
    z0, _, x0, z1, _, x1 = view.box
    assert locator["box_rc"] == [100 - z1, (270 - x1) / 2, 100 - z0, (270 - x0) / 2]
    row, column = locator["centre_rc"]
    assert locator["box_rc"][0] < row < locator["box_rc"][2]
    assert locator["box_rc"][1] < column < locator["box_rc"][3]


def test_lost_voxels_are_no_picture(stored: Stored) -> None:
    item = asked(stored, base_label_map="0" * 32)
    with pytest.raises(FileNotFoundError):
        cut_bundle(stored.store, item, seen(asked(stored)), SETTINGS)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Read]:
    """Every read of a part of a document: its name, bytes that came."""
    found: list[Read] = []
    read_end, read_ranges = Files.read_end, Files.read_ranges

    def noting_end(files: Files, path: str, num_bytes: int) -> bytes:
        data = read_end(files, path, num_bytes)
        found.append((path, len(data)))
        return data

    def noting_ranges(
        files: Files, path: str, ranges: Sequence[tuple[int, int]]
    ) -> Iterator[bytes]:
        found.extend((path, stop - start) for start, stop in ranges)
        return read_ranges(files, path, ranges)

    monkeypatch.setattr(Files, "read_end", noting_end)
    monkeypatch.setattr(Files, "read_ranges", noting_ranges)
    return found


def chunks_of(box: Box) -> int:
    counts = [
        (box[axis + 3] - 1) // edge - box[axis] // edge + 1 for axis, edge in enumerate(CHUNK_ZYX)
    ]
    return int(np.prod(counts))


def test_only_the_chunks_that_the_box_and_one_coronal_row_touch_are_read(
    stored: Stored, reads: list[Read]
) -> None:
    item = asked(stored)
    view = seen(item)
    reads.clear()
    cut_bundle(stored.store, item, view, SETTINGS)
    assert {path.rsplit("/", 1)[1] for path, _ in reads} == {SHARD}
    coronal: Box = (0, 130, 0, SHAPE[0], 131, SHAPE[2])
    indices = 4  # each array's own table of chunks: image twice, annotation, prediction
    assert len(reads) <= 3 * chunks_of(view.box) + chunks_of(coronal) + indices
    assert chunks_of(view.box) < chunks_of((0, 0, 0, *SHAPE)) / 2
    num_bytes = sum(size for _, size in reads)
    folder = stored.store.files.folder
    assert folder is not None
    assert num_bytes < size_of(folder / "scans" / f"{stored.scan_id}.ome.zarr")


def test_a_locator_at_hand_is_not_read_again(stored: Stored, reads: list[Read]) -> None:
    item = asked(stored)
    view = seen(item)
    locator = read_locator(stored.store, stored.scan_id, view.centre_zyx[1], GRID)
    reads.clear()
    data = cut_bundle(stored.store, item, view, SETTINGS, locator)
    image = [path for path, _ in reads if path.startswith("scans")]
    assert len(image) <= chunks_of(view.box) + 1
    assert data == cut_bundle(stored.store, item, view, SETTINGS)


def size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
