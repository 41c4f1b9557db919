"""Which layers of an ONNX model cost what, in ONNX Runtime.

    python -m experiments.layers [MODEL.onnx]

Time is that of one thread, the mean of several calls with one face; kinds of layers, then the dearest single ones.
"""

import json
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import onnxruntime
import typer
from rich.console import Console
from rich.table import Table

from dicface.runtime.models import find_model

CALLS = 10


def kernel_events(path: Path) -> list[dict[str, Any]]:
    """What ONNX Runtime notes of every layer, the first call left out."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    options.enable_profiling = True
    with tempfile.TemporaryDirectory() as folder:
        options.profile_file_prefix = str(Path(folder, "profile"))
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        side = 16 if session.get_inputs()[0].name == "lr" else 128
        image = np.random.default_rng(0).random((1, 3, side, side), dtype=np.float32)
        for _ in range(CALLS + 1):
            session.run(None, {session.get_inputs()[0].name: image})
        events = json.loads(Path(session.end_profiling()).read_text())
    second = [event for event in events if event["name"] == "model_run"][1]["ts"]
    return [event for event in events if event.get("cat") == "Node" and event["ts"] >= second and event["dur"]]


def main(
    model: Annotated[str, typer.Argument(help="Name of an embedded model, or an ONNX file.")] = "lite",
    dearest: Annotated[int, typer.Option(help="How many single layers to show.")] = 12,
) -> None:
    """Print both tables."""
    kinds: defaultdict[str, list[float]] = defaultdict(list)
    layers: defaultdict[tuple[str, str], float] = defaultdict(float)
    for event in kernel_events(find_model(model)):
        if "op_name" in event["args"]:
            kind, ms = event["args"]["op_name"], event["dur"] / 1000 / CALLS
            kinds[kind].append(ms)
            shapes = ", ".join(
                "x".join(map(str, shape)) for port in event["args"]["input_type_shape"] for shape in port.values()
            )
            layers[kind, shapes] += ms
    total = sum(sum(each) for each in kinds.values())
    table = Table("kind", "layers", "ms", "share", title=f"{model}: {total:.1f} ms")
    for kind, each in sorted(kinds.items(), key=lambda item: -sum(item[1])):
        table.add_row(kind, f"{len(each) / CALLS:.0f}", f"{sum(each):.2f}", f"{sum(each) / total:.0%}")
    single = Table("kind", "shapes of input, weights, bias", "ms", title="the dearest, same shapes together")
    for (kind, shapes), ms in sorted(layers.items(), key=lambda item: -item[1])[:dearest]:
        single.add_row(kind, shapes, f"{ms:.2f}")
    Console().print(table, single)


if __name__ == "__main__":
    typer.run(main)
