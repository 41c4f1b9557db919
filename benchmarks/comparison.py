"""The shipped models against plain enlargement and general networks of the same training budget.

    python benchmarks/comparison.py celeba-val.parquet --general runs/rcan --general runs/rrdb --page docs/comparison.md

A run of `--general` is what benchmarks/general_networks.py left; it is refused if its packs or the number of faces it
saw are not those of `lite`, by the card. All faces of the pack, nominal crop, 16 px. Networks run in torch, float32.
Intervals are 95 % bootstrap over the faces; differences are to `lite`, face by face. Times are those of one face at a
time through the same call, all contenders in turn, the best of several rounds.

The tables go to the screen and between the marks in the page, whose text stays as it is; `--json` keeps the numbers.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dicface.checkpoints import load_network
from dicface.data.packs import read_pack
from dicface.errors import CheckpointError, UsageError
from dicface.evaluation.measure import bootstrap_interval
from dicface.evaluation.protocols import PROTOCOLS
from dicface.files import write_json, written_whole
from dicface.foreign.general import load_general
from dicface.images import resize
from dicface.runtime.models import DEFAULT_MODEL, embedded_models, find_model
from dicface.runtime.open import Contender, open_model

LR_SIZE = 16
PLAIN = ("bicubic", "lanczos")
ROUNDS = 5
ROUND_S = 1.0
BEGIN, END = "<!-- benchmarks/comparison.py writes from here -->", "<!-- to here -->"


class Entry(NamedTuple):
    """A contender of the table.

    Attributes:
        name: in the table.
        model: what is measured.
        network: what its parameters and operations are counted on; None for plain enlargement.
    """

    name: str
    model: Contender
    network: nn.Module | None


def check_budget(run: Path, card: dict[str, Any]) -> None:
    """Make sure that a run had the packs of a shipped model, and saw as many faces.

    Raises:
        CheckpointError: it had not, or is not finished.
    """
    try:
        config = json.loads((run / "config.json").read_text())
        starts = json.loads((run / "run.json").read_text())["starts"]
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"expected a run of benchmarks/general_networks.py in {str(run)!r}: {error}") from error
    if not (run / "weights.safetensors").exists():
        raise CheckpointError(f"expected a finished run in {str(run)!r}; go on with it by --resume")
    wanted = {pack["sha256"] for pack in card["data"]}
    for start in starts:
        if {pack["sha256"] for pack in start["data"]} != wanted:
            got = [pack["file"] for pack in start["data"]]
            raise CheckpointError(
                f"expected {str(run)!r} to have learnt from the {len(wanted)} packs of the card, got {got}"
            )
    samples = config["run"]["steps"] * config["batch"]["size"]
    if samples != card["samples"]:
        raise CheckpointError(f"expected {str(run)!r} to have seen {card['samples']} faces, got {samples}")


def entries(runs: Sequence[Path]) -> list[Entry]:
    """Plain enlargement, the shipped models, and general networks by the names of their folders."""
    shipped = [
        Entry(name, open_model(name, "torch"), load_network(find_model(name, ".safetensors")))
        for name in embedded_models("restoration")
    ]
    weights = {run.name: run / "weights.safetensors" for run in runs}
    general = [Entry(name, open_model(str(path)), load_general(path).model) for name, path in weights.items()]
    return [*(Entry(name, open_model(name), None) for name in PLAIN), *shipped, *general]


def cost(network: nn.Module | None) -> dict[str, float | None]:
    """Parameters, and GFLOP (2 x multiply-add) for one face."""
    if network is None:
        return {"parameters": None, "gflop": None}
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, LR_SIZE, LR_SIZE))
    return {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "gflop": counter.get_total_flops() / 1e9,
    }


def times_ms(models: Sequence[Contender], crop: NDArray[np.uint8], rounds: int = ROUNDS) -> list[float]:
    """Milliseconds a face of each model, the best mean of the rounds. They take turns: all meet the same load."""
    best = [float("inf")] * len(models)
    for _ in range(rounds):
        for place, model in enumerate(models):
            model([crop])
            calls, start = 0, time.perf_counter()
            while (elapsed_s := time.perf_counter() - start) < ROUND_S:
                model([crop])
                calls += 1
            best[place] = min(best[place], elapsed_s / calls * 1000)
    return best


def measured(
    contenders: Sequence[Entry], hr: NDArray[np.uint8], reference: str = DEFAULT_MODEL, rounds: int = ROUNDS
) -> list[dict[str, Any]]:
    """Scores of every contender by every protocol, with differences to the reference, and what it costs.

    Args:
        contenders: of different names; the reference among them.
        hr: (N, 128, 128, 3) uint8 RGB.
        reference: name of the contender that the differences are to.
        rounds: of timing.
    """
    lr = [resize(face, (LR_SIZE, LR_SIZE)) for face in hr]
    sr = {entry.name: np.stack([steps.sr[-1] for steps in entry.model(lr)]) for entry in contenders}
    milliseconds = times_ms([entry.model for entry in contenders], lr[0], rounds)
    rows: list[dict[str, Any]] = [
        {"name": entry.name, **cost(entry.network), "ms": ms, "protocols": {}}
        for entry, ms in zip(contenders, milliseconds, strict=True)
    ]
    for protocol in PROTOCOLS:
        for measure, score in (("psnr", protocol.psnr), ("ssim", protocol.ssim)):
            values = {name: score(images, hr) for name, images in sr.items()}
            for row in rows:
                mine = values[row["name"]]
                difference = mine - values[reference]
                row["protocols"].setdefault(protocol.name, {})[measure] = {
                    "mean": float(mine.mean()),
                    "ci95": bootstrap_interval(mine),
                    "difference": float(difference.mean()),
                    "difference_ci95": bootstrap_interval(difference),
                }
    return rows


def _score(summary: dict[str, Any], digits: int) -> str:
    low, high = summary["ci95"]
    return f"{summary['mean']:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _difference(summary: dict[str, Any], digits: int) -> str:
    low, high = summary["difference_ci95"]
    return f"{summary['difference']:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def markdown(rows: Sequence[dict[str, Any]], data: str, faces: int, reference: str = DEFAULT_MODEL) -> str:
    """The tables: cost, and one of scores for each protocol."""
    lines = [f"{data}, {faces} faces, nominal crop, {LR_SIZE} px.", ""]
    lines += ["| | parameters M | GFLOP a face | ms a face |", "|---|---|---|---|"]
    for row in rows:
        size = f"{row['parameters'] / 1e6:.2f} | {row['gflop']:.2f}" if row["parameters"] else "|"
        lines.append(f"| {row['name']} | {size} | {row['ms']:.2f} |")
    for protocol in rows[0]["protocols"]:
        lines += ["", f"`{protocol}`:", "", f"| | PSNR dB | SSIM | PSNR less that of {reference} | SSIM less that |"]
        lines.append("|---|---|---|---|---|")
        for row in rows:
            psnr, ssim = row["protocols"][protocol]["psnr"], row["protocols"][protocol]["ssim"]
            less = f"{_difference(psnr, 3)} | {_difference(ssim, 4)}" if row["name"] != reference else "|"
            lines.append(f"| {row['name']} | {_score(psnr, 2)} | {_score(ssim, 4)} | {less} |")
    return "\n".join(lines)


def write_between_marks(page: Path, tables: str) -> None:
    """Replace what stands between the marks of a page.

    Raises:
        UsageError: the page lacks them.
    """
    text = page.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UsageError(f"expected {BEGIN!r} and {END!r} in {str(page)!r}")
    with written_whole(page) as part:
        part.write_text(f"{before}{BEGIN}\n\n{tables}\n\n{END}{after}", encoding="utf-8")


def main(
    data: Annotated[Path, typer.Argument(help="Face pack to measure on.")],
    general: Annotated[list[Path] | None, typer.Option(help="Finished run of a general network; repeatable.")] = None,
    page: Annotated[Path | None, typer.Option(help="Markdown page whose tables are replaced.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File for the numbers.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many faces from the start.")] = None,
) -> None:
    """Measure all contenders and print the tables."""
    card = embedded_models("restoration")[DEFAULT_MODEL]
    for run in general or []:
        check_budget(run, card)
    hr, _ = read_pack(data, limit).nominal()
    rows = measured(entries(general or []), hr)
    tables = markdown(rows, data.name, len(hr))
    print(tables)
    if json_file is not None:
        write_json(json_file, {"data": data.name, "n": len(hr), "lr_size": LR_SIZE, "contenders": rows})
    if page is not None:
        write_between_marks(page, tables)


if __name__ == "__main__":
    typer.run(main)
