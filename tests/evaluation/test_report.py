"""The page about a measurement, and its tables."""

import base64
import csv
import io
import json
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from dicface.data.references import References
from dicface.evaluation.measure import Measurement, measure
from dicface.evaluation.report import REPORT_FILES, report_page, write_report
from dicface.evaluation.results import compare
from dicface.evaluation.scores import Judges
from dicface.evaluation.summary import summary
from dicface.evaluation.tables import on_screen, result_grids, write_faces_csv
from dicface.runtime.face_model import FaceModel
from dicface.runtime.image_model import ImageModel, open_enlargement
from dicface.runtime.landmark_model import LandmarkModel

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason="CHROMIUM IS MISSING: run `make browser` as root")

KINDS = ["Best", "Median", "Worst"]


@pytest.fixture(scope="module")
def measured(portrait: np.ndarray) -> list[Measurement]:
    hr = np.stack([portrait[50 + y : 178 + y, 150:278] for y in range(0, 12, 4)])
    keys = tuple(f"<portrait> & {number}" for number in range(3))
    references = References("portrait", keys, hr, LandmarkModel()(hr).points, np.full(3, -1))
    judges = Judges(references, LandmarkModel())
    lite = FaceModel("lite", backend="onnxruntime")
    return [measure(lite, references, size, judges, open_enlargement("lanczos")) for size in (16, 24)]


@pytest.fixture(scope="module")
def upscalers() -> list[FaceModel | ImageModel]:
    return [FaceModel("lite", backend="onnxruntime"), open_enlargement("lanczos")]


