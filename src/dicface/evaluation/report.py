"""Measurements as one HTML page that refers to no other file."""

import base64
import io
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

import jinja2
import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from dicface.evaluation.measure import Measurement
from dicface.evaluation.scores import Scores
from dicface.evaluation.summary import summary
from dicface.evaluation.tables import Grid, result_grids, write_faces_csv
from dicface.files import write_json, written_whole
from dicface.images.metadata import NO_METADATA, result_metadata
from dicface.images.metadata_writing import save_options
from dicface.images.xmp import Provenance
from dicface.runtime.image_model import open_enlargement
from dicface.runtime.upscalers import Upscaler
from dicface.version import __version__

REPORT_FILES = ("index.html", "faces.csv", "result.json")
FACES_OF_A_KIND = 3
# Readable on light and dark backgrounds.
_INK, _BAR, _OTHER = "#808080", "#3b82c4", "#c47a3b"


class Picture(NamedTuple):
    """An image of the page.

    Attributes:
        caption: text below the image.
        source: PNG as a data URI.
        points: K landmarks x, y in pixels of a 128x128 image, to be drawn over it; may be empty.
    """

    caption: str
    source: str
    points: list[tuple[float, float]]


class Row(NamedTuple):
    """A face of the page.

    Attributes:
        key: key of the face.
        gain: gain over bicubic as text.
        pictures: input, results and high-resolution face.
    """

    key: str
    gain: str
    pictures: list[Picture]


class Section(NamedTuple):
    """The part of the page for one size of crop with one damage.

    Attributes:
        condition: size and damage as text.
        grids: tables.
        figures: SVG code and description of each figure.
        faces: faces to show, by heading.
    """

    condition: str
    grids: list[Grid]
    figures: list[tuple[str, str]]
    faces: dict[str, list[Row]]


