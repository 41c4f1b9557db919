"""The shipped models against plain enlargement, and networks trained at one budget against each other.

    python -m experiments.comparison celeba-val.parquet --run runs/dic-small --run runs/rcan --run runs/rrdb \\
        --page docs/comparison.md

A run is a folder of `dicface train` or of experiments/general_networks.py. All runs must have seen the same packs and
as many faces, or they are refused. All faces of the pack, nominal crop, 16 px. Networks run in torch, float32.
Intervals are 95 % bootstrap over the faces; differences are face by face, to the first run, or to the default model if
there is none. Times are those of one face at a time through the same call, all upscalers in turn, the best of several
rounds.

The tables go to the screen and between the marker comments of the page, whose text stays as it is; `--json` keeps the
numbers.
"""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray
from torch import nn

from dicface.checkpoints.networks import is_ours, load_network
from dicface.data.references import References, read_references
from dicface.errors import CheckpointError, UsageError
from dicface.evaluation.protocols import PROTOCOLS
from dicface.evaluation.scores import score
from dicface.evaluation.statistics import estimate, paired
from dicface.files import write_json, written_whole
from dicface.images.pixels import resize
from dicface.runtime.cards import RestorationResult
from dicface.runtime.models import DEFAULT_MODEL, embedded_models, find_model
from dicface.runtime.spandrel import load_general
from dicface.runtime.upscalers import Upscaler, open_model
from experiments.ablations import gflop

LR_SIZE = 16
PLAIN = ("bicubic", "lanczos")
ROUNDS = 5
ROUND_S = 1.0
BEGIN, END = "<!-- experiments/comparison.py writes from here -->", "<!-- to here -->"


class Entry(NamedTuple):
    """An upscaler of the table.

    Attributes:
        name: in the table.
        model: what is measured.
        network: what its parameters and operations are counted on; None for plain enlargement.
        faces_seen: in training; None for plain enlargement.
    """

    name: str
    model: Upscaler
    network: nn.Module | None
    faces_seen: int | None


class Budget(NamedTuple):
    """The training budget of a run: its data, and the number of faces drawn from it.

    Attributes:
        packs: hashes of the packs.
        faces_seen: one face seen twice counts twice.
    """

    packs: frozenset[str]
    faces_seen: int


def read_budget(run: Path) -> Budget:
    """Read the training budget of a finished run from its folder.

    Raises:
        CheckpointError: it is no run, or not finished.
    """
    try:
        config = json.loads((run / "config.json").read_text())
        starts = json.loads((run / "run.json").read_text())["starts"]
        packs = frozenset(pack["sha256"] for start in starts for pack in start["data"])
        faces_seen = config["run"]["steps"] * config["batch"]["size"]
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"expected the folder of a training run, got {str(run)!r}: {error}") from error
    if not (run / "weights.safetensors").exists():
        raise CheckpointError(f"expected a finished run in {str(run)!r}; go on with it by --resume")
    return Budget(packs, faces_seen)


def common_budget(runs: Sequence[Path]) -> Budget:
    """The budget of runs that are compared.

    Raises:
        CheckpointError: they differ, or one is no finished run.
    """
    first, *others = budgets = [read_budget(run) for run in runs]
    for run, budget in zip(runs[1:], others, strict=True):
        if budget.packs != first.packs:
            raise CheckpointError(f"expected {str(run)!r} to have learnt from the packs of {str(runs[0])!r}")
        if budget != first:
            seen = [budget.faces_seen for budget in budgets]
            raise CheckpointError(f"expected runs that saw as many faces as {str(runs[0])!r}, got {seen}")
    return first


def entries(runs: Sequence[Path]) -> list[Entry]:
    """Plain enlargement, the shipped models, and runs of one budget by the names of their folders."""
    found = [Entry(name, open_model(name), None, None) for name in PLAIN]
    for name, card in embedded_models("restoration").items():
        if not any(isinstance(row, RestorationResult) and row.lr_size == LR_SIZE for row in card.results):
            continue  # it takes larger crops only
        network = load_network(find_model(name, ".safetensors"))
        found.append(Entry(name, open_model(name, "torch"), network, card.samples))
    for run in runs:
        weights = run / "weights.safetensors"
        network = load_network(weights) if is_ours(weights) else load_general(weights).model
        found.append(Entry(run.name, open_model(str(weights)), network, common_budget(runs).faces_seen))
    return found


def cost(network: nn.Module | None) -> dict[str, float | None]:
    """Parameters, and GFLOP (2 x multiply-add) for one face."""
    if network is None:
        return {"parameters": None, "gflop": None}
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return {"parameters": parameters, "gflop": gflop(network, LR_SIZE)}


