"""Measurements as tables for the terminal, and as CSV."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.console import RenderableType
from rich.table import Table

from dicface.evaluation.measure import Measurement
from dicface.evaluation.results import IdentitySimilarity
from dicface.evaluation.scores import NORMALISERS, Scores
from dicface.evaluation.statistics import Paired
from dicface.files import written_whole

_LONGEST_WORD = 20
"""Letters of a row's name that a narrow terminal keeps together."""


class Grid(NamedTuple):
    """A table of texts, for terminal and page.

    Attributes:
        title: title of the table.
        header: one text per column.
        rows: one text per column each.
    """

    title: str
    header: tuple[str, ...]
    rows: list[tuple[str, ...]]


def _quality(measured: Measurement) -> Grid:
    faces = f"{len(measured.references.keys)} faces of {measured.references.name}"
    rows: list[tuple[str, ...]] = []
    for name in (protocol.name for protocol in measured.protocols):
        for result in measured.results:
            quality = result.quality[name]
            rows.append((name, result.name, quality.psnr.text(2), quality.ssim.text(4)))
    title = f"{measured.result.name} on {faces}, {measured.condition}"
    return Grid(title, ("protocol", "", "PSNR dB", "SSIM"), rows)


def _steps(measured: Measurement) -> Grid | None:
    names = [protocol.name for protocol in measured.protocols]
    rows: list[tuple[str, ...]] = []
    for result in measured.results:
        count = len(result.quality[names[0]].steps)
        for step in range(count if count > 1 else 0):
            cells = ("{:.2f} / {:.4f}".format(*result.quality[name].steps[step]) for name in names)
            rows.append((result.name, str(step + 1), *cells))
    return Grid("each step, PSNR dB / SSIM", ("", "step", *names), rows) if rows else None


def _differences(measured: Measurement) -> Grid:
    rows: list[tuple[str, ...]] = []
    for comparison in measured.comparisons:
        kinds: list[tuple[Mapping[Any, Paired] | None, str, int, float]] = [
            (comparison.psnr, "{} PSNR, dB", 2, 1.0),
            (comparison.ssim, "{} SSIM", 4, 1.0),
            (comparison.nrmse, "NRMSE by {}, %", 2, 100.0),
            (None if comparison.lpips is None else {"LPIPS": comparison.lpips}, "{}", 4, 1.0),
        ]
        for pairs, label, digits, factor in kinds:
            for name, pair in (pairs or {}).items():
                difference = pair.difference.text(digits, factor, sign="+")
                shares = f"{pair.win_rate:.0%}", f"{pair.worse:.1%}"
                rows.append((label.format(name), comparison.other, difference, *shares))
    title = f"{measured.result.name}, compared face by face"
    return Grid(title, ("", "with", "difference", "better on", "worse on"), rows)


def _landmarks(measured: Measurement) -> Grid | None:
    if measured.landmarks_from is None:
        return None
    judged = {result.name: result.landmark_errors for result in measured.results}
    judged["high-resolution face"] = measured.hr_landmark_errors
    rows: list[tuple[str, ...]] = []
    for name, errors in judged.items():
        assert errors is not None
        median = f"{100 * errors['inter_ocular'].median:.2f}"
        rows.append((name, *(errors[by].estimate.text(2, 100) for by in NORMALISERS), median))
    of = "" if measured.references.landmarks is None else "of "
    title = f"landmark error (NRMSE) in %, against the landmarks {of}{measured.landmarks_from}"
    return Grid(title, ("", *(f"by {name}" for name in NORMALISERS), "median by inter_ocular"), rows)


def _consistency(measured: Measurement) -> Grid:
    rows = [(one.name, f"{one.deviation_mean:.2f}", f"{one.deviation_worst:.0f}") for one in measured.results]
    title = f"reduced to {measured.lr_size} px again, distance from the input in grey levels"
    return Grid(title, ("", "mean", "worst"), rows)


