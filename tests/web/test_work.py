"""The work on one photo: what is said of it, and what the page shows."""

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
from dicface.runtime.background import BackgroundModel
from dicface.web import request as limits
from dicface.web.networks import NO_NETWORKS, AddedNetworks
from dicface.web.request import Request
from dicface.web.result import compose
from dicface.web.work import find, look, restore

LARGE = Box(403, 194, 610, 396)


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
    monkeypatch.setattr(limits, "MAX_UPLOAD_MEGAPIXELS", 0.007)
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


@pytest.mark.slow
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


@pytest.mark.slow
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


@pytest.mark.slow
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


def test_a_result_too_large_for_a_page_is_refused(tmp_path: Path) -> None:
    Image.new("L", (2000, 1000)).save(tmp_path / "a.png")
    with pytest.raises(OutputError, match="expected a result of at most 64 megapixels, got 128"):
        restore(Request(tmp_path / "a.png", tmp_path, "a.png", scale=8))


@pytest.fixture
def large_request(tmp_path: Path, large_photo: np.ndarray, networks: AddedNetworks) -> Request:
    """A request about a photo whose face is larger than our models take, with both networks switched on."""
    Image.fromarray(large_photo).save(tmp_path / "close.png")
    folder = tmp_path / "entry"
    folder.mkdir()
    return Request(tmp_path / "close.png", folder, "close.png", scale=1, boxes=(LARGE,), networks=networks)


@pytest.mark.slow
def test_a_larger_face_is_found_with_what_would_happen_with_the_switch_on_and_off(large_request: Request) -> None:
    off = large_request._replace(networks=NO_NETWORKS)
    said = [
        [(face["outcome"], face["words"]) for face in find(each)["faces"] if face["drawn"]]
        for each in (large_request, off, large_request)
    ]
    restored = [("restored", "will be restored")]
    assert said == [
        restored,
        [("too_large", "left as it is: it is large enough already, and would not gain")],
        restored,
    ]


@pytest.mark.slow
def test_a_larger_face_is_restored_by_the_operators_network(large_request: Request) -> None:
    (face,) = [face for face in restore(large_request)["faces"] if face["drawn"]]
    assert face["outcome"] == "restored"
    picture = read_photo(large_request.folder / f"face-{face['number']}.png")
    assert "negative.onnx" in picture.metadata.xmp.decode()
    steps = read_photo(large_request.folder / f"face-{face['number']}-steps.png")
    assert steps.pixels.shape[1] > 2 * steps.pixels.shape[0]


@pytest.mark.slow
def test_the_shown_photo_is_the_backgrounds_networks(request_at_2: Request, networks: AddedNetworks) -> None:
    assert networks.background is not None
    request = request_at_2._replace(networks=networks._replace(large_faces=None))
    done = restore(request)
    assert (done["background"], done["width"]) == (True, 242)
    source = read_photo(request.source).pixels
    enlarged = BackgroundModel(networks.background)(source)
    plain, before = (read_photo(request.folder / name) for name in ("plain.jpg", "before.jpg"))
    # JPEG keeps the one and the other, which differ.
    assert np.abs(plain.pixels.astype(int) - enlarged).mean() < 2
    assert np.abs(before.pixels.astype(int) - resize(source, (242, 242))).mean() < 2
    assert np.abs(enlarged.astype(int) - resize(source, (242, 242))).mean() > 4
    assert "lite + twice.onnx" in plain.metadata.xmp.decode()
    assert "twice.onnx" not in before.metadata.xmp.decode()
    assert ENHANCED in plain.metadata.xmp.decode()


@pytest.mark.slow
def test_the_background_costs_nothing_where_it_is_off_or_the_photo_keeps_its_size(
    request_at_2: Request, networks: AddedNetworks, monkeypatch: pytest.MonkeyPatch
) -> None:
    restore(request_at_2._replace(networks=networks))
    assert [path.name for path in request_at_2.folder.glob("*.npy")] == ["enlarged-0-2.npy"]
    monkeypatch.setattr(BackgroundModel, "__call__", None)
    assert not restore(request_at_2)["background"]
    assert not list(request_at_2.folder.glob("*.npy")), "what is not used any more is deleted"
    assert not restore(request_at_2._replace(networks=networks, scale=1))["background"]
