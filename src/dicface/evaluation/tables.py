"""Measurements for the screen and for spreadsheets."""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import RenderableType
from rich.table import Table

from dicface.evaluation.measure import Likeness, Measurement
from dicface.evaluation.scores import NORMALISERS, Scores
from dicface.evaluation.statistics import estimate
from dicface.files import written_whole


class Grid(NamedTuple):
    """A table of texts, wherever it will be shown.

    Attributes:
        title: what it shows.
        header: one text a column.
        rows: texts, as many as the header has.
    """

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def _quality(measured: Measurement) -> Grid:
    faces = f"{len(measured.references.keys)} faces of {measured.references.name}"
    rows: list[tuple[str, ...]] = []
    for name in (protocol.name for protocol in measured.protocols):
        for scores in measured.measured:
            psnr, ssim = scores.psnr[name], scores.ssim[name]
            rows.append((name, scores.name, estimate(psnr[:, -1]).text(2), estimate(ssim[:, -1]).text(4)))
    title = f"{measured.scores.name} on {faces}, {measured.condition}"
    return Grid(title, ("protocol", "", "PSNR dB", "SSIM"), rows)


def _steps(measured: Measurement) -> Grid | None:
    names = [protocol.name for protocol in measured.protocols]
    rows: list[tuple[str, ...]] = []
    for scores in measured.measured:
        count = scores.psnr[names[0]].shape[1]
        for step in range(count if count > 1 else 0):
            means = [(scores.psnr[name][:, step].mean(), scores.ssim[name][:, step].mean()) for name in names]
            cells = (f"{psnr:.2f} / {ssim:.4f}" for psnr, ssim in means)
            rows.append((scores.name, str(step + 1), *cells))
    return Grid("each step, PSNR dB / SSIM", ("", "step", *names), rows) if rows else None


def _differences(measured: Measurement) -> Grid:
    rows: list[tuple[str, ...]] = []
    for other in measured.measured:
        if other is measured.scores:
            continue
        for kind, pairs in measured.compared(measured.scores, other).items():
            for name, pair in pairs.items():
                match kind:
                    case "psnr":
                        label, digits, factor = f"{name} PSNR, dB", 2, 1.0
                    case "ssim":
                        label, digits, factor = f"{name} SSIM", 4, 1.0
                    case _:
                        label, digits, factor = f"NRMSE by {name}, %", 2, 100.0
                difference = pair.difference.text(digits, factor, sign="+")
                rows.append((label, other.name, difference, f"{pair.win_rate:.0%}", f"{pair.worse:.1%}"))
    title = f"{measured.scores.name}, compared face by face"
    return Grid(title, ("", "with", "difference", "better on", "worse on"), rows)


def _landmarks(measured: Measurement) -> Grid | None:
    judges = measured.judges
    if judges is None:
        return None
    judged = {scores.name: scores.judged for scores in measured.measured} | {"high-resolution face": judges.hr}
    rows: list[tuple[str, ...]] = []
    for name, judgement in judged.items():
        assert judgement is not None
        # One face lost altogether moves the mean; the median says what a face that was found is like.
        median = f"{100 * float(np.median(judgement.nrmse['inter_ocular'])):.2f}"
        rows.append((name, *(estimate(judgement.nrmse[by]).text(2, 100) for by in NORMALISERS), median))
    of = "" if measured.references.landmarks is None else "of "
    title = f"landmark error (NRMSE) in %, against the landmarks {of}{judges.wanted_from}"
    return Grid(title, ("", *(f"by {name}" for name in NORMALISERS), "median by inter_ocular"), rows)


def _consistency(measured: Measurement) -> Grid:
    rows = [
        (scores.name, f"{scores.deviation_mean.mean():.2f}", f"{scores.deviation_worst.max():.0f}")
        for scores in measured.measured
    ]
    title = f"reduced to {measured.lr_size} px again, distance from the input in grey levels"
    return Grid(title, ("", "mean", "worst"), rows)


def _likeness_title(likeness: Likeness) -> str:
    """How good the features are, to be read before what they say."""
    known = [] if likeness.auc is None else [f"{likeness.auc:.3f} on these people"]
    if (held_out := likeness.held_out) is not None:
        known.append(f"{held_out.auc:.3f} on {held_out.people} people whom they were not trained on ({held_out.data})")
    good = f"{', '.join(known)}; 0.5 is chance, 1 without fail" if known else "not known: nobody known occurs twice"
    return f"likeness to the person, cosine of face features. How well these tell people apart: {good}"


def _likeness(measured: Measurement) -> Grid | None:
    likeness = measured.likeness()
    if likeness is None:
        return None
    rows = [
        (name, own.text(3), "" if share is None else f"{share:.1%}")
        for (name, own), share in zip(likeness.own.items(), likeness.recognised.values(), strict=True)
    ]
    if likeness.others is not None:
        rows.append(("other people's high-resolution faces", f"{likeness.others:.3f}", ""))
    header = ("", "to the high-resolution face", "nearer to it than to anyone else's")
    return Grid(_likeness_title(likeness), header, rows)


def result_grids(measured: Measurement) -> list[Grid]:
    """One size's result as tables."""
    grids = (
        _quality(measured),
        _steps(measured),
        _differences(measured),
        _landmarks(measured),
        _consistency(measured),
        _likeness(measured),
    )
    return [grid for grid in grids if grid is not None]


def on_screen(grid: Grid) -> RenderableType:
    """A table for the terminal."""
    table = Table(*grid.header, title=grid.title, title_justify="left")
    for row in grid.rows:
        table.add_row(*row)
    return table


def _columns(scores: Scores, prefix: str) -> dict[str, NDArray[np.float64]]:
    columns: dict[str, NDArray[np.float64]] = {}
    for kind, by_protocol in (("psnr", scores.psnr), ("ssim", scores.ssim)):
        for name, values in by_protocol.items():
            columns[f"{prefix}_{kind}_{name}"] = values[:, -1]
    columns[f"{prefix}_deviation_mean"] = scores.deviation_mean
    columns[f"{prefix}_deviation_worst"] = scores.deviation_worst
    if scores.judged is not None:
        columns |= {f"{prefix}_nrmse_{by}": scores.judged.nrmse[by] for by in NORMALISERS}
    return columns


def write_faces_csv(path: Path, measurements: Sequence[Measurement]) -> None:
    """Write one line a face, size and damage: PSNR (dB), SSIM, grey levels of deviation, landmark errors.

    Args:
        path: the file; replaced if it exists.
        measurements: of the same models at different sizes or damages.

    Raises:
        OutputError: it cannot be written.
    """
    with written_whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer: Any = None
        for measured in measurements:
            columns = _columns(measured.bicubic, "bicubic") | _columns(measured.scores, "model")
            if measured.against is not None:
                columns |= _columns(measured.against, "against")
            if measured.judges is not None:
                columns |= {f"hr_nrmse_{by}": measured.judges.hr.nrmse[by] for by in NORMALISERS}
            if writer is None:
                writer = csv.writer(file)
                writer.writerow(["key", "lr_size", "damage", *columns])
            for key, *values in zip(measured.references.keys, *columns.values(), strict=True):
                writer.writerow([key, measured.lr_size, measured.damage.name, *(f"{value:.6g}" for value in values)])
