"""Chromium for tests of the page, and what a visitor does in it."""

import re
import shutil
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
# A browser as root, without a screen, that asks for no updates.
_FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
_FLAGS += ["--disable-component-update", "--disable-sync", "--disable-quic"]
PATIENCE_MS = 60_000
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 900}}
VIEWS: dict[str, dict[str, Any]] = {
    "phone-light": {**PHONE, "color_scheme": "light"},
    "phone-dark": {**PHONE, "color_scheme": "dark"},
    "desktop-light": {**DESKTOP, "color_scheme": "light"},
    "desktop-dark": {**DESKTOP, "color_scheme": "dark"},
}


@contextmanager
def chromium() -> Iterator[Any]:
    """A browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


class Visit:
    """A page that is opened.

    Attributes:
        page: Playwright's page.
        addresses: every address that it has asked for.
        faults: errors of its script.
        touch: whether it is on a device with a touch screen.
    """

    def __init__(self, browser: Any, url: str, **context: Any) -> None:
        self.page = browser.new_context(reduced_motion="reduce", **context).new_page()
        self.addresses: list[str] = []
        self.faults: list[str] = []
        self.touch = bool(context.get("has_touch"))
        self.page.on("request", lambda request: self.addresses.append(request.url))
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.goto(url)
        self.page.wait_for_function("() => document.querySelector('#version').textContent !== ''")

    def choose(self, *paths: Path) -> None:
        """Choose photos, and wait until the faces of the first are looked for."""
        self.page.set_input_files("#files", [str(path) for path in paths])
        self.ready()

    def ready(self) -> None:
        """Wait until the photo that is shown has been searched, or was refused."""
        self.page.wait_for_function(
            """() => !document.querySelector("#frame.looking") && !document.querySelector("#work").hidden
                && !/^(Waiting|Sending|Looking)/.test(document.querySelector("#found").textContent)"""
        )

    def press(self, target: str | Any) -> None:
        """Tap what a selector or a locator finds, or click it where there is no touch screen."""
        found = self.page.locator(target) if isinstance(target, str) else target
        if self.touch:
            found.tap()
        else:
            found.click()

    def restore(self) -> None:
        """Press the button, and wait for what comes of it."""
        self.page.click("#restore")
        self.page.wait_for_function(
            """() => document.querySelector("#restore").getAttribute("aria-busy") === "false"
                && (!document.querySelector("#result").hidden || document.querySelector("#message").textContent)"""
        )

    def download(self, button: str, folder: Path) -> Path:
        """Press a button for a download, and save that under its name."""
        with self.page.expect_download() as download:
            self.page.click(button)
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        return path

    def canvas(self, name: str) -> np.ndarray:
        """(H, W, 3) uint8 RGB: what a canvas shows."""
        self.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        url = self.page.evaluate("name => document.querySelector(name).toDataURL()", name)
        with Image.open(BytesIO(b64decode(url.partition(",")[2]))) as image:
            return np.asarray(image.convert("RGB"))

    def brightness(self, selector: str = "body") -> float:
        """Mean of the channels of an element's background."""
        colour = self.page.evaluate("name => getComputedStyle(document.querySelector(name)).backgroundColor", selector)
        return float(np.mean([int(part) for part in re.findall(r"\d+", colour)[:3]]))


def group_photo(path: Path, portrait: np.ndarray, *, quality: int = 95) -> Path:
    """Write a photo of three people: two with faces of 22 and 31 px, and the portrait, whose face is 105 px."""
    canvas = Image.new("RGB", (760, 520), (125, 140, 128))
    image = Image.fromarray(portrait)
    canvas.paste(image.resize((121, 121)), (20, 40))
    canvas.paste(image.resize((170, 170)), (20, 300))
    canvas.paste(image, (230, 4))
    canvas.save(path, quality=quality)
    return path
