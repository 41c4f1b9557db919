"""What each part of the method is worth: a small network trained with a setting or two changed at a time.

    python -m experiments.ablations paper --data PACKS --validation VAL.parquet --out runs/ablations
    python -m experiments.ablations u --data PACKS --validation VAL.parquet --out runs/ablations-u --minutes 8

`paper` changes the config `ablation`, whose variants see the same batches in the same order. `u` changes
`lite`; its variants differ in what a step costs, so each gets as many steps as its processor time allows
(`--minutes`, measured before; one thread: OMP_NUM_THREADS=1), with the whole schedule. `--data` may be repeated. The
averaged weights are measured by `y-crop8` on all faces of the validation pack, nominal crop, clean. The difference is
that of PSNR to the first variant, face by face, with a 95 % bootstrap interval: it covers the choice of faces, not that
of the seed.

Run from the folder that holds runs/landmark-lite (and runs/landmark-lite-32, the same config with
`--set network.hourglass_width=32`, for `u`). Called again, the script keeps what is trained and resumes what was
interrupted; minutes of training are those of all attempts that were not killed outright.
"""

import json
import time
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from dicface.checkpoints.networks import load_network
from dicface.checkpoints.runs import CONFIGS
from dicface.data.packs import read_pack
from dicface.errors import ConfigError
from dicface.evaluation.protocols import Y_CROP8
from dicface.evaluation.statistics import bootstrap_interval
from dicface.files import write_json
from dicface.images.pixels import resize, to_network
from dicface.networks.dic import DICNetwork
from dicface.networks.resize import to_pixels
from dicface.training.config import DICRun, resolved
from dicface.training.config_files import read_config
from dicface.training.fit import fit
from experiments.training import FACES, our_step

BATCH = 50
TIMED_STEPS = 20


class Family(NamedTuple):
    """Variants of one config, the first of which the others are compared with."""

    config: Path
    variants: dict[str, tuple[str, ...]]
    """Settings that differ, by the variant's name."""
    lr_sizes: tuple[int, ...]


_NO_LANDMARKS = ("network.attention=none", "run.landmark_weights=")
_ONE_STEP = ("network.steps=1", "network.trunk_blocks=8")

FAMILIES = {
    "paper": Family(
        CONFIGS / "ablation.toml",
        {
            "full": (),
            "one step": ("network.steps=1",),
            "concatenation": ("network.attention=concatenation",),
            "one map": ("network.attention=one-map",),
            "detached attention": ("network.detach_attention=true",),
            "no landmark branch": _NO_LANDMARKS,
        },
        (16,),
    ),
    "u": Family(
        CONFIGS / "lite.toml",
        {
            "two steps": (),
            "one step": _ONE_STEP,
            "three steps": ("network.steps=3",),
            "no landmark branch": _NO_LANDMARKS,
            "one step, no landmark branch": (*_ONE_STEP, *_NO_LANDMARKS),
            "component attention": ("network.attention=components",),
            "trunk of 192": ("network.trunk_width=192",),
            "landmark branch of 32": (
                "network.hourglass_width=32",
                "run.landmark_weights=runs/landmark-lite-32/weights.safetensors",
            ),
            "no consistency": ("network.consistency=false",),
        },
        (16, 32),
    ),
}


def steps_within(config: DICRun, minutes: float, data: list[Path]) -> int:
    """Optimiser steps of a run within so much processor time, measured on a few steps.

    Args:
        config: run.
        minutes: processor time of all threads.
        data: its packs; the first 512 faces of the first are used.
    """
    step = our_step(config, DICNetwork(config.network), read_pack(data[0], FACES), torch.device("cpu"))
    for _ in range(3):
        step()
    start = time.process_time()
    for _ in range(TIMED_STEPS):
        step()
    return int(60 * minutes * TIMED_STEPS / (time.process_time() - start))


def within(path: Path, overrides: tuple[str, ...], minutes: float, data: list[Path], out: Path) -> DICRun:
    """Config of a variant whose whole schedule takes so much processor time, or that of the run in `out`."""
    settings = out / "config.json"
    if settings.exists():
        steps = json.loads(settings.read_text())["run"]["steps"]
    else:
        steps = steps_within(_dic_run(path, [*overrides, "run.landmark_weights="]), minutes, data)
    schedule = [f"run.steps={steps}", "optimiser.schedule=cosine", "optimiser.decay_steps=0"]
    return _dic_run(path, [*overrides, *schedule, f"optimiser.warmup_steps={steps // 10}", "run.keep_every=0"])


def _dic_run(path: Path, overrides: list[str]) -> DICRun:
    config = read_config(path, overrides)
    assert isinstance(config, DICRun)
    return config


def train(config: DICRun, data: list[Path], out: Path) -> float:
    """Train a variant, or what is left of it.

    Returns:
        Minutes of training, those of earlier attempts included.

    Raises:
        ConfigError: `out` holds a run of other settings, which would not compare.
    """
    out.mkdir(parents=True, exist_ok=True)
    settings, clock = out / "config.json", out / "minutes.json"
    if settings.exists() and json.loads(settings.read_text()) != resolved(config):
        raise ConfigError(f"expected {str(out)!r} to hold a run of the same settings; choose another --out")
    before = json.loads(clock.read_text()) if clock.exists() else 0.0
    if (out / "weights.safetensors").exists():
        return before
    start = time.perf_counter()
    try:
        fit(config, data, None, out, resume=(out / "last.ckpt").exists())
    finally:
        minutes = before + (time.perf_counter() - start) / 60
        write_json(clock, minutes)
    return minutes


