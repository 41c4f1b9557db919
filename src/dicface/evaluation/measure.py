"""A model against ground truth, bicubic beside it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from dicface.errors import UsageError
from dicface.evaluation.protocols import PROTOCOLS, Protocol
from dicface.images import resize
from dicface.runtime.models import FaceModel

HR_SIZE = 128
BOOTSTRAP_DRAWS = 2000


def bootstrap_interval(values: NDArray[np.float64]) -> list[float]:
    """95 % interval of a mean by resampling the faces, always with the same draws.

    Args:
        values: (N,) one number a face.
    """
    generator = np.random.default_rng(0)
    draws = generator.integers(0, len(values), (BOOTSTRAP_DRAWS, len(values)))
    return [float(edge) for edge in np.quantile(values[draws].mean(axis=1), (0.025, 0.975))]


def _summary(values: NDArray[np.float64]) -> dict[str, Any]:
    return {"mean": float(values.mean()), "ci95": bootstrap_interval(values)}


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
        and of SSIM by protocol), and `steps` (mean PSNR and SSIM of each step by protocol).

    Raises:
        UsageError: the model does not take that size.
    """
    low, high = model.lr_sizes
    if not low <= lr_size <= high:
        raise UsageError(f"expected a low-resolution side from {low} to {high} px for {model.name}, got {lr_size}")
    lr = [resize(face, (lr_size, lr_size)) for face in hr]
    steps = np.stack([result.sr for result in model(lr)], axis=1)
    enlarged = np.stack([resize(face, (HR_SIZE, HR_SIZE)) for face in lr])
    return {
        "data": data,
        "n": len(hr),
        "model": model.name,
        "lr_size": lr_size,
        "protocols": {protocol.name: _compare(protocol, steps[-1], hr) for protocol in PROTOCOLS},
        "bicubic": {protocol.name: _compare(protocol, enlarged, hr) for protocol in PROTOCOLS},
        "steps": {
            protocol.name: [
                {"psnr": float(protocol.psnr(step, hr).mean()), "ssim": float(protocol.ssim(step, hr).mean())}
                for step in steps
            ]
            for protocol in PROTOCOLS
        },
    }


def result_table(result: dict[str, Any]) -> Table:
    """One size's result for the screen."""
    title = f"{result['model']} on {result['n']} faces of {result['data']}, {result['lr_size']} px"
    table = Table("protocol", "", "PSNR dB", "SSIM", title=title, title_justify="left")
    for protocol, scores in result["protocols"].items():
        rows = [("bicubic", result["bicubic"][protocol]), (result["model"], scores)]
        for name, row in rows:
            cells = [
                f"{row[key]['mean']:.{n}f} [{row[key]['ci95'][0]:.{n}f}, {row[key]['ci95'][1]:.{n}f}]"
                for key, n in (("psnr", 2), ("ssim", 4))
            ]
            table.add_row(protocol, name, *cells)
        for number, step in enumerate(result["steps"][protocol], start=1):
            table.add_row(protocol, f"  step {number}", f"{step['psnr']:.2f}", f"{step['ssim']:.4f}")
    return table
