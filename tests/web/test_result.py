"""The composed result: what the page shows and what is downloaded agree with the library."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicface.faces.geometry import Box
from dicface.images.photo import read_photo
from dicface.images.pixels import resize
from dicface.images.xmp import ENHANCED
from dicface.restoration.files import restore_file
from dicface.runtime.background import BackgroundModel
from dicface.runtime.models import DEFAULT_SHARPNESS
from dicface.web.networks import AddedNetworks
from dicface.web.request import Request
from dicface.web.restorers import restorer_of
from dicface.web.result import compose, result_suffix
from dicface.web.work import restore

SHARP_LITE = f"lite at sharpness {DEFAULT_SHARPNESS:g}"


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
def test_the_download_is_the_librarys_result_with_the_operators_networks(
    tmp_path: Path, portrait: np.ndarray, large_photo: np.ndarray, networks: AddedNetworks
) -> None:
    canvas = large_photo.copy()
    canvas[20:141, 20:141] = resize(portrait, (121, 121))
    Image.fromarray(canvas).save(tmp_path / "both.png")
    boxes = (Box(63, 41, 84, 63), Box(403, 194, 610, 396))
    request = Request(tmp_path / "both.png", tmp_path, "both.png", scale=2, boxes=boxes, networks=networks)
    numbers = {face["number"] for face in restore(request)["faces"] if face["restored"]}
    assert len(numbers) >= 2
    restorer = restorer_of("lite", networks)
    written = compose(request, dict.fromkeys(numbers, 0.4))
    expected = restore_file(
        request.source, tmp_path / "expected.png", restorer=restorer, scale=2, boxes=boxes, strength=0.4
    )
    np.testing.assert_array_equal(read_photo(written.path).pixels, expected.restoration.image)
    # The report and the mark name every network, as the command does.
    row = expected.report_row()
    assert {SHARP_LITE, "negative.onnx", "twice.onnx"} <= set(row["model"].split(" + "))
    for said in ("model", "model_sha256", "digital_source_type"):
        assert written.row[said] == row[said]
    assert [face["model"] for face in written.row["faces"]] == [face["model"] for face in row["faces"]]
    assert row["model"] in read_photo(written.path).metadata.xmp.decode()
    # A face that is taken out is the background's, and its network is not named.
    written = compose(request, {})
    np.testing.assert_array_equal(read_photo(written.path).pixels, restorer.blend(canvas, (), scale=2))
    assert written.row["model"] == "lite + twice.onnx"


@pytest.mark.slow
def test_layers_over_the_sharper_background_show_what_is_downloaded(
    request_at_2: Request, networks: AddedNetworks
) -> None:
    request = request_at_2._replace(networks=networks)
    (face,) = restore(request)["faces"]
    layer = read_photo(request.folder / "face-1.png")
    assert layer.alpha is not None
    left, top, side = (2 * edge for edge in face["square"])
    shown = read_photo(request.folder / "plain.jpg").pixels.astype(float)
    colours, opacity = resize(layer.pixels, (side, side)), resize(layer.alpha, (side, side))
    part = shown[top : top + side, left : left + side]
    part += (colours - part) * (opacity[:, :, None] / 255 * 0.5)
    downloaded = read_photo(compose(request, {1: 0.5}).path).pixels
    # The picture is a JPEG, the download is not.
    assert np.abs(shown - downloaded).mean() < 2
    plain = resize(read_photo(request.source).pixels, (242, 242))
    assert np.abs(plain.astype(float) - downloaded).mean() > 4


def test_a_download_does_not_enlarge_the_photo_again(
    request_at_2: Request, networks: AddedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = request_at_2._replace(networks=networks)
    restore(request)
    first = read_photo(compose(request, {1: 1.0}).path).pixels
    calls: list[int] = []
    enlarge = BackgroundModel.__call__

    def counted(self: BackgroundModel, pixels: np.ndarray) -> np.ndarray:
        calls.append(1)
        return enlarge(self, pixels)

    monkeypatch.setattr(BackgroundModel, "__call__", counted)
    np.testing.assert_array_equal(read_photo(compose(request, {1: 1.0}).path).pixels, first)
    assert calls == []
    # What was enlarged for another turn is not taken.
    assert read_photo(compose(request._replace(turn=2), {}).path).pixels.shape == first.shape
    assert calls == [1]