def _detail(measured: Measurement) -> Grid:
    rows: list[tuple[str, ...]] = []
    for one in measured.results:
        share, correlation, stitch = one.detail
        rows.append((one.name, f"{share:.0%}", f"{correlation:.2f}", "" if stitch is None else f"{stitch:.2f}"))
    title = f"detail that a crop of {measured.lr_size} px cannot hold, compared with the high-resolution faces"
    return Grid(title, ("", "share", "correlation", "stitch"), rows)


def _lpips(measured: Measurement) -> Grid | None:
    rows = [(one.name, one.lpips.text(4)) for one in measured.results if one.lpips is not None]
    title = "perceptual distance to the high-resolution face; lower is better, 0 is the same face"
    return Grid(title, ("", "LPIPS (AlexNet)"), rows) if rows else None


def _identity_title(similarity: IdentitySimilarity) -> str:
    """Title of the identity table, with the verification AUC of the features."""
    known = [] if similarity.auc is None else [f"{similarity.auc:.3f} on these identities"]
    if (held_out := similarity.held_out) is not None:
        known.append(f"{held_out.auc:.3f} on {held_out.identities} identities outside their training ({held_out.data})")
    good = f"{', '.join(known)}; 0.5 is chance, 1 is perfect" if known else "unknown: no known identity occurs twice"
    return f"identity similarity, cosine of face features. Verification AUC of these features: {good}"


def _identity(measured: Measurement) -> Grid | None:
    similarity = measured.identity
    if similarity is None:
        return None
    rows: list[tuple[str, ...]] = []
    for name, own in similarity.own.items():
        share, frechet = similarity.rank1_accuracy[name], similarity.frechet[name]
        cells = ("" if share is None else f"{share:.1%}", "" if frechet is None else f"{frechet:.4f}")
        rows.append((name, own.text(3), *cells))
    if similarity.others is not None:
        rows.append(("high-resolution faces of other identities", f"{similarity.others:.3f}", "", ""))
    header = ("", "to the high-resolution face", "rank-1 accuracy", "Fréchet distance of the features (not FID)")
    return Grid(_identity_title(similarity), header, rows)


def result_grids(measured: Measurement) -> list[Grid]:
    """Tables of a measurement: quality, steps, differences, landmarks, consistency, detail, LPIPS, identity."""
    grids = (
        _quality(measured),
        _steps(measured),
        _differences(measured),
        _landmarks(measured),
        _consistency(measured),
        _detail(measured),
        _lpips(measured),
        _identity(measured),
    )
    return [grid for grid in grids if grid is not None]


def on_screen(grid: Grid) -> RenderableType:
    """A table for a console of rich."""
    table = Table(title=grid.title, title_justify="left")
    for place, name in enumerate(grid.header):
        # Two models may have names that begin alike; a cut one says nothing. Words of the first column stay whole.
        longest = max((len(word) for row in grid.rows for word in row[place].split()), default=0)
        table.add_column(name, overflow="fold", min_width=min(longest, _LONGEST_WORD) if place == 0 else None)
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
        if scores.judged.lpips is not None:
            columns[f"{prefix}_lpips"] = scores.judged.lpips
    return columns


def write_faces_csv(path: Path, measurements: Sequence[Measurement]) -> None:
    """Write one line per face, size and damage: PSNR in dB, SSIM, deviation in grey levels, NRMSE as fractions, LPIPS.

    Args:
        path: the file; replaced if it exists.
        measurements: of the same models at different sizes or damages.

    Raises:
        OutputError: it cannot be written.
    """
    with written_whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer: Any = None
        for measured in measurements:
            columns = _columns(measured.bicubic.scores, "bicubic") | _columns(measured.result.scores, "model")
            if measured.against is not None:
                columns |= _columns(measured.against.scores, "against")
            if measured.hr is not None:
                columns |= {f"hr_nrmse_{by}": measured.hr.nrmse[by] for by in NORMALISERS}
            if writer is None:
                writer = csv.writer(file)
                writer.writerow(["key", "lr_size", "damage", *columns])
            for key, *values in zip(measured.references.keys, *columns.values(), strict=True):
                writer.writerow([key, measured.lr_size, measured.damage.name, *(f"{value:.6g}" for value in values)])
