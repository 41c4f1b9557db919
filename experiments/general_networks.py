"""General super-resolution networks, trained on our packs at the budget of `lite`, for the comparison with it.

    python -m experiments.general_networks rcan --data PACKS --validation VAL.parquet --out runs/rcan

Architectures are spandrel's: `rcan` (Zhang et al. 2018) and `rrdb`, the generator of ESRGAN (Wang et al. 2018), each
with width and depth chosen so that it costs what `lite` costs for a 16 px face, 4 GFLOP, and with its own skips and its
own initial weights. The run is that of configs/lite.toml: same packs, sampler, augmentation, batch, steps, optimiser,
schedule, clipping and averaging; `--set` changes it as for `dicface train`. Two things differ, both to their advantage:
they see crops of 16 px only, the size at which they are measured, and their loss is the L1 of the image alone.

`--resume` goes on from the last checkpoint. The result, weights.safetensors, is a plain state dict that spandrel knows,
and `dicface evaluate --model` takes it. `--data` may be repeated.
"""

import dataclasses
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from torch import Tensor, nn

from dicface.checkpoints.networks import write_tensors
from dicface.data.batches import FaceBatch
from dicface.data.packs import FacePack
from dicface.evaluation.protocols import Y_CROP8
from dicface.networks.resize import resize_bicubic, to_pixels
from dicface.runtime.spandrel import import_spandrel
from dicface.training.config import TrainConfig, read_config
from dicface.training.dic import psnr_db
from dicface.training.fit import fit
from dicface.training.task import Column, Task

CONFIG = Path(__file__).parent.parent / "configs" / "lite.toml"
LR_SIZE = 16
SCALE = 8
Name = Literal["rcan", "rrdb"]
# RCAN's shift by the mean colour of another data set is left out; it does not learn.
SETTINGS: dict[Name, dict[str, Any]] = {
    "rcan": {"n_feats": 64, "n_resgroups": 6, "n_resblocks": 10, "reduction": 16, "norm": False},
    "rrdb": {"num_filters": 48, "num_blocks": 8},
}


def build_network(name: Name) -> nn.Module:
    """An untrained network: (N, 3, 16, 16) RGB in [0, 1] -> (N, 3, 128, 128), not limited to [0, 1]."""
    import_spandrel()
    from spandrel.architectures.ESRGAN import ESRGAN
    from spandrel.architectures.RCAN import RCAN

    return {"rcan": RCAN, "rrdb": ESRGAN}[name](scale=SCALE, **SETTINGS[name])


class ImageTask(Task[nn.Module]):
    """A general network learns the image by L1."""

    def __init__(self, config: TrainConfig, name: Name) -> None:
        super().__init__(config)
        self.name = name
        self.network = build_network(name)

    def training_step(self, batch: FaceBatch, index: int) -> Tensor:
        """Loss of one batch."""
        sr = self.network(batch.lr)
        loss = nn.functional.l1_loss(sr.float(), batch.hr)
        self.log("loss", loss)
        self.log("psnr", psnr_db(sr, batch.hr), prog_bar=True)
        return loss

    def validation_step(self, batch: FaceBatch, index: int) -> dict[str, list[Column]]:
        """Luma PSNR (`y-crop8`) at 16 px."""
        sr = self.network(batch.lr).float()
        score = float(Y_CROP8.psnr(to_pixels(sr), to_pixels(batch.hr)).mean())
        self.log("val_score", score, prog_bar=True)
        enlarged = resize_bicubic(batch.lr, batch.hr.shape[-1])
        return {"columns": [Column(enlarged), Column(sr.clamp(0, 1)), Column(batch.hr)]}

    def write_weights(self, path: Path, notes: Mapping[str, str]) -> None:
        """Write the weights with what they are of."""
        about = {"architecture": self.name, "settings": json.dumps(SETTINGS[self.name])}
        write_tensors(self.network.state_dict(), path, about | dict(notes))


def run_config(overrides: list[str]) -> TrainConfig:
    """The run of `lite`, without what belongs to its landmarks."""
    ours = [f"degradation.size_min={LR_SIZE}", f"degradation.size_max={LR_SIZE}", 'run.landmark_weights=""']
    config = read_config(CONFIG, [*ours, *overrides])
    return dataclasses.replace(config, run=dataclasses.replace(config.run, task="image"))


def main(
    name: Annotated[Name, typer.Argument(help="Which network.")],
    data: Annotated[list[Path], typer.Option(help="Face pack, or folder of them, to learn from; repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, logs and the weights.")],
    validation: Annotated[Path | None, typer.Option(help="Face pack to measure on.")] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="table.key=value of the run.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
) -> None:
    """Train one network, or what is left of it."""

    def build(config: TrainConfig, train: FacePack) -> ImageTask:
        return ImageTask(config, name)

    config = run_config(overrides or [])
    start = time.perf_counter()
    weights = fit(config, data, validation, out, resume=resume, build=build)
    print(f"{weights}, after {(time.perf_counter() - start) / 60:.1f} minutes")


if __name__ == "__main__":
    typer.run(main)
