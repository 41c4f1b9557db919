"""Speed and memory of the networks on this machine, in one run: `dicface benchmark --reference`, with a plot.

    python -m experiments.inference --data PACK [--json FILE] [--plot FILE.png]

The reference is the network of the authors' sizes in torch, eager, float32, one face at a time. Speed does not depend
on the weights, so while `dic` is not embedded it is measured with random ones, without a PSNR. The plot needs
matplotlib.
"""

import tempfile
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from dicface.benchmark.cases import embedded, embedded_names, list_cases
from dicface.benchmark.reference import reference_cases
from dicface.benchmark.run import REFERENCE, benchmark_faces, result_table, run_cases, this_machine
from dicface.files import write_json


def plot(result: dict[str, Any], path: Path) -> None:
    """Milliseconds a face of every row, on a logarithmic scale."""
    from matplotlib.figure import Figure

    rows = sorted(result["rows"], key=lambda row: row["ms"], reverse=True)
    labels = [f"{row['model']}, {row['backend']}, {row['precision']}, batch {row['batch']}" for row in rows]
    colours = {"torch": "tab:red", "onnxruntime": "tab:blue", "openvino": "tab:green"}
    figure = Figure(figsize=(8, 0.8 + 0.28 * len(rows)), layout="constrained")
    axes = figure.subplots()
    bars = axes.barh(labels, [row["ms"] for row in rows], color=[colours[row["backend"]] for row in rows])
    axes.bar_label(bars, [f"{row['ms']:.1f}" for row in rows], padding=3)
    axes.set_xscale("log")
    axes.set_xlabel("milliseconds a face")
    axes.margins(x=0.2)  # room for the longest bar's number
    figure.savefig(path, dpi=110)


def main(
    data: Annotated[Path | None, typer.Option(help="Face pack for the PSNR; generated pictures if left out.")] = None,
    rounds: Annotated[int, typer.Option(help="Measure everything that often; the best counts.")] = 3,
    json_file: Annotated[Path | None, typer.Option("--json", help="Write the numbers to this file.")] = None,
    plot_file: Annotated[Path | None, typer.Option("--plot", help="Draw them into this PNG file.")] = None,
) -> None:
    """Measure every row and print the table."""
    machine, console = this_machine(), Console()
    with tempfile.TemporaryDirectory() as folder:
        others = [embedded(name) for name in embedded_names() if name != REFERENCE[0]]
        cases = [*reference_cases(Path(folder), machine), *list_cases(others, machine)]
        result = run_cases(cases, machine, benchmark_faces(data), rounds, console.log)
    if json_file is not None:
        write_json(json_file, {**result, "data": None if data is None else data.name})
    if result["rows"]:
        console.print(result_table(result))
    if result["rows"] and plot_file is not None:
        plot(result, plot_file)
    if result["failures"]:
        raise SystemExit("\n".join(result["failures"]))


if __name__ == "__main__":
    typer.run(main)