def _png(pixels: NDArray[np.uint8], provenance: Provenance | None = None) -> str:
    buffer = io.BytesIO()
    options, _ = save_options(".png", result_metadata(NO_METADATA, pixels, provenance), grey=False)
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _svg(figure: Figure) -> str:
    buffer = io.StringIO()
    # Without dates and random names, the same numbers give the same page.
    with rc_context({"svg.hashsalt": "dicface", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def _axes(figure: Figure, across: str, up: str) -> Axes:
    axes = figure.add_subplot()
    axes.set_xlabel(across, color=_INK)
    axes.set_ylabel(up, color=_INK)
    axes.tick_params(colors=_INK)
    for name, spine in axes.spines.items():
        spine.set_color(_INK)
        spine.set_visible(name in ("left", "bottom"))
    return axes


def _gains(scores: Scores, bicubic: Scores, protocol: str) -> NDArray[np.float64]:
    """(N, T) gains over bicubic in dB; infinite where only one of the two is exact."""
    mine, plain = np.broadcast_arrays(scores.psnr[protocol], bicubic.psnr[protocol])
    return np.subtract(mine, plain, out=np.zeros(mine.shape), where=mine != plain)


def _gain_text(gain_db: float) -> str:
    if np.isinf(gain_db):
        return "exact" if gain_db > 0 else "exact with bicubic alone"
    return f"{gain_db:+.2f} dB over bicubic"


def _histogram(measured: Measurement, protocol: str) -> tuple[str, str]:
    upscalers = [result.scores for result in measured.results[1:]]
    gains = [_gains(scores, measured.bicubic.scores, protocol)[:, -1] for scores in upscalers]
    figure = Figure(figsize=(6, 2.8), layout="constrained")
    axes = _axes(figure, f"gain over bicubic, dB ({protocol})", "faces")
    for values, scores, colour in zip(gains, upscalers, (_BAR, _OTHER), strict=False):
        edges = np.histogram_bin_edges(np.concatenate(gains)[np.isfinite(np.concatenate(gains))], bins=30)
        axes.hist(values[np.isfinite(values)], bins=edges.tolist(), color=colour, alpha=0.7, label=scores.name)
    axes.axvline(0, color=_INK, linewidth=1)
    axes.legend(frameon=False, labelcolor=_INK)
    return _svg(figure), f"Histogram of the gain over bicubic on each face, in dB of {protocol}"


def _step_chart(measured: Measurement, protocol: str) -> tuple[str, str]:
    figure = Figure(figsize=(6, 2.8), layout="constrained")
    axes = _axes(figure, "step", f"gain over bicubic, dB ({protocol})")
    upscalers = [result.scores for result in measured.results[1:]]
    width = 0.8 / len(upscalers)
    for place, (scores, colour) in enumerate(zip(upscalers, (_BAR, _OTHER), strict=False)):
        gains = np.ma.masked_invalid(_gains(scores, measured.bicubic.scores, protocol))
        means = np.ma.filled(gains.mean(axis=0), np.nan)
        across = np.arange(1, len(means) + 1) + (place - (len(upscalers) - 1) / 2) * width
        bars = axes.bar(across, means, width, color=colour, label=scores.name)
        axes.bar_label(bars, fmt="%.2f", color=_INK)
    axes.set_xticks(range(1, max(scores.psnr[protocol].shape[1] for scores in upscalers) + 1))
    axes.margins(y=0.15)
    axes.legend(frameon=False, labelcolor=_INK)
    return _svg(figure), f"Mean gain over bicubic after each step, in dB of {protocol}"


def _chosen(gains: NDArray[np.float64]) -> dict[str, list[int]]:
    """Indices of the faces to show: best, about the median, worst; each at most once."""
    order = [int(face) for face in np.argsort(-gains, kind="stable")]
    count = min(FACES_OF_A_KIND, max(1, len(order) // 3))
    middle = (len(order) - count) // 2
    chosen = {"Best": order[:count]}
    if len(order) > 1:
        chosen["Worst"] = order[len(order) - count :][::-1]
    if len(order) > 2:
        chosen = {"Best": chosen["Best"], "Median": order[middle : middle + count], "Worst": chosen["Worst"]}
    return chosen


def _row(measured: Measurement, face: int, upscalers: Sequence[Upscaler], gain_db: float) -> Row:
    (hr,) = measured.damage.truth(measured.references.hr[face : face + 1])
    lr = measured.damage.crop(hr, measured.lr_size, face)
    pictures = [Picture(measured.condition, _png(lr), [])]
    bicubic = open_enlargement("bicubic", hr.shape[0])
    for upscaler in (bicubic, *(one for one in upscalers if one.name != bicubic.name)):
        (result,) = upscaler([lr])
        provenance = Provenance(Path(upscaler.name).name, upscaler.sha256, faces=1) if upscaler.sha256 else None
        for step, (image, points) in enumerate(zip(result.sr, result.landmarks, strict=True), start=1):
            caption = upscaler.name + (f", step {step}" if len(result.sr) > 1 else "")
            pictures.append(Picture(caption, _png(image, provenance), [(float(x), float(y)) for x, y in points]))
    known = measured.references.landmarks
    points = [] if known is None else [(float(x), float(y)) for x, y in known[face]]
    pictures.append(Picture("high resolution", _png(hr), points))
    return Row(measured.references.keys[face], _gain_text(gain_db), pictures)


def _section(measured: Measurement, upscalers: Sequence[Upscaler]) -> Section:
    protocol = measured.protocols[0].name
    gains = _gains(measured.result.scores, measured.bicubic.scores, protocol)[:, -1]
    faces = {
        heading: [_row(measured, face, upscalers, float(gains[face])) for face in chosen]
        for heading, chosen in _chosen(gains).items()
    }
    figures = [_histogram(measured, protocol), _step_chart(measured, protocol)]
    return Section(measured.condition, result_grids(measured), figures, faces)


def report_page(measurements: Sequence[Measurement], upscalers: Sequence[Upscaler]) -> str:
    """Render the page: tables, histogram, gain of each step, and the best, median and worst faces.

    Args:
        measurements: at least one; of the same faces and upscalers at different sizes or damages.
        upscalers: the measured upscalers in the same order, without bicubic; they compute the faces shown once more.

    Returns:
        HTML that refers to no other file.
    """
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    template = environment.from_string(files("dicface.evaluation").joinpath("report.html").read_text("utf-8"))
    first = measurements[0]
    return template.render(
        model=first.result.name,
        description=first.description,
        against=None if first.against is None else first.against.name,
        data=first.references.name,
        count=len(first.references.keys),
        protocol=first.protocols[0].name,
        damaged=any(measured.damage.name for measured in measurements),
        sections=[_section(measured, upscalers) for measured in measurements],
        face_px=first.references.hr.shape[1],
        version=__version__,
    )


def write_report(folder: Path, measurements: Sequence[Measurement], upscalers: Sequence[Upscaler]) -> None:
    """Write `REPORT_FILES`: the page, the numbers of each face as CSV, and the measurements as JSON.

    Args:
        folder: created if missing; files of these names are replaced.
        measurements, upscalers: see `report_page`.

    Raises:
        OutputError: it cannot be written.
    """
    page = report_page(measurements, upscalers)
    index, faces, result = (folder / name for name in REPORT_FILES)
    write_faces_csv(faces, measurements)
    write_json(result, [summary(measured) for measured in measurements])
    with written_whole(index) as part:
        part.write_text(page, encoding="utf-8")
