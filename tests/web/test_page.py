"""The web page in a real browser, on a phone and a desktop, in light and dark."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dicface.images.pixels import resize
from tests.support.browser import CHROMIUM, VIEWS, Visit, group_photo
from tests.support.server import Server, running

pytest.importorskip("playwright.sync_api", reason="its tests need playwright")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("memory"),
    pytest.mark.skipif(CHROMIUM is None, reason="CHROMIUM IS MISSING: run `make browser` as root"),
]
TECHNICAL = ("--", "`", "Error", "expected", "max_", "None", "undefined", "NaN")
"""What no visitor should read: names of options and parameters, texts of exceptions."""
ACTIVE = """(({ id, name, classList, tagName }) => id || name || classList[0] || tagName)(document.activeElement)"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running("--upload-mb", "4", temporary=tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(params=VIEWS)
def view(request: pytest.FixtureRequest) -> dict[str, Any]:
    """The four views."""
    return VIEWS[request.param]


@pytest.fixture
def group(tmp_path: Path, portrait: np.ndarray) -> Path:
    """A photo of three people."""
    return group_photo(tmp_path / "Summer 1987.jpg", portrait)


def drop(visit: Visit, *paths: Path) -> None:
    """Drop files onto the page."""
    dropped = visit.page.evaluate_handle(
        """async (files) => {
            const dropped = new DataTransfer();
            for (const [bytes, name] of files)
                dropped.items.add(new File([new Uint8Array(bytes)], name, { type: "image/jpeg" }));
            return dropped;
        }""",
        [[list(path.read_bytes()), path.name] for path in paths],
    )
    visit.page.dispatch_event("#drop", "drop", {"dataTransfer": dropped})


def box(visit: Visit, number: int) -> Any:
    """The box of a face."""
    return visit.page.locator(f".box:has(i:text-is('{number}'))")


def restorable(visit: Visit) -> list[int]:
    """Numbers of the faces that will be restored."""
    return [int(text) for text in visit.page.locator(".box.in i").all_inner_texts()]


@pytest.mark.parametrize("visit", ["desktop-dark"], indirect=True)
def test_the_detail_that_is_chosen_is_what_is_saved(visit: Visit, photo: Path, tmp_path: Path) -> None:
    page = visit.page
    visit.choose(photo)
    assert page.is_checked("#detail input[value='0.5']"), "as in the command"
    for value, model, said in (("1", "lite at sharpness 1", "with much detail that is invented"), ("0", "lite", "")):
        page.click(f"#detail label:has(input[value='{value}'])")
        visit.restore()
        assert json.loads(visit.download("#report", tmp_path).read_text())["model"] == model
        assert ("invented" in page.inner_text("#result-words")) == bool(said)
        assert said in page.inner_text("#result-words")


def test_a_dropped_photo_shows_its_faces_at_once(
    browser: Any, server: Server, view: dict[str, Any], group: Path
) -> None:
    visit = Visit(browser, server.url, **view)
    page = visit.page
    dark = view["color_scheme"] == "dark"
    assert (visit.brightness() < 128) == dark
    drop(visit, group)
    visit.ready()

    # Numbered boxes, coloured by outcome, with reasons on hover or tap.
    numbers = [int(text) for text in page.locator(".box i").all_inner_texts()]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    good = restorable(visit)
    assert len(good) >= 2
    colour = "box => getComputedStyle(box).borderTopColor"
    assert box(visit, good[0]).evaluate(colour) == "rgb(25, 165, 95)"
    for left in page.locator(".box.left").all():
        assert left.evaluate(colour) == "rgb(224, 138, 0)"
    if view.get("has_touch"):
        box(visit, good[0]).tap()
        assert "taken out. Press to put it in again" in page.inner_text("#tip")
        box(visit, good[0]).tap()
    else:
        box(visit, good[0]).hover()
    assert page.inner_text("#tip").endswith("will be restored. Press to take it out.")

    assert visit.faults == []
    page.context.close()


