"""Shipped configs made small enough for tests, and runs of them."""

import os
import signal
import tempfile
import tomllib
import warnings
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import pytest
import torch

from dicface.checkpoints.networks import save_network
from dicface.checkpoints.runs import CONFIGS
from dicface.images.pixels import FACE_PX
from dicface.networks.dic import DICNetwork
from dicface.networks.lightcnn import Discriminator, FaceRecogniser, LightCNNFeatures
from dicface.training.config import DICGANRun, DICRun, LandmarkRun, SharpRun, TrainConfig
from dicface.training.config_files import read_config
from dicface.training.dic import DICTask
from dicface.training.dicgan import DICGANTask
from dicface.training.features import FeaturesTask
from dicface.training.finder import FinderTask
from dicface.training.fit import fit
from dicface.training.landmarks import HRLandmarkTask
from dicface.training.sharp import SharpTask
from tests.support.packs import write_pack

TASKS = {
    "dic": DICTask,
    "dicgan": DICGANTask,
    "features": FeaturesTask,
    "finder": FinderTask,
    "hr-landmark": HRLandmarkTask,
    "sharp": SharpTask,
}
# Small enough for a test, and in float32 so that runs can be compared bit for bit; by the table they belong to.
SHRINK = {
    "run": {
        "precision": "32-true",
        "compile": "false",
        "landmark_weights": "",
        "network_weights": "",
        "steps_at": "[]",
    },
    "network": {
        "features": 4,
        "trunk_width": 8,
        "trunk_blocks": 1,
        "hourglass_width": 8,
        "groups": 2,
        "steps": 2,
        "fusion_blocks": 1,
    },
    "hourglass": {"width": 8},
    "features": {"embedding": 4},
    "finder": {"width": 4, "depth": 1},
    "scenes": {"side_px": 128},
    "batch": {"size": 2},
    "optimiser": {"decay_steps": 0},
    "sharp": {"discriminator_width": 2, "discriminator_steps": 1, "ramp_steps": 2, "feature": 0.0},
}
LIGHTCNN_WIDTHS = (4, 4, 4, 4)


def narrow_lightcnn(patch: pytest.MonkeyPatch) -> None:
    """Train networks built on LightCNN with few channels: with all of them, each checkpoint of `dicgan` has 100 MB."""
    patch.setattr("dicface.training.dicgan.Discriminator", partial(Discriminator, LIGHTCNN_WIDTHS))
    patch.setattr("dicface.training.dicgan.LightCNNFeatures", partial(LightCNNFeatures, LIGHTCNN_WIDTHS))
    patch.setattr("dicface.training.sharp.LightCNNFeatures", partial(LightCNNFeatures, LIGHTCNN_WIDTHS))
    for module in ("dicface.training.features", "dicface.evaluation.identity"):
        patch.setattr(f"{module}.FaceRecogniser", partial(FaceRecogniser, widths=LIGHTCNN_WIDTHS))


def shrinking(config: str) -> list[str]:
    """Settings that make a shipped config small enough for a test."""
    tables = tomllib.loads((CONFIGS / f"{config}.toml").read_text())
    shrunk = [f"{table}.{key}={value}" for table in tables for key, value in SHRINK.get(table, {}).items()]
    if "sharp" in tables:
        return [
            *shrunk,
            f"run.network_weights={untrained_network(config.removesuffix('-sharp'))}",
            "run.features_weights=",
        ]
    if "gan" not in tables:
        return shrunk
    return [*shrunk, f"run.network_weights={untrained_network()}", "run.features_weights=", "gan.feature=0.0"]


@cache
def untrained_network(config: str = "dic") -> Path:
    """What `dicgan` and `sharp` start from."""
    path = Path(tempfile.mkdtemp()) / "dic.safetensors"
    torch.manual_seed(0)
    save_network(DICNetwork(small(config).network), path)
    return path


def small(config: str, *overrides: str) -> Any:
    return read_config(CONFIGS / f"{config}.toml", [*shrinking(config), *overrides])


def run(config: TrainConfig, folder: Path, name: str, resume: bool = False, decay_from: Path | None = None) -> Path:
    pack = folder / "faces.parquet"
    if not pack.exists():
        face_px = (
            config.network.output_px if isinstance(config, LandmarkRun | DICRun | DICGANRun | SharpRun) else FACE_PX
        )
        write_pack(pack, 10, side=face_px * 9 // 8)
    with warnings.catch_warnings():
        # Lightning's advice on loaders, devices and its own deprecations.
        warnings.simplefilter("ignore")
        return fit(config, [pack], pack, folder / name, resume=resume, decay_from=decay_from)


def raise_interrupt(loss: torch.Tensor) -> torch.Tensor:
    """End a run as Ctrl+C does."""
    raise KeyboardInterrupt


def send_sigterm(loss: torch.Tensor) -> torch.Tensor:
    """Tell a run to stop, and go on with its loss."""
    os.kill(os.getpid(), signal.SIGTERM)
    return loss


def run_but(
    config: TrainConfig,
    folder: Path,
    name: str,
    at: int,
    happening: Callable[[torch.Tensor], torch.Tensor],
    decay_from: Path | None = None,
) -> Path:
    """Run, but let something happen to the loss of a step, after `at` whole ones."""
    original: Any = TASKS[config.run.task].training_step

    def eventful(self: Any, batch: object, index: int) -> torch.Tensor:
        loss = original(self, batch, index)
        return happening(loss) if self.global_step == at else loss

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TASKS[config.run.task], "training_step", eventful)
        return run(config, folder, name, decay_from=decay_from)