def gflop(network: nn.Module, lr_size: int) -> float:
    """GFLOP (2 x multiply-add) for one face of a network that takes (N, 3, S, S), S being `lr_size`."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, lr_size, lr_size))
    return counter.get_total_flops() / 1e9


def super_resolve(network: DICNetwork, hr: NDArray[np.uint8], lr_size: int) -> NDArray[np.uint8]:
    """Reduce faces and super-resolve them: (N, 128, 128, 3) uint8 -> the same, last step."""
    lr = to_network(np.stack([resize(face, (lr_size, lr_size)) for face in hr]))
    with torch.inference_mode():
        sr = torch.cat([network(part).sr[:, -1] for part in torch.from_numpy(lr).split(BATCH)])
    return to_pixels(sr)


def measured(
    network: DICNetwork, hr: NDArray[np.uint8], lr_size: int, full_db: NDArray[np.float64] | None
) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """PSNR and SSIM of a variant at one size, the difference to the first variant's, and each face's PSNR."""
    sr = super_resolve(network, hr, lr_size)
    psnr_db = Y_CROP8.psnr(sr, hr)
    difference = psnr_db - (psnr_db if full_db is None else full_db)
    row = {
        "lr_size": lr_size,
        "psnr_db": float(psnr_db.mean()),
        "ssim": float(Y_CROP8.ssim(sr, hr).mean()),
        "difference_db": float(difference.mean()),
        "difference_ci95_db": bootstrap_interval(difference),
    }
    return row, psnr_db


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table, one variant a line, PSNR and difference for each size."""
    sizes = [result["lr_size"] for result in rows[0]["results"]]
    names = "".join(f" {size} px: PSNR dB | SSIM | difference dB |" for size in sizes)
    lines = [f"| variant | parameters M | GFLOP | faces seen |{names} minutes |", "|---" * (5 + 3 * len(sizes)) + "|"]
    for row in rows:
        cells = [row["variant"], f"{row['parameters'] / 1e6:.2f}", f"{row['gflop']:.2f}", f"{row['faces']:,}"]
        for result in row["results"]:
            low, high = result["difference_ci95_db"]
            difference = f"{result['difference_db']:+.3f} [{low:+.3f}, {high:+.3f}]" if row is not rows[0] else ""
            cells += [f"{result['psnr_db']:.2f}", f"{result['ssim']:.4f}", difference]
        lines.append("| " + " | ".join([*cells, f"{row['minutes']:.1f}"]) + " |")
    return "\n".join(lines)


def main(
    family: Annotated[Literal["paper", "u"], typer.Argument(help="Which variants.")],
    data: Annotated[list[Path], typer.Option(help="Face pack, or folder of them, to learn from; repeatable.")],
    validation: Annotated[Path, typer.Option(help="Face pack to measure on.")],
    out: Annotated[Path, typer.Option(help="Folder for a run of each variant and results.json.")],
    steps: Annotated[int | None, typer.Option(help="Optimiser steps of each; the config's if left out.")] = None,
    minutes: Annotated[float | None, typer.Option(help="Processor minutes of each, in place of steps.")] = None,
    only: Annotated[list[str] | None, typer.Option(help="A variant by name; repeatable; all if left out.")] = None,
) -> None:
    """Train what is not trained yet, measure all, print the table."""
    chosen = FAMILIES[family]
    shorter = () if steps is None else (f"run.steps={steps}",)
    hr, _ = read_pack(validation).nominal()
    reference: dict[int, NDArray[np.float64]] = {}
    rows: list[dict[str, Any]] = []
    for variant in only or chosen.variants:
        overrides = chosen.variants[variant]
        folder = out / variant.replace(",", "").replace(" ", "-")
        if minutes is None:
            config = _dic_run(chosen.config, [*overrides, *shorter])
        else:
            config = within(chosen.config, overrides, minutes, data, folder)
        trained_minutes = train(config, data, folder)
        network = load_network(folder / "weights.safetensors")
        results: list[dict[str, Any]] = []
        for lr_size in chosen.lr_sizes:
            result, psnr_db = measured(network, hr, lr_size, reference.get(lr_size))
            reference.setdefault(lr_size, psnr_db)
            results.append(result)
        rows.append(
            {
                "variant": variant,
                "overrides": overrides,
                "parameters": sum(parameter.numel() for parameter in network.parameters()),
                "gflop": gflop(network, chosen.lr_sizes[0]),
                "faces": config.run.steps * config.batch.size,
                "results": results,
                "minutes": trained_minutes,
            }
        )
        print(markdown(rows), flush=True)
    about = {
        "config": chosen.config.name,
        "data": [path.name for path in data],
        "validation": validation.name,
        "n": len(hr),
        "protocol": Y_CROP8.name,
    }
    write_json(out / "results.json", about | {"variants": rows})


if __name__ == "__main__":
    typer.run(main)
