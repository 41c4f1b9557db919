"""What each part of the method is worth: the small network trained with one part left out at a time.

    python -m experiments.ablations --data PACKS --validation VAL.parquet --out runs/ablations

Every variant is configs/ablation.toml with a setting or two changed, and sees the same batches in the same order;
`--data` may be repeated. The averaged weights are measured by `y-crop8` on all faces of the validation pack, nominal
crop, 16 px. The difference is that of PSNR to the full network, face by face, with a 95 % bootstrap interval: it covers
the choice of faces, not that of the seed.

Run from the folder that holds runs/landmark-lite. Called again, the script keeps what is trained and resumes what was
interrupted; minutes of training are those of all attempts that were not killed outright.
"""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
import typer
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from dicface.checkpoints.networks import load_network
from dicface.data.packs import read_pack
from dicface.errors import ConfigError
from dicface.evaluation.protocols import Y_CROP8
from dicface.evaluation.statistics import bootstrap_interval
from dicface.files import write_json
from dicface.images.pixels import resize, to_network
from dicface.networks.dic import DICNetwork
from dicface.networks.resize import to_pixels
from dicface.training.config import TrainConfig, read_config, resolved
from dicface.training.fit import fit

CONFIG = Path(__file__).parent.parent / "configs" / "ablation.toml"
LR_SIZE = 16
BATCH = 50
FULL = "full"
VARIANTS = {
    FULL: (),
    "one step": ("network.steps=1",),
    "concatenation": ("network.attention=concatenation",),
    "one map": ("network.attention=one-map",),
    "detached attention": ("network.detach_attention=true",),
    "no landmark branch": ("network.attention=none", "run.landmark_weights="),
}


def train(config: TrainConfig, data: list[Path], out: Path) -> float:
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


def gflop(network: DICNetwork) -> float:
    """GFLOP (2 x multiply-add) for one face."""
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, LR_SIZE, LR_SIZE))
    return counter.get_total_flops() / 1e9


def super_resolve(network: DICNetwork, hr: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce faces and super-resolve them: (N, 128, 128, 3) uint8 -> the same, last step."""
    lr = to_network(np.stack([resize(face, (LR_SIZE, LR_SIZE)) for face in hr]))
    with torch.inference_mode():
        sr = torch.cat([network(part).sr[:, -1] for part in torch.from_numpy(lr).split(BATCH)])
    return to_pixels(sr)


def markdown(rows: list[dict[str, Any]]) -> str:
    """The table, one variant a line."""
    lines = [
        "| variant | parameters M | GFLOP | PSNR dB | SSIM | difference dB | minutes |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        low, high = row["difference_ci95_db"]
        difference = f"{row['difference_db']:+.3f} [{low:+.3f}, {high:+.3f}]" if row["variant"] != FULL else ""
        lines.append(
            f"| {row['variant']} | {row['parameters'] / 1e6:.2f} | {row['gflop']:.2f} | {row['psnr_db']:.2f} "
            f"| {row['ssim']:.4f} | {difference} | {row['minutes']:.1f} |"
        )
    return "\n".join(lines)


def main(
    data: Annotated[list[Path], typer.Option(help="Face pack, or folder of them, to learn from; repeatable.")],
    validation: Annotated[Path, typer.Option(help="Face pack to measure on.")],
    out: Annotated[Path, typer.Option(help="Folder for a run of each variant and results.json.")],
    steps: Annotated[int | None, typer.Option(help="Optimiser steps of each; the config's if left out.")] = None,
) -> None:
    """Train what is not trained yet, measure all, print the table."""
    shorter = () if steps is None else (f"run.steps={steps}",)
    hr, _ = read_pack(validation).nominal()
    full_db: NDArray[np.float64] | None = None
    rows: list[dict[str, Any]] = []
    for variant, overrides in VARIANTS.items():
        config = read_config(CONFIG, [*overrides, *shorter])
        folder = out / variant.replace(" ", "-")
        minutes = train(config, data, folder)
        network = load_network(folder / "weights.safetensors")
        sr = super_resolve(network, hr)
        psnr_db = Y_CROP8.psnr(sr, hr)
        full_db = psnr_db if full_db is None else full_db
        rows.append(
            {
                "variant": variant,
                "overrides": overrides,
                "parameters": sum(parameter.numel() for parameter in network.parameters()),
                "gflop": gflop(network),
                "psnr_db": float(psnr_db.mean()),
                "ssim": float(Y_CROP8.ssim(sr, hr).mean()),
                "difference_db": float((psnr_db - full_db).mean()),
                "difference_ci95_db": bootstrap_interval(psnr_db - full_db),
                "minutes": minutes,
            }
        )
    about = {
        "config": CONFIG.name,
        "steps": read_config(CONFIG, shorter).run.steps,
        "data": [path.name for path in data],
        "validation": validation.name,
        "n": len(hr),
        "lr_size": LR_SIZE,
        "protocol": Y_CROP8.name,
    }
    write_json(out / "results.json", about | {"variants": rows})
    print(markdown(rows))


if __name__ == "__main__":
    typer.run(main)