def test_from_button_to_download(
    browser: Any, server: Server, view: dict[str, Any], group: Path, tmp_path: Path
) -> None:
    visit = Visit(browser, server.url, **view)
    page = visit.page
    visit.choose(group)
    good = restorable(visit)
    assert page.is_hidden("#switches"), "the operator has given no network"

    # Sizes in words that a visitor knows; the largest within 24 megapixels is chosen.
    labels = page.locator("#scales label").all_inner_texts()
    assert [label.replace("\n", " ") for label in labels][:3] == ["1x 760x520", "2x 1520x1040", "4x 3040x2080"]
    assert page.locator("#scales :checked").get_attribute("value") == "4"

    # Progress is in the button, which is off meanwhile.
    assert page.inner_text("#restore") == f"Restore {len(good)} faces"
    page.click("#restore")
    page.wait_for_function("() => document.querySelector('#restore').innerText.startsWith('Restoring')")
    assert page.is_disabled("#restore")
    assert page.get_attribute("#restore", "aria-busy") == "true"
    page.wait_for_function("() => Number(document.querySelector('#restore').style.getPropertyValue('--done')) > 0")
    page.wait_for_selector("#result:not([hidden])")
    page.wait_for_function("() => document.querySelector('#restore').getAttribute('aria-busy') === 'false'")
    assert page.is_enabled("#restore")

    # The result is in view and has the focus; nothing is wider than the screen.
    top = page.locator("#result").bounding_box()["y"]
    assert 0 <= top < 120
    assert page.evaluate("document.activeElement.id") == "result-title"
    assert page.inner_text("#result-title") == f"{len(good)} faces restored"
    assert "760x520 became 3040x2080 pixels" in page.inner_text("#result-words")
    width = view["viewport"]["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    for pair in page.locator("#faces .pair").all():
        frame = pair.bounding_box()
        assert frame["x"] >= 0
        assert frame["x"] + frame["width"] <= width
    page.click(f"#card-{good[0]} summary")
    strip = page.wait_for_selector(f"#card-{good[0]} .steps")
    assert strip.bounding_box()["width"] <= width
    assert "after each step" in strip.get_attribute("alt")

    # The download has the photo's name, the whole size, and says what it is.
    assert page.inner_text("#download") == "Download Summer 1987-restored.jpg"
    path = visit.download("#download", tmp_path)
    assert path.name == "Summer 1987-restored.jpg"
    with Image.open(path) as image:
        assert image.size == (3040, 2080)
        assert b"compositeWithTrainedAlgorithmicMedia" in image.info["xmp"]
    report = json.loads(visit.download("#report", tmp_path).read_text())
    assert sum(face["outcome"] == "restored" for face in report["faces"]) == len(good)
    foreign = [url for url in visit.addresses if not url.startswith((server.url, "data:", "blob:"))]
    assert foreign == []
    assert visit.faults == []
    # No names of options, parameters or exceptions.
    said = page.inner_text("body")
    assert not any(word in said for word in TECHNICAL)
    page.context.close()


def test_a_click_takes_a_face_out_and_in_and_strength_acts_without_a_request(
    visit: Visit, group: Path, tmp_path: Path
) -> None:
    page = visit.page
    visit.choose(group)
    first, second, *_ = restorable(visit)
    visit.press(box(visit, first))
    assert box(visit, first).get_attribute("aria-pressed") == "false"
    page.click("#scales label:has-text('1x')")
    visit.restore()
    plain = visit.canvas("#before")
    requests = len(visit.addresses)

    def changed() -> np.ndarray:
        return np.abs(visit.canvas("#after").astype(int) - plain).sum(axis=2) > 0

    without = changed().sum()
    assert without > 0
    visit.press(box(visit, first))
    with_both = changed().sum()
    assert with_both > without
    assert page.is_checked(f"#card-{first} [type=checkbox]")
    page.focus("#strength")
    page.keyboard.press("Home")
    assert page.inner_text("#strength-words") == "0 %"
    assert not changed().any()
    assert page.is_hidden("#download")
    assert "there is nothing to download" in page.inner_text("#nothing")
    for _ in range(5):
        page.keyboard.press("PageUp")
    assert page.inner_text("#strength-words") == "50 %"
    # Also for one face.
    page.focus(f"#strength-{second}")
    page.keyboard.press("End")
    assert page.inner_text(f"#card-{second} output") == "100 %"
    assert len(visit.addresses) == requests, "strength and choice need no request"

    # What is downloaded is what is shown.
    shown = visit.canvas("#after")
    path = visit.download("#download", tmp_path)
    with Image.open(path) as image:
        downloaded = np.asarray(image.convert("RGB"), dtype=int)
    assert downloaded.shape == shown.shape
    # Both are stored as JPEG once, and the browser resamples otherwise than Pillow.
    assert np.abs(downloaded - shown).mean() < 2
    report = json.loads(visit.download("#report", tmp_path).read_text())
    # Where the model expects errors, strength is lowered by itself.
    asked = {face["number"]: face["strength"] / face["strength_share"] for face in report["faces"] if face["strength"]}
    assert (asked[first], asked[second]) == pytest.approx((0.5, 1), abs=2e-3)


def test_the_strength_that_is_used_is_the_reports(
    browser: Any, server: Server, tmp_path: Path, small_photo: np.ndarray
) -> None:
    """Of a face that is so blurred that the model is not sure of it."""
    photo = np.full((300, 400, 3), 130, dtype=np.uint8)
    photo[80:201, 120:241] = resize(resize(small_photo, (24, 24)), (121, 121))
    Image.fromarray(photo).save(tmp_path / "blurred.png")
    visit = Visit(browser, server.url, **VIEWS["desktop-light"])
    page = visit.page
    visit.choose(tmp_path / "blurred.png")
    frame = page.locator("#photo").bounding_box()
    page.mouse.move(frame["x"] + 163 / 400 * frame["width"], frame["y"] + 101 / 300 * frame["height"])
    page.mouse.down()
    page.mouse.move(frame["x"] + 184 / 400 * frame["width"], frame["y"] + 123 / 300 * frame["height"], steps=3)
    page.mouse.up()
    page.locator(".box.drawn").wait_for()
    visit.ready()
    number = int(page.locator(".box.drawn i").inner_text())
    assert "Used" not in (box(visit, number).get_attribute("aria-label") or ""), "it is known after the restoration"
    visit.restore()

    def used_percent() -> int:
        said = page.inner_text(f"#card-{number} .used")
        found = re.fullmatch(r"Used: (\d+) %, since the model is not sure of this face\.", said)
        assert found, said
        return int(found[1])

    for chosen, key in ((1.0, "End"), (0.5, "Home")):
        page.focus("#strength")
        page.keyboard.press(key)
        for _ in range(5 if key == "Home" else 0):
            page.keyboard.press("PageUp")
        faces = json.loads(visit.download("#report", tmp_path).read_text())["faces"]
        (face,) = [face for face in faces if face["number"] == number]
        assert face["strength"] < chosen
        assert used_percent() == pytest.approx(100 * face["strength"], abs=0.6)
        box(visit, number).focus()
        assert f"Used: {used_percent()} %" in page.inner_text("#tip")
        assert f"Used: {used_percent()} %" in (box(visit, number).get_attribute("aria-label") or "")
    page.focus("#strength")
    page.keyboard.press("Home")
    # It is drawn with the next frame.
    page.locator(f"#card-{number} .used").wait_for(state="hidden")
    page.context.close()
    assert visit.faults == []


def test_before_and_after_by_keyboard_touch_and_mouse(visit: Visit) -> None:
    page = visit.page

    def cut() -> int:
        return round(
            float(page.evaluate("getComputedStyle(document.querySelector('#compare')).getPropertyValue('--at')")[:-1])
        )

    page.click("#example")
    visit.ready()
    visit.restore()
    assert cut() == 44, "the line goes through the face"
    assert page.get_attribute("#cut", "aria-label").startswith("Before and after")
    page.focus("#cut")
    page.keyboard.press("Home")
    assert cut() == 0
    page.keyboard.press("ArrowRight")
    assert cut() == 1
    frame = page.locator("#compare").bounding_box()
    if visit.touch:
        page.touchscreen.tap(frame["x"] + 0.75 * frame["width"], frame["y"] + 40)
    else:
        page.mouse.move(frame["x"] + 0.01 * frame["width"], frame["y"] + 60)
        page.mouse.down()
        page.mouse.move(frame["x"] + 0.75 * frame["width"], frame["y"] + 60, steps=4)
        page.mouse.up()
    assert abs(cut() - 75) <= 3


def test_drawing_adds_a_face_by_mouse_touch_and_keyboard(visit: Visit, tmp_path: Path, portrait: np.ndarray) -> None:
    page = visit.page
    grey = np.full((300, 400, 3), 130, dtype=np.uint8)
    grey[80:201, 120:241] = np.asarray(
        Image.fromarray(portrait).resize((121, 121)).transpose(Image.Transpose.FLIP_TOP_BOTTOM)
    )
    Image.fromarray(grey).save(tmp_path / "hidden.png")
    visit.choose(tmp_path / "hidden.png")
    frame = page.locator("#photo").bounding_box()

    def point(x: float, y: float) -> tuple[float, float]:
        return frame["x"] + x / 400 * frame["width"], frame["y"] + y / 300 * frame["height"]

    if visit.touch:
        page.tap("#draw")
        assert "Draw a box about the face" in page.inner_text("#found")
        # A finger: the events that it gives.
        for kind, (x, y) in (
            ("pointerdown", point(163, 101)),
            ("pointermove", point(184, 123)),
            ("pointerup", point(184, 123)),
        ):
            event = {"clientX": x, "clientY": y, "pointerType": "touch", "pointerId": 1, "isPrimary": True}
            page.evaluate("HTMLElement.prototype.setPointerCapture = () => {}")
            page.dispatch_event("#photo", kind, {**event, "bubbles": True})
    else:
        page.mouse.move(*point(163, 101))
        page.mouse.down()
        page.mouse.move(*point(184, 123), steps=3)
        page.mouse.up()
    drawn = page.locator(".box.drawn")
    drawn.wait_for()
    visit.ready()
    assert drawn.count() == 1
    assert "added" in page.inner_text("#found")
    assert page.evaluate("document.activeElement.id") == "draw"

    # By keyboard.
    page.keyboard.press("Enter")
    for key in ("ArrowLeft", "ArrowUp", "+", "-", "Shift+ArrowDown", "Enter"):
        page.keyboard.press(key)
    drawn.nth(1).wait_for()
    visit.ready()
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Escape")
    assert page.locator(".box.new").count() == 0
    page.locator(".box.drawn").last.focus()
    page.keyboard.press("Delete")
    visit.ready()
    assert drawn.count() == 1
    visit.restore()
    number = page.locator(".box.drawn i").inner_text()
    assert "added by you" in page.inner_text(f"#card-{number}")


def test_several_photos_have_a_list_and_one_zip(
    visit: Visit, group: Path, tmp_path: Path, small_photo: np.ndarray
) -> None:
    page = visit.page
    Image.fromarray(small_photo).save(tmp_path / "Eileen.png")
    (tmp_path / "letter.jpg").write_bytes(b"no picture")
    drop(visit, tmp_path / "Eileen.png", tmp_path / "letter.jpg")
    page.set_input_files("#files", [str(group)])
    assert page.locator("#list li").count() == 3
    page.wait_for_function("() => document.querySelector('#restore').innerText === 'Restore 2 photos'")
    page.wait_for_function(
        "() => [...document.querySelectorAll('#list span')].every((span) => !/wait|look/.test(span.innerText))"
    )
    page.locator("#list button").first.click()
    assert page.inner_text("#name") == "Eileen.png"
    visit.restore()
    assert page.inner_text("#message").startswith("letter.jpg: This file is no photo that can be read")
    assert page.inner_text("#restore") == "Show the result"
    words = page.locator("#list span").all_inner_texts()
    assert words[0] == "1 restored"
    assert words[1] == "cannot be read"
    assert page.inner_text("#download-all") == "Download all 2 as one zip"
    path = visit.download("#download-all", tmp_path)
    with zipfile.ZipFile(path) as file:
        assert file.namelist() == ["Eileen-restored.png", "Summer 1987-restored.jpg", "report.json"]
    page.locator("#list button").nth(2).click()
    assert page.inner_text("#name") == "Summer 1987.jpg"
    assert page.inner_text("#result-title").endswith("faces restored")
    page.click("#remove")
    assert page.locator("#list li").count() == 2


def test_nothing_to_download_where_nothing_was_done(visit: Visit, tmp_path: Path) -> None:
    page = visit.page
    Image.new("RGB", (300, 200), "grey").save(tmp_path / "wall.png")
    visit.choose(tmp_path / "wall.png")
    assert page.inner_text("#found").startswith("No face found. Press Add a face")
    visit.restore()
    assert page.inner_text("#result-title") == "No face was restored"
    assert "There is nothing to download." in page.inner_text("#result-words")
    steps = page.locator("#next li").all_inner_texts()
    assert any("Press Add a face" in step for step in steps)
    assert any("press Turn" in step for step in steps)
    assert page.is_hidden("#download")
    assert page.is_hidden("#compare")


def test_a_face_that_is_left_says_why_and_is_restored_all_the_same(
    visit: Visit, tmp_path: Path, large_photo: np.ndarray
) -> None:
    page = visit.page
    Image.fromarray(large_photo).save(tmp_path / "close.jpg")
    visit.choose(tmp_path / "close.jpg")
    frame = page.locator("#photo").bounding_box()
    page.click("#draw")
    page.evaluate("HTMLElement.prototype.setPointerCapture = () => {}")
    for kind, (x, y) in (("pointerdown", (179, 86)), ("pointermove", (271, 176)), ("pointerup", (271, 176))):
        at = {"clientX": frame["x"] + x / 512 * frame["width"], "clientY": frame["y"] + y / 512 * frame["height"]}
        page.dispatch_event("#photo", kind, {**at, "pointerId": 1, "bubbles": True})
    large = page.locator(".box.drawn.left")
    large.wait_for()
    number = int(large.locator("i").inner_text())
    reason = "it is large enough already, and would not gain"
    large.focus()
    assert f"{reason}. Press to restore it all the same." in page.inner_text("#tip")
    if not visit.touch:
        page.mouse.move(0, 0)
        large.hover()
        assert f"{reason}. Press to restore it all the same." in page.inner_text("#tip")
    visit.press(box(visit, number))
    assert number in restorable(visit)
    # A tap chooses at once; why the face was left is still to be read.
    assert f"will be restored all the same, although {reason}. Press to leave it as it is." in page.inner_text("#tip")
    visit.press(box(visit, number))
    assert number not in restorable(visit)
    box(visit, number).focus()
    page.keyboard.press("Enter")
    assert number in restorable(visit)
    visit.restore()
    assert page.locator(f"#card-{number}").count() == 1
    assert "larger than what can be improved" in page.inner_text("#result")


@pytest.mark.parametrize("visit", ["phone-light"], indirect=True)
def test_a_photo_on_its_side_is_turned(visit: Visit, tmp_path: Path, small_photo: np.ndarray) -> None:
    page = visit.page
    lying = np.zeros((121, 181, 3), np.uint8)
    lying[:, :121] = np.rot90(small_photo)
    Image.fromarray(lying).save(tmp_path / "lying.png")
    visit.choose(tmp_path / "lying.png")
    assert page.inner_text("#found").startswith("The photo seems to lie on its side. Press Turn")
    visit.press("#turn")
    page.wait_for_function("() => document.querySelector('#found').innerText === '1 face found.'")
    frame = page.locator("#photo").bounding_box()
    assert frame["height"] > frame["width"]
    assert "121x181" in page.inner_text("#scales")
    visit.restore()
    path = visit.download("#download", tmp_path)
    with Image.open(path) as image:
        assert image.size == (484, 724)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("letter.jpg", b"this is no picture", "This file is no photo that can be read, or it is damaged."),
        (
            "a walk.mp4",
            b"anything",
            "A command restores clips: dicface restore 'a walk.mp4' -o 'restored-a",
        ),
        ("empty.png", b"", "This file is empty."),
        ("huge.png", bytes((4 << 20) + 1), "This file is larger than 4 MB"),
        ("phone.heic", b"\0\0\0\x18ftypmp42", "HEIC"),
    ],
    ids=["no picture", "a clip", "empty", "too large", "HEIC"],
)
@pytest.mark.parametrize("visit", ["phone-light"], indirect=True)
def test_after_a_refused_upload_the_next_click_says_its_own_error(
    visit: Visit, photo: Path, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    page = visit.page
    (tmp_path / name).write_bytes(content)
    visit.choose(photo)
    visit.restore()
    page.click("#remove")
    visit.choose(tmp_path / name)
    assert said in page.inner_text("#found")
    assert page.is_hidden("#result")
    for _ in range(2):
        visit.restore()
        assert page.inner_text("#message").startswith(f"{name}: ")
        assert said in page.inner_text("#message")
        assert not any(word in page.inner_text("body") for word in TECHNICAL)
    # Another photo works at once.
    page.click("#remove")
    visit.choose(photo)
    visit.restore()
    assert page.inner_text("#message") == ""


def test_it_can_be_used_without_a_mouse_and_read_aloud(visit: Visit) -> None:
    page = visit.page
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "files"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "example"
    page.keyboard.press("Enter")
    visit.ready()
    order: list[str] = []
    page.focus("#files")
    for _ in range(14):
        page.keyboard.press("Tab")
        order.append(page.evaluate(ACTIVE))
    wanted = ["box", "turn", "draw", "remove", "scale", "restore"]
    assert [name for name in order if name in wanted][: len(wanted)] == wanted
    page.focus("#restore")
    page.keyboard.press("Enter")
    page.wait_for_selector("#result:not([hidden])")
    order = []
    for _ in range(7):
        page.keyboard.press("Tab")
        order.append(page.evaluate(ACTIVE))
    assert order == ["cut", "strength", "download", "report", "keep-1", "strength-1", "SUMMARY"]
    # Everything has a name, every picture its text, and what changes is announced.
    nameless = page.evaluate(
        """[...document.querySelectorAll("button, input, summary")].filter((each) => each.checkVisibility()
            && !(each.textContent.trim() || each.ariaLabel || each.labels?.length)).map((each) => each.outerHTML)"""
    )
    assert nameless == []
    assert page.locator("img:not([alt])").count() == 0
    assert page.locator("canvas:not([aria-label])").count() == 0
    assert page.get_attribute("#photo", "alt") == "example.jpg, 1 face"
    assert {page.get_attribute(name, "aria-live") for name in ("#found", "#result-words")} == {"polite"}
    assert page.get_attribute("#message", "role") == "alert"
    assert page.get_attribute(".box", "aria-label").startswith("Face 1, 21 px: restored.")
    small = page.evaluate(
        """[...document.querySelectorAll("button:not(.box), .segments label, summary")].filter((each) =>
            each.checkVisibility() && each.getBoundingClientRect().height < 32).map((each) => each.outerHTML)"""
    )
    assert small == [], "too small for a finger"


@pytest.mark.parametrize("visit", ["desktop-dark"], indirect=True)
def test_what_was_deleted_is_uploaded_again(visit: Visit, photo: Path) -> None:
    page = visit.page
    visit.choose(photo)
    page.evaluate("fetch(document.querySelector('#photo').src.replace('/preview.jpg', ''), { method: 'DELETE' })")
    visit.restore()
    assert page.inner_text("#result-title") == "1 face restored"
    plain = [url for url in visit.addresses if "plain.jpg" in url][-1]
    page.evaluate("url => fetch(url, { method: 'DELETE' })", plain.split("/plain.jpg")[0])
    page.click("#download")
    page.wait_for_function("() => document.querySelector('#message').innerText.includes('Press Restore once more')")
    visit.restore()
    assert page.inner_text("#message") == ""
    assert page.is_visible("#download")


@pytest.mark.parametrize("visit", ["phone-light"], indirect=True)
def test_a_server_that_is_gone_or_busy_is_said(visit: Visit, photo: Path) -> None:
    page = visit.page
    visit.choose(photo)
    page.route("**/restored", lambda route: route.fulfill(status=503, body='{"error": "Many photos are waiting."}'))
    visit.restore()
    assert page.inner_text("#message") == "small photo.png: Many photos are waiting."
    page.unroute("**/restored")
    page.route("**/restored", lambda route: route.abort())
    visit.restore()
    assert "The server cannot be reached" in page.inner_text("#message")
    page.unroute("**/restored")
    visit.restore()
    assert page.inner_text("#result-title") == "1 face restored"


@pytest.mark.parametrize(
    ("width", "height", "colour", "name", "view"),
    [
        (4032, 3024, "RGB", "12 megapixels.jpg", "phone-dark"),
        (5712, 4284, "RGB", "24 megapixels.jpg", "phone-dark"),
        (5100, 6600, "L", "letter.png", "desktop-light"),
    ],
    ids=["12 megapixels", "24 megapixels", "letter page"],
)
def test_phone_photos_and_a_letter_page_work_with_the_defaults(
    browser: Any, tmp_path: Path, portrait: np.ndarray, width: int, height: int, colour: str, name: str, view: str
) -> None:
    photo = Image.linear_gradient("L").resize((width, height)).convert(colour)
    faces = Image.fromarray(portrait).convert(colour)
    for number in range(3):
        photo.paste(faces.resize((290, 290)), (500 + 900 * number, height // 3))
    photo.save(tmp_path / name, quality=92, dpi=(600, 600))
    with running(temporary=tmp_path) as server:
        visit = Visit(browser, server.url, **VIEWS[view])
        visit.choose(tmp_path / name)
        assert visit.page.locator(".box.in").count() == 3
        visit.restore()
        assert visit.page.inner_text("#message") == ""
        assert visit.page.inner_text("#result-title") == "3 faces restored"
        with Image.open(visit.download("#download", tmp_path)) as image:
            assert image.size == (width, height)
        assert visit.faults == []
        visit.page.context.close()


def test_everything_works_behind_a_proxys_prefix(browser: Any, photo: Path, tmp_path: Path) -> None:
    with running("--root-path", "/faces", temporary=tmp_path) as server:
        visit = Visit(browser, f"{server.url}/faces/", **VIEWS["phone-light"])
        visit.choose(photo)
        visit.restore()
        assert visit.page.inner_text("#result-title") == "1 face restored"
        assert visit.download("#download", tmp_path).name == "small photo-restored.png"
        outside = [url for url in visit.addresses if not url.startswith((f"{server.url}/faces/", "data:", "blob:"))]
        assert outside == []
        assert visit.faults == []
        visit.page.context.close()
