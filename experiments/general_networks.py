"""General super-resolution networks, trained on our packs at the budget of `lite`, for the comparison with it.

    python -m experiments.general_networks rcan --data PACKS --validation VAL.parquet --out runs/rcan

Architectures are spandrel's: `rcan` (Zhang et al. 2018) and `rrdb`, the generator of ESRGAN (Wang et al. 2018), each
with width and depth chosen so that it costs what `lite` costs for a 16 px face, 4 GFLOP, and with its own skips and its
own initial weights. The run is that of the config `ablation`: same packs, sampler, augmentation, batch, steps,
optimiser, schedule, clipping and averaging; `--set` changes it as for `dicface train`. One thing differs: their loss is
the L1 of the image alone.

`--resume` goes on from the last checkpoint. The result, weights.safetensors, is a plain state dict that spandrel knows,
and `dicface evaluate --model` takes it. `--data` may be repeated.
"""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from torch import nn

from dicface.checkpoints.networks import write_tensors
from dicface.checkpoints.runs import CONFIGS
from dicface.data.packs import FacePack
from dicface.runtime.spandrel import import_spandrel
from dicface.training.config import ImageRun, resolved
from dicface.training.config_files import from_tables, read_config
from dicface.training.fit import fit
from dicface.training.image import ImageTask

CONFIG = CONFIGS / "ablation.toml"
LR_SIZE = 16
SCALE = 8
TABLES = ("batch", "augmentation", "degradation", "optimiser")
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


class GeneralTask(ImageTask):
    """A general network learns the image by L1."""

    def __init__(self, config: ImageRun, name: Name) -> None:
        super().__init__(config, build_network(name))
        self.name: Name = name

    def write_weights(self, path: Path, notes: Mapping[str, str]) -> None:
        """Write the weights with what they are of."""
        about: dict[str, str] = {"architecture": self.name, "settings": json.dumps(SETTINGS[self.name])}
        write_tensors(self.network.state_dict(), path, about | dict(notes))


def run_config(overrides: list[str]) -> ImageRun:
    """The run of `lite`, without what belongs to its landmarks."""
    ours = [f"degradation.size_min={LR_SIZE}", f"degradation.size_max={LR_SIZE}", 'run.landmark_weights=""']
    tables = resolved(read_config(CONFIG, [*ours, *overrides]))
    config = from_tables({**{name: tables[name] for name in TABLES}, "run": {**tables["run"], "task": "image"}})
    assert isinstance(config, ImageRun)
    return config


def main(
    name: Annotated[Name, typer.Argument(help="Which network.")],
    data: Annotated[list[Path], typer.Option(help="Face pack, or folder of them, to learn from; repeatable.")],
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, logs and the weights.")],
    validation: Annotated[Path | None, typer.Option(help="Face pack to measure on.")] = None,
    overrides: Annotated[list[str] | None, typer.Option("--set", help="table.key=value of the run.")] = None,
    *,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the last checkpoint.")] = False,
) -> None:
    """Train one network, or what is left of it."""

    def build(config: ImageRun, train: FacePack) -> GeneralTask:
        return GeneralTask(config, name)

    config = run_config(overrides or [])
    start = time.perf_counter()
    weights = fit(config, data, validation, out, resume=resume, build=build)
    print(f"{weights}, after {(time.perf_counter() - start) / 60:.1f} minutes")


if __name__ == "__main__":
    typer.run(main)