def times_ms(models: Sequence[Upscaler], crop: NDArray[np.uint8], rounds: int = ROUNDS) -> list[float]:
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
    upscalers: Sequence[Entry], references: References, reference: str = DEFAULT_MODEL, rounds: int = ROUNDS
) -> list[dict[str, Any]]:
    """Scores of every upscaler by every protocol, with differences to the reference, and what it costs.

    Args:
        upscalers: of different names; the reference among them.
        references: faces to measure on.
        reference: name of the upscaler that the differences are to.
        rounds: of timing.
    """
    milliseconds = times_ms([entry.model for entry in upscalers], resize(references.hr[0], (LR_SIZE, LR_SIZE)), rounds)
    scores = {entry.name: score(entry.model, references, LR_SIZE) for entry in upscalers}
    rows: list[dict[str, Any]] = []
    for entry, ms in zip(upscalers, milliseconds, strict=True):
        mine, other = scores[entry.name], scores[reference]
        protocols: dict[str, Any] = {}
        for name in (protocol.name for protocol in PROTOCOLS):
            protocols[name] = {
                measure: estimate(values[:, -1]).json | {"to_reference": paired(values[:, -1], others[:, -1]).json}
                for measure, values, others in (
                    ("psnr", mine.psnr[name], other.psnr[name]),
                    ("ssim", mine.ssim[name], other.ssim[name]),
                )
            }
        facts = {"name": entry.name, "faces_seen": entry.faces_seen, **cost(entry.network), "ms": ms}
        rows.append(facts | {"protocols": protocols})
    return rows


def _score(summary: dict[str, Any], digits: int) -> str:
    low, high = summary["ci95"]
    return f"{summary['mean']:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _difference(summary: dict[str, Any], digits: int) -> str:
    pair = summary["to_reference"]
    low, high = pair["ci95"]
    return f"{pair['difference']:+.{digits}f} [{low:+.{digits}f}, {high:+.{digits}f}]"


def markdown(rows: Sequence[dict[str, Any]], data: str, faces: int, reference: str = DEFAULT_MODEL) -> str:
    """The tables: cost, and one of scores for each protocol."""
    lines = [f"{data}, {faces} faces, nominal crop, {LR_SIZE} px.", ""]
    lines += ["| | faces seen in training | parameters M | GFLOP a face | ms a face |", "|---|---|---|---|---|"]
    for row in rows:
        plain = row["parameters"] is None
        size = "| |" if plain else f"{row['faces_seen']:,} | {row['parameters'] / 1e6:.2f} | {row['gflop']:.2f}"
        lines.append(f"| {row['name']} | {size} | {row['ms']:.2f} |")
    for protocol in rows[0]["protocols"]:
        lines += ["", f"`{protocol}`:", "", f"| | PSNR dB | SSIM | PSNR less that of {reference} | SSIM less that |"]
        lines.append("|---|---|---|---|---|")
        for row in rows:
            psnr, ssim = row["protocols"][protocol]["psnr"], row["protocols"][protocol]["ssim"]
            less = f"{_difference(psnr, 3)} | {_difference(ssim, 4)}" if row["name"] != reference else "|"
            lines.append(f"| {row['name']} | {_score(psnr, 2)} | {_score(ssim, 4)} | {less} |")
    return "\n".join(lines)


def write_between_markers(page: Path, tables: str) -> None:
    """Replace the text between the two marker comments of a page.

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
    data: Annotated[Path, typer.Argument(help="Face pack, or folder of faces, to measure on.")],
    run: Annotated[list[Path] | None, typer.Option(help="Finished training run; repeatable.")] = None,
    page: Annotated[Path | None, typer.Option(help="Markdown page whose tables are replaced.")] = None,
    json_file: Annotated[Path | None, typer.Option("--json", help="File for the numbers.")] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only that many faces from the start.")] = None,
) -> None:
    """Measure all upscalers and print the tables."""
    runs = run or []
    if runs:
        common_budget(runs)
    references, _ = read_references(data, limit)
    reference = runs[0].name if runs else DEFAULT_MODEL
    rows = measured(entries(runs), references, reference)
    tables = markdown(rows, references.name, len(references.keys), reference)
    print(tables)
    if json_file is not None:
        about = {"data": references.name, "n": len(references.keys), "lr_size": LR_SIZE, "reference": reference}
        write_json(json_file, about | {"upscalers": rows})
    if page is not None:
        write_between_markers(page, tables)


if __name__ == "__main__":
    typer.run(main)
