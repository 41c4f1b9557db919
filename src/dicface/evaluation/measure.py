"""A model against ground truth, bicubic beside it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from dicface.errors import UsageError
from dicface.evaluation.metrics import nrmse
from dicface.evaluation.protocols import PROTOCOLS, Protocol
from dicface.images import FACE_PX, resize
from dicface.runtime.models import FaceModel

BOOTSTRAP_DRAWS = 2000


def bootstrap_interval(values: NDArray[np.float64]) -> list[float]:
    """95 % interval of a mean by resampling the faces, always with the same draws.

    Args:
        values: (N,) one finite number a face.
    """
    generator = np.random.default_rng(0)
    draws = generator.integers(0, len(values), (BOOTSTRAP_DRAWS, len(values)))
    return [float(edge) for edge in np.quantile(values[draws].mean(axis=1), (0.025, 0.975))]


def _mean(values: NDArray[np.float64]) -> float | None:
    """None if a face came back exactly, whose PSNR is infinite and has no place in JSON."""
    return float(values.mean()) if np.isfinite(values).all() else None


def _summary(values: NDArray[np.float64]) -> dict[str, Any]:
    mean = _mean(values)
    return {"mean": mean, "ci95": None if mean is None else bootstrap_interval(values)}


def _compare(protocol: Protocol, images: NDArray[np.uint8], hr: NDArray[np.uint8]) -> dict[str, Any]:
    return {"psnr": _summary(protocol.psnr(images, hr)), "ssim": _summary(protocol.ssim(images, hr))}


def measure(model: FaceModel, hr: NDArray[np.uint8], lr_size: int, data: str) -> dict[str, Any]:
    """Reduce faces, super-resolve them, and compare.

    Args:
        model: any.
        hr: (N, 128, 128, 3) uint8 RGB.
        lr_size: side of the low-resolution crop, reduced with Pillow's bicubic.
        data: name of the faces, for the result.

    Returns:
        JSON-ready: `data`, `n`, `model`, `lr_size`, `protocols` and `bicubic` (mean and 95 % interval of PSNR in dB
        and of SSIM by protocol), and `steps` (mean PSNR and SSIM of each step by protocol). Where a face came back
        exactly, PSNR is infinite and stands as null.

    Raises:
        UsageError: the model does not take that size.
    """
    low, high = model.lr_sizes
    if not low <= lr_size <= high:
        raise UsageError(f"expected a low-resolution side from {low} to {high} px for {model.name}, got {lr_size}")
    lr = [resize(face, (lr_size, lr_size)) for face in hr]
    steps = np.stack([result.sr for result in model(lr)], axis=1)
    enlarged = np.stack([resize(face, (FACE_PX, FACE_PX)) for face in lr])
    return {
        "data": data,
        "n": len(hr),
        "model": model.name,
        "lr_size": lr_size,
        "protocols": {protocol.name: _compare(protocol, steps[-1], hr) for protocol in PROTOCOLS},
        "bicubic": {protocol.name: _compare(protocol, enlarged, hr) for protocol in PROTOCOLS},
        "steps": {
            protocol.name: [
                {"psnr": _mean(protocol.psnr(step, hr)), "ssim": _mean(protocol.ssim(step, hr))} for step in steps
            ]
            for protocol in PROTOCOLS
        },
    }


def _cell(summary: dict[str, Any], digits: int) -> str:
    if summary["mean"] is None:
        return "infinite"
    interval = "" if summary["ci95"] is None else " [{:.{n}f}, {:.{n}f}]".format(*summary["ci95"], n=digits)
    return f"{summary['mean']:.{digits}f}{interval}"


def result_table(result: dict[str, Any]) -> Table:
    """One size's result for the screen."""
    title = f"{result['model']} on {result['n']} faces of {result['data']}, {result['lr_size']} px"
    table = Table("protocol", "", "PSNR dB", "SSIM", title=title, title_justify="left")
    for protocol, scores in result["protocols"].items():
        for name, row in (("bicubic", result["bicubic"][protocol]), (result["model"], scores)):
            table.add_row(protocol, name, _cell(row["psnr"], 2), _cell(row["ssim"], 4))
        for number, step in enumerate(result["steps"][protocol], start=1):
            cells = (_cell({"mean": step[key], "ci95": None}, digits) for key, digits in (("psnr", 2), ("ssim", 4)))
            table.add_row(protocol, f"  step {number}", *cells)
    return table


def landmark_errors(found: NDArray[np.floating], wanted: NDArray[np.floating]) -> dict[str, float]:
    """Mean normalised error of landmarks, by every size of the face that is in use.

    Args:
        found, wanted: (N, 68, 2) x, y in pixels of one frame.

    Returns:
        `width`, `outer_eye` and `inter_ocular`: fractions of that distance.
    """
    return {by: float(nrmse(found, wanted, by).mean()) for by in ("width", "outer_eye", "inter_ocular")}
