"""How the page looks in each state: its texts can be read in light and dark, and nothing is wider than the screen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.browser import CHROMIUM, VIEWS, Visit, group_photo
from tests.support.server import Server, running

pytest.importorskip("playwright.sync_api", reason="its tests need playwright")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("memory"),
    pytest.mark.skipif(CHROMIUM is None, reason="CHROMIUM IS MISSING: run `make browser` as root"),
]
READABLE = 4.5
"""Least contrast of text and what lies behind it: level AA of the Web Content Accessibility Guidelines 2, 1.4.3."""
CONTRASTS = """() => {
    const parts = (colour) => colour.match(/[\\d.]+/g).map(Number);
    const over = ([r, g, b, a = 1], below) => [r, g, b].map((value, at) => value * a + below[at] * (1 - a));
    const behind = (element) => {
        if (!element) return [255, 255, 255];
        const colour = parts(getComputedStyle(element).backgroundColor);
        return colour[3] === 0 ? behind(element.parentElement) : over(colour, behind(element.parentElement));
    };
    const luminance = (colour) => {
        const [r, g, b] = colour.map((value) => value / 255)
            .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const shown = [...document.querySelectorAll("body *")].filter((element) =>
        element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !element.matches(":disabled *")
        && !element.closest("label:has(:disabled)")
        && [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim()));
    return shown.map((element) => {
        const ground = behind(element);
        const ink = over(parts(getComputedStyle(element).color), ground);
        const [dark, light] = [luminance(ink), luminance(ground)].sort((one, other) => one - other);
        return [element.textContent.trim().slice(0, 40), (light + 0.05) / (dark + 0.05)];
    });
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(temporary=tmp_path_factory.mktemp("served")) as server:
        yield server


def check_looks(visit: Visit, width: int, state: str, least: int) -> None:
    """Check that everything fits the screen's width, and that every text can be read."""
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width, state
    contrasts = visit.page.evaluate(CONTRASTS)
    assert len(contrasts) >= least, state
    assert [(text, round(ratio, 2)) for text, ratio in contrasts if ratio < READABLE] == [], state


@pytest.mark.parametrize("name", VIEWS)
def test_every_state_fits_and_can_be_read(
    browser: Any, server: Server, name: str, tmp_path: Path, portrait: np.ndarray
) -> None:
    view = VIEWS[name]
    visit = Visit(browser, server.url, **view)
    page, width = visit.page, view["viewport"]["width"]
    assert (visit.brightness() < 128) == (view["color_scheme"] == "dark")
    check_looks(visit, width, "nothing chosen", 6)

    (tmp_path / "a letter with a very long name that no list has room for.jpg").write_bytes(b"no picture")
    visit.choose(*tmp_path.iterdir())
    check_looks(visit, width, "a photo that cannot be read", 4)
    page.click("#restore")
    page.wait_for_function("() => document.querySelector('#message').textContent")
    check_looks(visit, width, "an error", 5)

    Image.new("RGB", (300, 200), "grey").save(tmp_path / "wall.png")
    group = group_photo(tmp_path / "group.jpg", portrait)
    visit.choose(tmp_path / "wall.png")
    check_looks(visit, width, "no face, and a list", 10)
    visit.choose(group)
    page.locator(".box").first.focus()
    check_looks(visit, width, "faces, one of them with its words", 15)
    page.click("#draw")
    check_looks(visit, width, "a face is drawn", 15)
    page.click("#draw")
    visit.restore()
    page.locator("#list button").last.click()
    page.wait_for_selector("#result:not([hidden])")
    page.locator("#faces summary").first.click()
    check_looks(visit, width, "the result", 25)
    visit.press(page.locator(".box.in").first)
    page.focus("#strength")
    page.keyboard.press("Home")
    check_looks(visit, width, "every face at no strength", 25)
    page.locator("#list button").nth(1).click()
    check_looks(visit, width, "nothing was done", 10)
    assert visit.faults == []
    page.context.close()
