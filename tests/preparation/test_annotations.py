"""Annotations of three kinds, as their makers write them."""

import pickle
from pathlib import Path

import numpy as np
import pytest

from dicface.errors import InputError, UsageError
from dicface.preparation.annotations import (
    AuthorsPickle,
    CelebAPlaces,
    PtsFiles,
    find_by_name,
    open_annotations,
    read_celeba_numbers,
    read_pts,
)

POINTS = [[100.0 + index, 50.5 + 2 * index] for index in range(68)]


def pickled(folder: Path, content: object) -> Path:
    path = folder / "train.pkl"
    path.write_bytes(pickle.dumps(content))
    return path


def pts(path: Path, points: list[list[float]]) -> None:
    lines = "\n".join(f"{x + 1} {y + 1}" for x, y in points)
    path.write_text(f"version: 1\nn_points: {len(points)}\n{{\n{lines}\n}}\n")


def test_photos_are_found_by_path_name_or_as_jpeg() -> None:
    table = {"1/a.jpg": 1, "a.jpg": 2, "b.jpg": 3}
    assert [find_by_name(table, name) for name in ("1/a.jpg", "2/a.jpg", "x/b.png", "c.jpg")] == [1, 2, 3, None]


def test_pts_files_lie_beside_the_photos_or_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    for path in (tmp_path / "a.pts", tmp_path / "other" / "b.pts"):
        pts(path, POINTS)
    beside, apart = PtsFiles(), open_annotations(str(tmp_path / "other"))
    assert apart is not None
    found = beside.find(tmp_path / "a.jpg", "a.jpg")
    assert found is not None
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks, POINTS)
    assert beside.find(tmp_path / "b.jpg", "b.jpg") is None
    assert apart.find(tmp_path / "b.jpg", "b.jpg") is not None
    assert apart.file_of(tmp_path / "b.jpg") == tmp_path / "other" / "b.pts"


@pytest.mark.parametrize("encoding", ["ascii", "utf-8-sig", "utf-16", "latin-1"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_pts_files_as_editors_write_them(tmp_path: Path, encoding: str, ends: str) -> None:
    """With a byte order mark, other line ends and comments."""
    lines = ["version: 1 // iBUG", "n_points: 68", "{", *(f"{x} {y}" for x, y in POINTS), "}"]
    if encoding != "ascii":
        lines.insert(0, "# Großmutter { 1 2 }")
        lines[5] += " # the jaw's third point"
    (tmp_path / "a.pts").write_bytes(ends.join(lines).encode(encoding))
    np.testing.assert_array_equal(read_pts(tmp_path / "a.pts"), np.array(POINTS, dtype=np.float32) - 1)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_lists_as_editors_write_them(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "a.txt").write_text("2\nä.jpg 1\nb.jpg 2\n", encoding=encoding)
    assert read_celeba_numbers(tmp_path / "a.txt") == {"ä.jpg": 1, "b.jpg": 2}


def test_pts_files_without_numbers_are_refused(tmp_path: Path) -> None:
    pts(tmp_path / "a.pts", [[float("nan"), 1], *POINTS[1:]])
    with pytest.raises(InputError, match=r"expected finite coordinates in 'a\.pts'"):
        PtsFiles().find(tmp_path / "a.jpg", "a.jpg")


def test_the_authors_pickle(tmp_path: Path) -> None:
    content = {"a.jpg": {"landmark": [tuple(point) for point in POINTS], "bbox": [90, 40, 180, 200]}}
    found = AuthorsPickle(pickled(tmp_path, content)).find(Path("x/a.jpg"), "x/a.jpg")
    assert found is not None
    assert found.landmarks is not None
    np.testing.assert_allclose(found.landmarks, POINTS)


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"landmark": [[1, 2]] * 194}, r"expected 68 points as 'landmark', got an array of shape \(194, 2\)"),
        ({"bbox": [1, 2, 3, 4]}, r"expected an entry with 'landmark', got \['bbox'\]"),
        ([1, 2], "expected an entry with 'landmark', got list"),
        ({"landmark": [[1, 2], [3]]}, "expected 68 pairs of numbers as 'landmark', got something else"),
        ({"landmark": [[float("inf"), 2]] * 68}, "expected finite coordinates"),
    ],
)
def test_a_bad_entry_spoils_its_photo_alone(tmp_path: Path, entry: object, message: str) -> None:
    annotations = AuthorsPickle(pickled(tmp_path, {"bad.jpg": entry, "a.jpg": {"landmark": POINTS}}))
    with pytest.raises(InputError, match=rf"{message}.* in 'train\.pkl'"):
        annotations.find(Path("bad.jpg"), "bad.jpg")
    assert annotations.find(Path("a.jpg"), "a.jpg") is not None


def test_a_pickle_of_another_kind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected a dict by file name in 'train\.pkl', got list"):
        AuthorsPickle(pickled(tmp_path, [1]))


