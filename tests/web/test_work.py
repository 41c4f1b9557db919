"""The work on one photo: what the page shows and what is downloaded agree with the library."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicface.errors import ImageError, OutputError, TooLargeError
from dicface.faces.detection import FaceDetector
from dicface.faces.geometry import Box
from dicface.images.photo import read_photo
from dicface.images.pixels import resize
from dicface.images.xmp import COMPOSITE, ENHANCED
from dicface.restoration.files import restore_file
from dicface.web import work
from dicface.web.work import Request, compose, find, look, restore, restorer_of, result_suffix


@pytest.fixture
def request_at_2(photo: Path, tmp_path: Path) -> Request:
    folder = tmp_path / "entry"
    folder.mkdir()
    return Request(photo, folder, "Aunt Eileen.png", scale=2)


def test_a_photo_is_looked_at(photo: Path, tmp_path: Path) -> None:
    seen = look(photo, tmp_path)
    assert (seen["width"], seen["height"], seen["scale"]) == (121, 121, 4)
    assert [each["scale"] for each in seen["scales"] if each["possible"]] == [1, 2, 4, 8]
    assert read_photo(tmp_path / "preview.jpg").pixels.shape == (121, 121, 3)


def test_how_far_a_large_photo_can_be_enlarged(tmp_path: Path) -> None:
    Image.new("L", (4000, 3000)).save(tmp_path / "a.png")
    seen = look(tmp_path / "a.png", tmp_path)
    assert seen["scale"] == 1
    assert [each["scale"] for each in seen["scales"] if each["possible"]] == [1, 2]
    assert max(read_photo(tmp_path / "preview.jpg").pixels.shape) == 1600


def test_what_cannot_be_used_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (90, 80)).save(tmp_path / "large.png")
    (tmp_path / "a.jpg").write_text("no picture")
    Image.new("L", (1, 1)).save(tmp_path / "dot.png")
    with pytest.raises(ImageError):
        look(tmp_path / "a.jpg", tmp_path)
    with pytest.raises(ImageError):
        look(tmp_path / "dot.png", tmp_path)
    monkeypatch.setattr(work, "MAX_UPLOAD_MEGAPIXELS", 0.007)
    with pytest.raises(TooLargeError):
        look(tmp_path / "large.png", tmp_path)


def test_faces_are_found_with_what_would_happen_and_searched_once(
    request_at_2: Request, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = find(request_at_2)
    (face,) = found["faces"]
    assert (face["number"], face["outcome"], face["words"]) == (1, "restored", "will be restored")
    assert not list(request_at_2.folder.iterdir())
    monkeypatch.setattr(FaceDetector, "search", None)
    again = find(request_at_2._replace(boxes=(Box(2, 70, 30, 98),)))["faces"]
    assert [face["drawn"] for face in again] == [False, True]


def test_the_download_is_the_librarys_result(request_at_2: Request, tmp_path: Path) -> None:
    done = restore(request_at_2)
    assert (done["width"], done["height"], done["download"]) == (242, 242, "Aunt Eileen-restored.png")
    for strength in (1.0, 0.4):
        written = compose(request_at_2, {1: strength})
        restorer = restorer_of("lite")
        expected = restore_file(
            request_at_2.source, tmp_path / f"{strength}.png", restorer=restorer, scale=2, strength=strength
        )
        np.testing.assert_array_equal(read_photo(written.path).pixels, expected.restoration.image)
        assert written.row["faces"][0]["strength"] == strength
        assert written.name == written.row["output"] == "Aunt Eileen-restored.png"
        assert written.row["input"] == "Aunt Eileen.png"
        assert str(tmp_path) not in json.dumps(written.row)


def test_layers_over_the_plain_photo_show_what_is_downloaded(request_at_2: Request) -> None:
    """What the browser computes, in NumPy: plain and layer blended by opacity and strength."""
    (face,) = restore(request_at_2)["faces"]
    layer = read_photo(request_at_2.folder / "face-1.png")
    assert layer.alpha is not None
    left, top, side = (2 * edge for edge in face["square"])
    for strength in (1.0, 0.3):
        shown = resize(read_photo(request_at_2.source).pixels, (242, 242)).astype(float)
        colours, opacity = resize(layer.pixels, (side, side)), resize(layer.alpha, (side, side))
        part = shown[top : top + side, left : left + side]
        part += (colours - part) * (opacity[:, :, None] / 255 * strength)
        downloaded = read_photo(compose(request_at_2, {1: strength}).path).pixels
        # Opacity is resampled here and computed there.
        assert np.abs(shown - downloaded).max() <= 8
        assert np.abs(shown - downloaded).mean() < 0.1


def test_pictures_of_the_page_say_what_they_are(request_at_2: Request) -> None:
    restore(request_at_2)
    compose(request_at_2, {1: 1.0})
    marks = {path.name: read_photo(path).metadata.xmp.decode() for path in request_at_2.folder.glob("*.*g")}
    assert set(marks) == {"plain.jpg", "face-1.png", "face-1-before.png", "face-1-steps.png", "restored.png"}
    made = {name for name, mark in marks.items() if COMPOSITE in mark}
    assert made == {"face-1.png", "face-1-steps.png", "restored.png"}
    assert all(ENHANCED in mark for name, mark in marks.items() if name not in made)
    with Image.open(request_at_2.folder / "face-1-steps.png") as steps:
        assert steps.size == (4 * 128 + 3 * 2, 128)


def test_a_face_that_is_taken_out_is_the_plain_enlargement(request_at_2: Request) -> None:
    restore(request_at_2)
    written = compose(request_at_2, {})
    photo = read_photo(written.path)
    np.testing.assert_array_equal(photo.pixels, resize(read_photo(request_at_2.source).pixels, (242, 242)))
    assert ENHANCED in photo.metadata.xmp.decode()
    assert written.row["faces"][0]["outcome"] == "not_chosen"


def test_a_photo_is_turned_as_its_owner_says(request_at_2: Request, small_photo: np.ndarray, tmp_path: Path) -> None:
    Image.fromarray(np.rot90(small_photo, 1)).save(tmp_path / "lying.png")
    lying = request_at_2._replace(source=tmp_path / "lying.png")
    assert find(lying)["turned"] == 270
    assert find(lying._replace(turn=1))["turned"] == 0
    upright = restore(request_at_2)
    turned = restore(lying._replace(turn=1))
    assert turned["faces"] == upright["faces"]
    written = compose(lying._replace(turn=1), {1: 1.0})
    assert written.row["turned_by_hand_degrees"] == 90


def test_a_face_that_would_be_left_is_restored_all_the_same(tmp_path: Path, large_photo: np.ndarray) -> None:
    Image.fromarray(large_photo).save(tmp_path / "large.jpg", quality=95)
    request = Request(tmp_path / "large.jpg", tmp_path, "large.jpg", boxes=(Box(403, 194, 610, 396),))
    (large,) = [face for face in find(request)["faces"] if face["drawn"]]
    assert large["words"] == "left as it is: it is large enough already, and would not gain"
    numbers = [face["number"] for face in restore(request)["faces"] if not face["restored"]]
    assert large["number"] in numbers
    done = restore(request._replace(forced=(large["number"],)))
    (forced,) = [face for face in done["faces"] if face["drawn"]]
    assert (forced["restored"], forced["number"]) == (True, large["number"])
    assert "larger than what can be improved" in forced["warnings"]


def test_transparency_and_greys_stay(request_at_2: Request, small_photo: np.ndarray, tmp_path: Path) -> None:
    image = Image.fromarray(small_photo)
    image.putalpha(200)
    image.save(tmp_path / "clear.png")
    request = request_at_2._replace(source=tmp_path / "clear.png", turn=2)
    restore(request)
    with Image.open(compose(request, {1: 1.0}).path) as written:
        assert (written.mode, written.size) == ("RGBA", (242, 242))


@pytest.mark.parametrize(
    ("suffix", "width", "alpha", "written"),
    [
        (".JPG", 100, False, ".jpg"),
        (".jpg", 70_000, False, ".png"),
        (".jpg", 100, True, ".png"),
        (".heic", 100, False, ".jpg"),
        (".gif", 100, False, ".png"),
        ("", 100, False, ".png"),
    ],
)
def test_a_result_has_the_format_of_the_photo_where_that_can_hold_it(
    suffix: str, width: int, alpha: bool, written: str
) -> None:
    assert result_suffix(suffix, width, 100, alpha=alpha) == written


def test_a_result_too_large_for_a_page_is_refused(tmp_path: Path) -> None:
    Image.new("L", (2000, 1000)).save(tmp_path / "a.png")
    with pytest.raises(OutputError, match="expected a result of at most 64 megapixels, got 128"):
        restore(Request(tmp_path / "a.png", tmp_path, "a.png", scale=8))
