"""Speed and memory of the networks on this machine, in one run.

    python benchmarks/inference.py

The reference is the network of the authors' sizes in torch, eager, float32, one face at a time. Speed does not depend
on the weights, so `dic` is measured with random ones if it is not embedded. Each row runs in a process of its own, so
that its peak memory is its own (read from /proc, so Linux only); several rounds, of which the best counts.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

ROUNDS = 3
ROWS = [
    ("dic", "torch", 1),
    ("dic", "onnxruntime", 1),
    ("dic", "openvino", 1),
    ("lite", "torch", 1),
    ("lite", "onnxruntime", 1),
    ("lite", "openvino", 1),
    ("lite", "onnxruntime", 8),
    ("lite", "openvino", 8),
]


def write_models(folder: Path) -> None:
    """Both presets with random weights, as safetensors and ONNX."""
    import torch

    from dicface.checkpoints import save_network
    from dicface.export import export_onnx
    from dicface.networks.dic import DIC, LITE, DICNetwork

    torch.manual_seed(0)
    for name, config in (("dic", DIC), ("lite", LITE)):
        network = DICNetwork(config).eval()
        save_network(network, folder / f"{name}.safetensors")
        export_onnx(network, folder / f"{name}.onnx")


def measure(path: str, backend: str, batch: int, budget_s: float = 4.0) -> dict[str, Any]:
    """Time one row in this process: the best call of as many as fit into the budget."""
    from dicface.runtime.backends import OnnxRuntimeBackend, OpenVinoBackend, TorchBackend

    kinds = {"torch": TorchBackend, "onnxruntime": OnnxRuntimeBackend, "openvino": OpenVinoBackend}
    start = time.perf_counter()
    run = kinds[backend](Path(path))
    lr = np.random.default_rng(0).random((batch, 3, 16, 16), dtype=np.float32)
    run(lr)
    start_up_s = time.perf_counter() - start
    run(lr)
    times_s: list[float] = []
    while sum(times_s) < budget_s or len(times_s) < 3:
        start = time.perf_counter()
        run(lr)
        times_s.append(time.perf_counter() - start)
    return {"ms": min(times_s) / batch * 1000, "start_up_s": start_up_s, "peak_mb": peak_mb()}


def peak_mb() -> float:
    """Largest resident size of this process so far. getrusage would count the process that started it, too."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) / 1024


def main() -> None:
    """Measure every row and print the table."""
    best: dict[tuple[str, str, int], dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        write_models(Path(folder))
        for _ in range(ROUNDS):
            for name, backend, batch in ROWS:
                suffix = ".safetensors" if backend == "torch" else ".onnx"
                arguments = [str(Path(folder, f"{name}{suffix}")), backend, str(batch)]
                command = [sys.executable, __file__, "--row", *arguments]
                result = subprocess.run(command, check=True, capture_output=True, text=True)
                row = json.loads(result.stdout)
                if (name, backend, batch) not in best or row["ms"] < best[name, backend, batch]["ms"]:
                    best[name, backend, batch] = row
    reference = best["dic", "torch", 1]["ms"]
    table = Table("network", "backend", "batch", "ms a face", "times the reference", "start-up s", "peak MB")
    for (name, backend, batch), row in best.items():
        faster = f"{reference / row['ms']:.1f}"
        cells = (f"{row['ms']:.1f}", faster, f"{row['start_up_s']:.2f}", f"{row['peak_mb']:.0f}")
        table.add_row(name, backend, str(batch), *cells)
    Console().print(table)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--row"]:
        print(json.dumps(measure(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        typer.run(main)