# As CelebA's lists begin.
FIVE = (
    "2\nlefteye_x lefteye_y righteye_x righteye_y nose_x nose_y leftmouth_x leftmouth_y rightmouth_x rightmouth_y\n"
    "000001.jpg 69  109  106  113   77  142   73  152  108  154\n"
    "000002.jpg 69  110  107  112   81  135   70  151  108  153\n"
)
BOXES = "2\nimage_id x_1 y_1 width height\n000001.jpg    95  71 226 313\n000002.jpg    72  94 221 306\n"


def test_five_points_and_boxes_say_where_the_face_is(tmp_path: Path) -> None:
    (tmp_path / "five.txt").write_text(FIVE)
    (tmp_path / "boxes.txt").write_text(BOXES)
    five = CelebAPlaces(tmp_path / "five.txt").find(Path("000001.png"), "000001.png")
    assert five is not None
    assert five.landmarks is None
    assert five.box is not None
    left, top, right, bottom = five.box
    # Wider than the eyes, from above them to below the mouth.
    assert left < 60
    assert right > 116
    assert top < 100
    assert 170 < bottom < 195
    box = CelebAPlaces(tmp_path / "boxes.txt").find(Path("000001.jpg"), "000001.jpg")
    assert box is not None
    assert box.box is not None
    left, top, right, bottom = box.box
    # Inside the drawn box, which has hair and neck in it.
    assert 95 < left < 150
    assert 71 < top < 160
    assert 321 > right > 270
    assert 384 > bottom > 320


def test_the_five_points_box_is_that_of_the_68(tmp_path: Path, portrait: np.ndarray) -> None:
    """On the portrait, whose 68 points the network finds from there."""
    from dicface.faces.geometry import Box, intersection_over_union, landmark_box
    from dicface.faces.landmarks import locate
    from dicface.runtime.landmark_model import LandmarkModel

    (tmp_path / "five.txt").write_text("a.jpg 202 102 248 104 223 127 202 139 247 138\n")
    found = CelebAPlaces(tmp_path / "five.txt").find(Path("a.jpg"), "a.jpg")
    assert found is not None
    assert found.box is not None
    points = locate(LandmarkModel(), portrait, Box(*found.box), passes=3).points
    assert intersection_over_union(landmark_box(points), Box(*found.box)) > 0.7


def test_identities_and_partitions(tmp_path: Path) -> None:
    (tmp_path / "ids.txt").write_text("000001.jpg 2880\n000002.jpg 10177\n")
    assert read_celeba_numbers(tmp_path / "ids.txt") == {"000001.jpg": 2880, "000002.jpg": 10177}
    # More than a float32 can tell apart.
    (tmp_path / "dates.txt").write_text("a.jpg 20211103\nb.jpg 20211104\n")
    assert read_celeba_numbers(tmp_path / "dates.txt") == {"a.jpg": 20211103, "b.jpg": 20211104}
    (tmp_path / "boxes.txt").write_text(BOXES)
    with pytest.raises(InputError, match=r"expected one number a photo in 'boxes\.txt', got 4"):
        read_celeba_numbers(tmp_path / "boxes.txt")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "found no photo in"),
        (
            "a.jpg 1 2 3 4\nb.jpg 1 2 3 4\nc.jpg 1 two 3 4\n",
            r"whole numbers in line 3 of 'a\.txt', got 'c\.jpg 1 two 3 4'",
        ),
        ("a.jpg 1\nb.jpg 2\nc.jpg 99999999999999999999\n", r"whole numbers in line 3 of 'a\.txt', got 'c\.jpg 9999"),
        ("a.jpg 1 2 3\n", r"expected 4 numbers a photo \(a box\) or 10 \(five points\) in 'a\.txt', got \[3\]"),
    ],
)
def test_other_lists_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(InputError, match=message):
        CelebAPlaces(tmp_path / "a.txt")


def test_a_box_without_size_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a.jpg 5 5 0 0\n")
    with pytest.raises(InputError, match=r"expected a face of some size for 'a\.jpg' in 'a\.txt', got \[5, 5, 0, 0"):
        CelebAPlaces(tmp_path / "a.txt").find(Path("a.jpg"), "a.jpg")


@pytest.mark.parametrize("source", ["nowhere.pkl", "photo.jpg", "Network"])
def test_unknown_annotations_are_a_wrong_call(tmp_path: Path, source: str) -> None:
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(UsageError, match="expected `landmarks` network, pts, a folder"):
        open_annotations(str(tmp_path / source))
    assert open_annotations("network") is None


def test_pts_files_count_from_1(tmp_path: Path) -> None:
    lines = "\n".join(f"{i + 1} {2 * i + 1}.5" for i in range(68))
    (tmp_path / "a.pts").write_text(f"version: 1\nn_points: 68\n{{\n{lines}\n}}\n")
    points = read_pts(tmp_path / "a.pts")
    np.testing.assert_allclose(points[3], (3, 6.5))


def test_pts_files_need_68_points(tmp_path: Path) -> None:
    (tmp_path / "a.pts").write_text("version: 1\n{\n1 2\n}\n")
    with pytest.raises(InputError, match=r"expected 68 points in 'a\.pts', got 1"):
        read_pts(tmp_path / "a.pts")
