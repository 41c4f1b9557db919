"""The composed result: what the page shows and what is downloaded agree with the library."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicface.images.photo import read_photo
from dicface.images.pixels import resize
from dicface.images.xmp import ENHANCED
from dicface.restoration.files import restore_file
from dicface.web.request import Request
from dicface.web.restorers import restorer_of
from dicface.web.result import compose, result_suffix
from dicface.web.work import restore


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


def test_a_face_that_is_taken_out_is_the_plain_enlargement(request_at_2: Request) -> None:
    restore(request_at_2)
    written = compose(request_at_2, {})
    photo = read_photo(written.path)
    np.testing.assert_array_equal(photo.pixels, resize(read_photo(request_at_2.source).pixels, (242, 242)))
    assert ENHANCED in photo.metadata.xmp.decode()
    assert written.row["faces"][0]["outcome"] == "not_chosen"


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
