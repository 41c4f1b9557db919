"""One row of the benchmark, measured in a separate process for its memory and start-up time.

    python -m dicface.benchmark.measure REQUEST.json

prints a JSON object. Heavy imports happen while the clock runs.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_BUDGET_S, _LEAST_CALLS = 3.0, 3
_MATRIX, _MATRIX_CUDA = 2048, 8192
_WIDTH, _SIDE = 256, 64
"""Channels and pixels of the convolution."""
_LR_PX = 16


def peak_mb() -> float | None:
    """Peak resident memory of this process in MB; None where the system does not report it."""
    status = Path("/proc/self/status")
    if status.exists():
        # getrusage includes the parent's memory after a fork.
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    if sys.platform != "darwin":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def best_call_s(call: Callable[[], object]) -> float:
    """Shortest time of one call in seconds, out of those that fit into 3 s, at least 3; one warm-up call before."""
    call()
    times_s: list[float] = []
    while sum(times_s) < _BUDGET_S or len(times_s) < _LEAST_CALLS:
        start = time.perf_counter()
        call()
        times_s.append(time.perf_counter() - start)
    return min(times_s)


def _load(request: dict[str, Any]) -> Callable[["NDArray[np.float32]"], Any]:
    path, precision = Path(request["path"]), request["precision"]
    if request["kind"] in ("landmarks", "finder"):
        from dicface.runtime.sessions import open_session

        session: Any = open_session(path)
        return lambda images: session.run(None, {"image": images})
    from dicface.runtime.backends import OnnxRuntimeBackend, OpenVinoBackend, TorchBackend, TorchVariant

    match request["backend"]:
        case "onnxruntime":
            return OnnxRuntimeBackend(path)
        case "openvino":
            return OpenVinoBackend(path, "bf16" if precision == "bfloat16" else "f32")
        case _:
            variant = TorchVariant(precision == "bfloat16", request["compiled"], request["channels_last"])
            return TorchBackend(path, variant)


def _psnr(run: Callable[["NDArray[np.float32]"], Any], faces: Path, batch: int) -> float:
    """Mean y-crop8 PSNR in dB of faces reduced to 16 px and restored, `batch` at a time."""
    import numpy as np

    from dicface.evaluation.protocols import Y_CROP8
    from dicface.images.pixels import resize, to_network, to_uint8

    hr = np.load(faces)
    lr = to_network(np.stack([resize(face, (_LR_PX, _LR_PX)) for face in hr]))
    parts = [run(lr[first : first + batch]).sr[:, -1] for first in range(0, len(lr), batch)]
    return float(Y_CROP8.psnr(to_uint8(np.concatenate(parts).transpose(0, 2, 3, 1)), hr).mean())


def measure_row(request: dict[str, Any]) -> dict[str, Any]:
    """Time one case.

    Args:
        request: kind, path, side (of the images), backend, precision, compiled, channels_last, batch; faces, an .npy
            file of (N, 128, 128, 3) uint8 RGB or None.

    Returns:
        ms (per face), start_up_s, peak_mb, psnr (None without faces, and for models that do not take crops of 16 px),
        on CUDA also peak_cuda_mb.
    """
    start = time.perf_counter()
    import numpy as np

    run = _load(request)
    # A restoration model for larger crops has its smallest ones measured.
    side = max(request["side"], getattr(run, "lr_sizes", (0, 0))[0])
    images = np.random.default_rng(0).random((request["batch"], 3, side, side), dtype=np.float32)
    run(images)
    start_up_s = time.perf_counter() - start
    ms = best_call_s(lambda: run(images)) / request["batch"] * 1000
    row: dict[str, Any] = {"ms": ms, "start_up_s": start_up_s, "peak_mb": peak_mb(), "psnr": None}
    if "torch" in sys.modules and sys.modules["torch"].cuda.is_available():
        row["peak_cuda_mb"] = sys.modules["torch"].cuda.max_memory_allocated() / 2**20
    if request["kind"] == "restoration" and request["faces"] and side == _LR_PX:
        row["psnr"] = _psnr(run, Path(request["faces"]), request["batch"])
    return row


def measure_peak(backends: list[str]) -> dict[str, float]:
    """Attainable peak of the processor in GFLOP/s by precision; without torch, of NumPy in float32 only.

    The rate of a large matrix product; with torch, the larger of that and of a wide 3x3 convolution, since on some
    processors the library for matrix products uses half of the units. NumPy's may, too.
    """
    if "torch" not in backends:
        import numpy as np

        matrix = np.ones((_MATRIX, _MATRIX), np.float32)
        return {"float32": 2 * _MATRIX**3 / best_call_s(lambda: matrix @ matrix) / 1e9}
    import torch

    cuda = torch.cuda.is_available()
    side, device = (_MATRIX_CUDA, "cuda") if cuda else (_MATRIX, "cpu")
    peaks: dict[str, float] = {}
    for name, kind in (("float32", torch.float32), ("bfloat16", torch.bfloat16)):
        matrix = torch.rand(side, side, device=device, dtype=kind)
        image = torch.rand(1, _WIDTH, _SIDE, _SIDE, device=device, dtype=kind).to(memory_format=torch.channels_last)
        filters = torch.rand(_WIDTH, _WIDTH, 3, 3, device=device, dtype=kind)

        # Reading a value waits for the device.
        def product(matrix: torch.Tensor = matrix) -> None:
            (matrix @ matrix)[0, 0].item()

        def convolution(image: torch.Tensor = image, filters: torch.Tensor = filters) -> None:
            torch.nn.functional.conv2d(image, filters, padding=1)[0, 0, 0, 0].item()

        with torch.inference_mode():
            rates = side**3 / best_call_s(product), 9 * (_WIDTH * _SIDE) ** 2 / best_call_s(convolution)
        peaks[name] = 2 * max(rates) / 1e9
    return peaks


if __name__ == "__main__":
    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    answer = measure_peak(asked["peak"]) if "peak" in asked else measure_row(asked)
    sys.stdout.write(json.dumps(answer) + "\n")
