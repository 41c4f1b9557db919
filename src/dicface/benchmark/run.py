"""The whole benchmark: all cases, one process after the other, and their table."""

import dataclasses
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.table import Table

from dicface.benchmark.cases import IMAGE_PX, Case, Machine, MeasuredBackend
from dicface.errors import BenchmarkError
from dicface.images.pixels import FACE_PX, resize
from dicface.runtime.parallel import usable_cores
from dicface.runtime.providers import processor_capabilities

REFERENCE = ("dic", "torch", "float32", 1)
"""The network of the authors' sizes in torch, eager, float32, one face at a time; see `benchmark.reference`."""


def this_machine() -> Machine:
    """Capabilities of this machine: installed backends and what the processor supports."""
    installed: list[MeasuredBackend] = ["onnxruntime"]
    has_openvino, has_torch = (find_spec(name) is not None for name in ("openvino", "torch"))
    if has_openvino:
        installed.append("openvino")
    # Only torch can tell whether it sees an accelerator, and the base install must not import it.
    if not has_torch:
        return Machine(tuple(installed), has_openvino and "BF16" in processor_capabilities())
    cuda = _python("-c", "import torch; print(torch.cuda.is_available())").strip() == "True"
    return Machine((*installed, "torch"), has_openvino and "BF16" in processor_capabilities(), cuda)


def _python(*arguments: str) -> str:
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise BenchmarkError(f"a measurement failed: {last}")
    return done.stdout


def _ask(request: dict[str, Any]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "request.json")
        path.write_text(json.dumps(request), encoding="utf-8")
        return json.loads(_python("-m", "dicface.benchmark.measure", str(path)).splitlines()[-1])


def _better(one: dict[str, Any] | None, other: dict[str, Any]) -> dict[str, Any]:
    return other if one is None or other["ms"] < one["ms"] else one


