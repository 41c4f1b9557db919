"""The switches for the operator's networks, in a real browser."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dicface.web.networks import AddedNetworks
from tests.support.browser import CHROMIUM, Visit
from tests.support.server import Server, running

pytest.importorskip("playwright.sync_api", reason="its tests need playwright")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("memory"),
    pytest.mark.skipif(CHROMIUM is None, reason="CHROMIUM IS MISSING: run `make browser` as root"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, networks: AddedNetworks) -> Iterator[Server]:
    given = ("--large-faces", str(networks.large_faces), "--background", str(networks.background), "--fidelity", "1")
    with running(*given, temporary=tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture
def close(tmp_path: Path, large_photo: np.ndarray, small_photo: np.ndarray) -> Path:
    """A photo of a small face and one that is larger than our models take."""
    canvas = np.full((1152, 1312, 3), 125, np.uint8)
    canvas[:, :1152] = large_photo
    canvas[40:161, 1172:1293] = small_photo
    Image.fromarray(canvas).save(tmp_path / "close.jpg", quality=95)
    return tmp_path / "close.jpg"


def words(visit: Visit, size_from: int, size_to: int) -> str:
    """What is said of the one face of a size in pixels."""
    labels = [box.get_attribute("aria-label") for box in visit.page.locator(".box").all()]
    (found,) = [label for label in labels if size_from <= int(label.split(" px")[0].split(", ")[1]) < size_to]
    return found


@pytest.mark.parametrize("visit", ["desktop-dark"], indirect=True)
def test_larger_faces_are_restored_unless_they_are_switched_off(visit: Visit, close: Path, tmp_path: Path) -> None:
    page = visit.page
    visit.choose(close)
    assert page.is_checked("#large-faces"), "a visitor wants every face"
    assert "will be restored" in words(visit, 180, 400)
    assert page.inner_text("#restore") == "Restore 2 faces"

    # Off and on again: the boxes say what would happen.
    page.click("#larger")
    visit.ready()
    assert "it is large enough already, and would not gain" in words(visit, 180, 400)
    assert page.inner_text("#restore") == "Restore 1 face"
    page.focus("#large-faces")
    page.keyboard.press("Space")
    visit.ready()
    assert "will be restored" in words(visit, 180, 400)
    assert page.evaluate("document.activeElement.id") == "large-faces"

    page.click("#scales label:has-text('1x')")
    visit.restore()
    assert page.inner_text("#result-title") == "2 faces restored"
    assert page.locator("#faces > li").count() == 2
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    shown = visit.canvas("#after").astype(int)
    with Image.open(visit.download("#download", tmp_path)) as image:
        downloaded = np.asarray(image.convert("RGB"), dtype=int)
    assert np.abs(downloaded - shown).mean() < 2
    report = json.loads(visit.download("#report", tmp_path).read_text())
    assert "negative.onnx" in report["model"].split(" + ")

    # Switched off now, the result is out of date until Restore is pressed again.
    page.click("#larger")
    visit.ready()
    assert page.is_hidden("#result")
    visit.restore()
    assert page.inner_text("#result-title") == "1 face restored"


@pytest.mark.parametrize("visit", ["phone-light"], indirect=True)
def test_the_sharper_background_is_what_is_seen_and_saved(visit: Visit, photo: Path, tmp_path: Path) -> None:
    page = visit.page
    visit.choose(photo)
    page.click("#scales label:has-text('1x')")
    assert page.is_disabled("#background")
    assert page.inner_text("#background-words") == "From 2x on: at 1x the photo keeps its size."
    page.click("#scales label:has-text('2x')")
    assert page.is_enabled("#background")
    assert not page.is_checked("#background"), "it takes long"
    assert page.inner_text("#background-words").endswith("Takes a few seconds for this photo.")
    page.click("#sharper")
    assert page.is_checked("#background")
    visit.restore()
    assert "121x121 became 242x242 pixels" in page.inner_text("#result-words")
    assert page.inner_text("#result-words").count("with a sharper background") == 1

    # Before is the photo as it was, after is what is saved: the background, and the face at its strength.
    corner = np.s_[-60:, :60]
    before = visit.canvas("#before").astype(int)
    for strength in ("100 %", "50 %", "0 %"):
        page.focus("#strength")
        while page.inner_text("#strength-words") != strength:
            page.keyboard.press("PageDown")
        after = visit.canvas("#after").astype(int)
        assert np.abs(after - before)[corner].mean() > 4
        with Image.open(visit.download("#download", tmp_path)) as image:
            saved = np.asarray(image.convert("RGB"), dtype=int)
        # The picture that is shown is a JPEG, and the browser resamples otherwise than Pillow.
        assert np.abs(saved - after).mean() < 2.5
        report = json.loads(visit.download("#report", tmp_path).read_text())
        assert report["model"].split(" + ")[-1] == "twice.onnx"

    # At 1x the switch has no effect, and is not sent.
    page.click("#scales label:has-text('1x')")
    visit.restore()
    assert "sharper background" not in page.inner_text("#result-words")


@pytest.mark.parametrize("visit", ["desktop-dark"], indirect=True)
def test_a_photo_without_a_face_gains_by_the_background_alone(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    Image.linear_gradient("L").convert("RGB").save(tmp_path / "wall.png")
    visit.choose(tmp_path / "wall.png")
    page.click("#scales label:has-text('2x')")
    page.click("#sharper")
    visit.restore()
    assert page.inner_text("#result-title") == "No face was restored"
    assert "256x256 became 512x512 pixels" in page.inner_text("#result-words")
    assert page.is_hidden("#strength")
    assert page.is_hidden("#faces-title")
    with Image.open(visit.download("#download", tmp_path)) as image:
        assert image.size == (512, 512)


@pytest.mark.parametrize("visit", ["phone-light"], indirect=True)
def test_a_wait_beyond_the_limit_is_said(visit: Visit, photo: Path) -> None:
    page = visit.page
    slow = {"s_per_megapixel": 1e5, "limit_s": 120}
    page.route("**/settings", lambda route: route.fulfill(json={**route.fetch().json(), "background": slow}))
    page.reload()
    visit.choose(photo)
    said = page.inner_text("#background-words")
    assert (
        said == "Would take about 24 minutes for this photo, and is stopped after about 2 minutes. Use a smaller photo."
    )