class Page(HTMLParser):
    """What a page refers to, and whether its tags match."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in ("meta", "img", "input", "br"):
            self.open.append(tag)
        self.sources += [value or "" for name, value in attrs if name in ("src", "href") and value]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.slow
def test_the_page_stands_alone(measured: list[Measurement], upscalers: list[FaceModel | ImageModel]) -> None:
    text = report_page(measured, upscalers)
    page = Page()
    page.feed(text)
    assert page.open == []
    images = [source for source in page.sources if source.startswith("data:image/png;base64,")]
    assert all(source in images or source.startswith("#") for source in page.sources)
    # Low resolution, bicubic, two steps, lanczos, high resolution; a best, a median and a worst face; two sizes.
    assert len(images) == 6 * 3 * 2
    # Two steps and the high-resolution face carry landmarks.
    # A network's pictures say so, wherever they are copied to.
    marks = [b"ompositeWithTrainedAlgorithmicMedia" in base64.b64decode(image.split(",")[1]) for image in images]
    assert marks[:6] == [False, False, True, True, False, False]
    assert sum(marks) == 2 * 3 * 2
    assert text.count("<circle") == 68 * 3 * 3 * 2
    assert re.search(r"&lt;portrait&gt; &amp; \d", text)
    assert text.count("<figure role=") == 4
    assert re.findall(r"<h[23]>(.*)</h[23]>", text) == ["16 px", *KINDS, "24 px", *KINDS]


@pytest.mark.slow
def test_the_same_numbers_give_the_same_page(
    measured: list[Measurement], upscalers: list[FaceModel | ImageModel]
) -> None:
    assert report_page(measured[:1], upscalers) == report_page(measured[:1], upscalers)


@pytest.mark.slow
def test_faces_that_come_back_exactly_have_no_gain(portrait: np.ndarray) -> None:
    """A green face does, from bicubic; from a network it does not, so for this it is the worst."""
    lite = FaceModel("lite", backend="onnxruntime")
    hr = np.stack([portrait[50:178, 150:278], portrait[60:188, 150:278], np.full((128, 128, 3), (0, 255, 0), np.uint8)])
    references = References("some", ("a", "b", "green"), hr, None, np.full(3, -1))
    text = report_page([measure(lite, references, 16)], [lite])
    assert text.index("<h3>Worst</h3>") < text.index("green, exact with bicubic alone")
    green = References("some", ("green",), hr[2:], None, np.array([-1]))
    plain = open_enlargement("bicubic")
    assert "green, +0.00 dB over bicubic" in report_page([measure(plain, green, 16)], [plain])
    lanczos = open_enlargement("lanczos")
    measured = measure(lite, green, 16, against=lanczos)
    assert measured.against is not None
    comparison = compare(measured.against.scores, measured.bicubic.scores)
    assert comparison.psnr["y"].difference.mean == 0
    report_page([measured], [lite, lanczos])


@pytest.mark.slow
def test_damage_is_shown_and_named(portrait: np.ndarray, tmp_path: Path) -> None:
    hr = np.stack([portrait[50:178, 150:278], portrait[60:188, 150:278], portrait[55:183, 150:278]])
    references = References("some", ("a", "b", "c"), hr, None, np.full(3, -1))
    plain = open_enlargement("lanczos")
    measured = [measure(plain, references, 16, damage=name) for name in ("", "grey,jpeg50")]
    text = report_page(measured, [plain])
    assert "then damaged as each heading says" in text
    assert "<h2>16 px, grey,jpeg50</h2>" in text
    first, *_ = re.findall(r'<img src="data:image/png;base64,([^"]*)" alt="16 px, grey,jpeg50"', text)
    pixels = np.asarray(Image.open(io.BytesIO(base64.b64decode(first))))
    assert pixels.shape == (16, 16, 3)
    assert np.abs(pixels[..., 0].astype(int) - pixels[..., 2]).max() <= 2
    assert "then damaged" not in report_page(measured[:1], [plain])
    write_faces_csv(tmp_path / "faces.csv", measured)
    with (tmp_path / "faces.csv").open(newline="") as file:
        assert [row["damage"] for row in csv.DictReader(file)] == [""] * 3 + ["grey,jpeg50"] * 3


@pytest.mark.slow
def test_files_of_the_report(
    measured: list[Measurement], upscalers: list[FaceModel | ImageModel], tmp_path: Path
) -> None:
    write_report(tmp_path / "report", measured, upscalers)
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == sorted(REPORT_FILES)
    results = json.loads((tmp_path / "report" / "result.json").read_text())
    assert [result["lr_size"] for result in results] == [16, 24]


def test_one_line_a_face(measured: list[Measurement], tmp_path: Path) -> None:
    write_faces_csv(tmp_path / "faces.csv", measured)
    with (tmp_path / "faces.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["key"], row["lr_size"]) for row in rows[2:4]] == [("<portrait> & 2", "16"), ("<portrait> & 0", "24")]
    mean = np.mean([float(row["model_psnr_y-crop8"]) for row in rows[:3]])
    assert mean == pytest.approx(summary(measured[0])["protocols"]["y-crop8"]["psnr"]["mean"], abs=1e-3)
    assert {"bicubic_ssim_y", "against_nrmse_width", "hr_nrmse_inter_ocular", "model_deviation_worst"} <= set(rows[0])


@pytest.mark.parametrize("width", [40, 60])
def test_names_of_models_are_never_cut(measured: list[Measurement], width: int) -> None:
    """They fold in a narrow terminal."""
    file = io.StringIO()
    name = "lite-with-a-name-as-long-as-that-of-a-run-in-2026-11"
    grid = result_grids(measured[0])[0]
    rows = [(row[0], name, *row[2:]) for row in grid.rows]
    Console(file=file, width=width).print(on_screen(grid._replace(rows=rows)))
    assert "\N{HORIZONTAL ELLIPSIS}" not in file.getvalue()
    lines = [line.split("\N{BOX DRAWINGS LIGHT VERTICAL}") for line in file.getvalue().splitlines()]
    assert name in "".join(cells[2].strip() for cells in lines if len(cells) > 3)


def test_words_that_name_rows_stay_whole_in_a_terminal_of_80(measured: list[Measurement]) -> None:
    file = io.StringIO()
    for grid in result_grids(measured[0]):
        Console(file=file, width=80).print(on_screen(grid))
    assert "high-resolution" in file.getvalue()


@pytest.mark.slow
@needs_browser
def test_the_last_picture_of_a_face_is_in_the_window(
    measured: list[Measurement], upscalers: list[FaceModel | ImageModel], tmp_path: Path
) -> None:
    sync_api = pytest.importorskip("playwright.sync_api", reason="its tests need playwright")
    write_report(tmp_path / "report", measured, upscalers)
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.goto((tmp_path / "report" / REPORT_FILES[0]).as_uri())
        # As many as a network of four steps beside two others has.
        page.evaluate(
            "document.querySelectorAll('.face').forEach(f => {"
            " while (f.children.length < 10) f.append(f.lastElementChild.cloneNode(true)) })"
        )
        wide = page.evaluate("[...document.querySelectorAll('.face')].map(f => [f.scrollWidth, f.clientWidth])")
        browser.close()
    assert wide
    assert all(content <= room for content, room in wide)


def test_tables_for_the_screen(measured: list[Measurement]) -> None:
    console = Console(width=200, record=True, quiet=True)
    for grid in result_grids(measured[0]):
        assert all(len(row) == len(grid.header) for row in grid.rows)
        console.print(on_screen(grid))
    shown = "\n".join(str(grid) for grid in result_grids(measured[0]))
    assert "y-crop8 PSNR, dB" in shown
    assert "'100%', '0.0%'" in shown
    assert "worse on" in shown
    assert "high-resolution face" in shown
    assert "reduced to 16 px again" in shown