def run_cases(
    cases: Sequence[Case],
    machine: Machine,
    faces: NDArray[np.uint8],
    rounds: int = 1,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Measure all cases.

    Args:
        cases: one row each.
        machine: capabilities of this machine.
        faces: (N, 128, 128, 3) uint8 RGB for the PSNR; N = 0 leaves it out.
        rounds: how often the whole table is measured; the best time of each row counts.
        progress: called with the name of the next case.

    Returns:
        JSON-ready: machine, peak_gflops by precision, rows, failures. A failure is a line about a case that could not
        be measured in every round. A row has model, backend, precision, compiled, channels_last, batch, ms (per face),
        faces_per_s, times_reference, peak_share, psnr_change (dB against the model's first row in float32),
        start_up_s, peak_mb; null where it does not apply.

    Raises:
        BenchmarkError: the processor's peak could not be measured.
    """
    progress("the processor's peak")
    peaks: dict[str, float] = _ask({"peak": machine.backends})
    best: dict[Case, dict[str, Any]] = {}
    failures: dict[Case, str] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "faces.npy")
        np.save(path, faces)
        for number in range(rounds):
            for case in cases:
                if case in failures:
                    continue
                progress(_name(case))
                request = {
                    "kind": case.model.kind,
                    "path": str(case.model.files[case.backend]),
                    "side": IMAGE_PX[case.model.kind],
                    "faces": str(path) if case.model.trained and number == 0 and len(faces) else None,
                    **_described(case),
                }
                try:
                    row = _ask(request)
                except BenchmarkError as error:
                    failures[case] = str(error)
                    continue
                psnr = row["psnr"] if number == 0 else best[case]["psnr"]
                best[case] = {**_better(best.get(case), row), "psnr": psnr}
    return {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": usable_cores(),
            "cuda": machine.cuda,
            "python": platform.python_version(),
            **{name: version(name) for name in machine.backends},
        },
        "peak_gflops": peaks,
        "faces": len(faces),
        "rows": _rows(best, peaks),
        "failures": [f"{_name(case)}: {reason}" for case, reason in failures.items()],
    }


def _name(case: Case) -> str:
    return f"{case.model.name}, {case.backend}, {case.how}, batch {case.batch}"


def _described(case: Case) -> dict[str, Any]:
    """A case without its model, JSON-ready."""
    return {key: value for key, value in dataclasses.asdict(case).items() if key != "model"}


def _rows(best: dict["Case", dict[str, Any]], peaks: dict[str, float]) -> list[dict[str, Any]]:
    """Measured rows with rates and comparisons."""
    named = {(c.model.name, c.backend, c.precision, c.batch): row for c, row in reversed(best.items())}
    reference = named.get(REFERENCE)
    exact: dict[str, float] = {}
    for case, row in best.items():
        if case.precision == "float32" and row["psnr"] is not None:
            exact.setdefault(case.model.name, row["psnr"])
    rows: list[dict[str, Any]] = []
    for case, row in best.items():
        peak = peaks.get(case.precision)
        share = case.model.gflop / (row["ms"] / 1000) / peak if case.model.gflop and peak else None
        change = row["psnr"] - exact[case.model.name] if row["psnr"] is not None and case.model.name in exact else None
        rows.append(
            {
                "model": case.model.name,
                **_described(case),
                "faces_per_s": 1000 / row["ms"],
                "times_reference": reference["ms"] / row["ms"] if reference else None,
                "peak_share": share,
                "psnr_change": change,
                **{key: value for key, value in row.items() if key != "psnr"},
            }
        )
    return rows


def _cell(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)


def result_table(result: dict[str, Any]) -> Table:
    """The result of `run_cases` as a table of at most 80 characters a line."""
    peaks = ", ".join(f"{value:.0f} GFLOP/s in {name}" for name, value in result["peak_gflops"].items())
    reference = any(row["times_reference"] is not None for row in result["rows"])
    table = Table(
        caption=f"measured peak: {peaks}; PSNR is the change against float32; the finder looks through photos of "
        f"{IMAGE_PX['finder']}x{IMAGE_PX['finder']} px",
        box=SIMPLE,
        show_edge=False,
        padding=0,
    )
    table.add_column("model", no_wrap=True)
    table.add_column("backend", no_wrap=True)
    table.add_column("how", overflow="fold")
    numbers = ("at\nonce", "ms a\nface", "faces\na s", "times\nref.", "of\npeak", "PSNR\ndB", "start\ns", "MB")
    for name in numbers:
        if reference or not name.startswith("times"):
            table.add_column(name, justify="right", no_wrap=True)
    for row in result["rows"]:
        extras = (name.replace("_", " ") for name in ("compiled", "channels_last") if row[name])
        table.add_row(
            row["model"],
            row["backend"],
            " ".join((row["precision"], *extras)),
            str(row["batch"]),
            f"{row['ms']:.1f}",
            f"{row['faces_per_s']:.1f}",
            *((_cell(row["times_reference"], ".1f"),) if reference else ()),
            _cell(row["peak_share"], ".0%"),
            _cell(row["psnr_change"], "+.3f"),
            f"{row['start_up_s']:.2f}",
            _cell(row["peak_mb"], ".0f"),
        )
    return table


BENCHMARK_FACES = 100


def benchmark_faces(pack: Path | None, faces: int = BENCHMARK_FACES) -> NDArray[np.uint8]:
    """Nominal crops of the first faces of a pack; without a pack, generated smooth coloured images.

    Returns:
        (N, 128, 128, 3) uint8 RGB.

    Raises:
        PackError: not a face pack.
    """
    if pack is not None:
        from dicface.data.packs import read_pack

        return read_pack(pack, faces).nominal()[0]
    rough = np.random.default_rng(0).integers(0, 256, (faces, 12, 12, 3), dtype=np.uint8)
    return np.stack([resize(picture, (FACE_PX, FACE_PX)) for picture in rough])
