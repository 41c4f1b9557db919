"""Faces of photos: found, cut out where they should be, or skipped with the reason."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dicface.data.pack_writing import CROP_FORMATS, encode_crop
from dicface.data.packs import read_pack
from dicface.errors import UsageError
from dicface.faces.geometry import Square, cut, square_of_landmarks
from dicface.images.pixels import resize
from dicface.preparation import cutting
from dicface.preparation.annotations import Annotation
from dicface.preparation.cutting import FaceCutter, PhotoFaces, PhotoTask, Reason, Recipe, cut_face, share_outside
from tests.support.portrait import PORTRAIT_POINTS


@pytest.fixture(scope="module")
def cutter() -> FaceCutter:
    """Takes crops a little smaller than the default: the portrait's is 119 px."""
    return FaceCutter(Recipe(min_crop=100))


@pytest.fixture(scope="module")
def portrait_faces(cutter: FaceCutter, portrait: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> PhotoFaces:
    path = tmp_path_factory.mktemp("photo") / "a.png"
    Image.fromarray(portrait).save(path)
    return cutter(PhotoTask(path, "a.png", None))


def face_points(scale: float = 1.0, left: float = 0.0, top: float = 0.0) -> np.ndarray:
    """68 points in a box of 100x100 (times scale) at a place."""
    points = np.random.default_rng(0).uniform(0, 100, (68, 2))
    points[:2] = (0, 0), (100, 100)
    return (points * scale + (left, top)).astype(np.float32)


def task(path: Path, points: np.ndarray) -> PhotoTask:
    return PhotoTask(path, path.name, Annotation(points))


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """A photo of 400x300 px without a face."""
    pixels = resize(np.random.default_rng(1).integers(0, 256, (9, 9, 3), dtype=np.uint8), (400, 300))
    Image.fromarray(pixels).save(tmp_path / "plain.png")
    return tmp_path / "plain.png"


def test_the_portraits_face_is_cut_out(portrait_faces: PhotoFaces) -> None:
    (face,) = portrait_faces.faces
    assert abs(face.square[0] - 166) <= 3
    assert abs(face.square[2] - 119) <= 3
    assert face.heatmap_confidence > 0.8
    scale = face.square[2] / 128
    for point, place in PORTRAIT_POINTS.items():
        back = (face.landmarks[point] - 8 + 0.5) * scale + face.square[:2] - 0.5
        assert np.linalg.norm(back - place) < 4.4, point
    assert portrait_faces.skipped == []


@pytest.mark.slow
@pytest.mark.dlib
def test_what_only_looks_like_a_face_is_not(portrait: np.ndarray, tmp_path: Path) -> None:
    """Searched everywhere, the portrait has a badge that dlib takes for a face."""
    pytest.importorskip("dlib")
    Image.fromarray(portrait).save(tmp_path / "a.png")
    cutter = FaceCutter(Recipe(min_crop=30, detector="dlib-thorough"))
    (badge,) = cutter(PhotoTask(tmp_path / "a.png", "a.png", None)).skipped
    assert badge.reason == Reason.UNSURE
    assert badge.face == 2
    assert badge.detail.startswith("mean heatmap confidence 0.")
    assert badge.box is not None


def test_the_stored_middle_is_the_nominal_crop() -> None:
    """To a rounding: the margin changes nothing but what the filter sees at the very edge."""
    pixels = resize(np.random.default_rng(0).integers(0, 256, (20, 20, 3), dtype=np.uint8), (500, 500))
    for side in (100, 128, 200, 301):
        square = Square(60, 70, side)
        points = np.array([[60 - 0.5, 70 - 0.5], [60 + side - 0.5, 70 + side - 0.5]])
        image, inside = cut_face(pixels, points, square, 144)
        nominal = resize(cut(pixels, square), (128, 128))
        assert image.shape == (144, 144, 3)
        assert np.abs(image[12:-12, 12:-12].astype(int) - nominal[4:-4, 4:-4]).max() <= 1
        np.testing.assert_allclose(inside, [[7.5, 7.5], [135.5, 135.5]], atol=1e-4)
    exact, _ = cut_face(pixels, points, Square(60, 70, 128), 160)
    np.testing.assert_array_equal(exact, pixels[70 - 16 : 198 + 16, 60 - 16 : 188 + 16])


@pytest.mark.parametrize(("orientation", "turn"), [(3, 180), (6, 90), (8, 270)])
def test_a_photo_turned_by_exif_gives_the_same_face(
    cutter: FaceCutter, portrait: np.ndarray, portrait_faces: PhotoFaces, tmp_path: Path, orientation: int, turn: int
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = Image.fromarray(portrait).rotate(turn, expand=True)
    turned.save(tmp_path / "a.png", exif=exif)
    (face,), (wanted,) = cutter(PhotoTask(tmp_path / "a.png", "a.png", None)).faces, portrait_faces.faces
    assert face.square == wanted.square
    np.testing.assert_array_equal(face.landmarks, wanted.landmarks)
    assert face.image == wanted.image


def test_given_landmarks_are_kept(cutter: FaceCutter, plain: Path) -> None:
    points = face_points(1.5, 100, 60)
    (face,) = cutter(task(plain, points)).faces
    square = square_of_landmarks(points)
    assert face.square == square
    back = (face.landmarks - 8 + 0.5) * (square.side / 128) + face.square[:2] - 0.5
    np.testing.assert_allclose(back, points, atol=1e-3)


def test_the_enlargement_and_the_size_are_the_recipes(plain: Path) -> None:
    cutter = FaceCutter(Recipe(enlargement=0.5, size=160, format="png", min_crop=100))
    (face,) = cutter(task(plain, face_points(1.0, 120, 90))).faces
    assert face.square[2] == 150
    wide = np.ptp(face.landmarks, axis=0)
    np.testing.assert_allclose(wide, 100 / 150 * 128, rtol=1e-4)
    assert face.image.startswith(b"\x89PNG")


def test_a_given_box_is_where_the_network_looks(cutter: FaceCutter, portrait: np.ndarray, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Image.fromarray(portrait).save(path)
    (face,) = cutter(PhotoTask(path, "a.png", Annotation(None, (160, 70, 280, 190)))).faces
    assert abs(face.square[0] - 166) <= 4
    (skipped,) = cutter(PhotoTask(path, "a.png", Annotation(None, (900, 70, 1100, 190)))).skipped
    assert skipped.reason == Reason.OUTSIDE


@pytest.mark.parametrize(
    ("points", "reason", "detail"),
    [
        (face_points(0.5, 100, 100), Reason.TOO_SMALL, "crop of 65 px, at least 100 px"),
        (face_points(1.5, -30, 60), Reason.OUTSIDE, "26.7% of the crop beyond the photo, at most 10%"),
        (face_points(1.5, 1e7, 60), Reason.OUTSIDE, "100% of the crop beyond the photo, at most 10%"),
        (face_points(30, -1000, -1000), Reason.OUTSIDE, "99.3% of the crop beyond the photo, at most 10%"),
        (np.full((68, 2), 100, np.float32), Reason.TOO_SMALL, "crop of 1 px, at least 100 px"),
    ],
)
def test_faces_are_skipped_with_the_reason(
    cutter: FaceCutter, plain: Path, points: np.ndarray, reason: Reason, detail: str
) -> None:
    (skipped,) = cutter(task(plain, points)).skipped
    assert (skipped.photo, skipped.face, skipped.reason, skipped.detail) == ("plain.png", 1, reason, detail)


def test_an_edge_may_be_allowed(plain: Path) -> None:
    cutter = FaceCutter(Recipe(max_outside=0.3))
    assert len(cutter(task(plain, face_points(1.5, -30, 60))).faces) == 1


def test_no_face_and_no_photo(cutter: FaceCutter, plain: Path, tmp_path: Path) -> None:
    assert [entry.reason for entry in cutter(PhotoTask(plain, "p", None)).skipped] == [Reason.NO_FACE]
    (gone,) = cutter(PhotoTask(tmp_path / "gone.jpg", "gone.jpg", None)).skipped
    assert (gone.reason, gone.detail) == (Reason.UNREADABLE, "expected an image file, found nothing of that name")


def test_shares_beyond_the_photo() -> None:
    assert share_outside(Square(0, 0, 10), 10, 10) == 0
    assert share_outside(Square(-5, 0, 10), 10, 10) == pytest.approx(0.5)
    assert share_outside(Square(5, 5, 10), 10, 10) == pytest.approx(0.75)
    assert share_outside(Square(-20, -20, 10), 10, 10) == 1


@pytest.mark.parametrize("kind", CROP_FORMATS)
def test_every_format_is_read_back(kind: str, tmp_path: Path) -> None:
    from dicface.data.pack_writing import PackRow, open_pack

    pixels = resize(np.random.default_rng(0).integers(0, 256, (9, 9, 3), dtype=np.uint8), (144, 144))
    with open_pack(tmp_path / "a.parquet") as pack:
        pack.add(PackRow("a", "made", None, encode_crop(pixels, kind, 90), np.zeros((68, 2), np.float32)))
    (read,) = read_pack(tmp_path / "a.parquet").images
    error = np.abs(read.astype(int) - pixels)
    assert error.mean() < 4
    assert (error.max() == 0) == (kind in ("webp-lossless", "png"))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"size": 127}, "expected an even size from 128 to 512 px, got 127"),
        ({"size": 145}, "expected an even size from 128 to 512 px, got 145"),
        ({"enlargement": float("nan")}, "expected an enlargement from 0 to 2, got nan"),
        ({"min_crop": 0}, "smallest crop from 1 px and a quality from 1 to 100, got 0 and 90"),
        ({"max_outside": 1.5}, "expected `max_outside` and `min_confidence` from 0 to 1"),
        ({"format": "gif"}, "expected a format, one of webp, webp-lossless, png, jpeg, got 'gif'"),
    ],
)
def test_senseless_recipes_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        Recipe(**settings)


def test_a_reason_never_reads_like_its_limit() -> None:
    """0.5996 is not at least 0.60, and 10.04 % is more than 10 %."""
    cutter = FaceCutter(Recipe(min_confidence=0.6))
    square = Square(10, 10, 140)
    located = cutting._Located(np.zeros((68, 2), np.float32), 0.5996)
    assert cutter._objection(square, located, 300, 300) == (
        Reason.UNSURE,
        "mean heatmap confidence 0.599, at least 0.6",
    )
    reason, detail = cutter._objection(Square(-101, 0, 1005), located, 2000, 2000)  # 10.05 %
    assert (reason, detail) == (Reason.OUTSIDE, "10.1% of the crop beyond the photo, at most 10%")
