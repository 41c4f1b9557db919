"""Runs train, resume where they stopped, and leave weights that load."""

import json
import warnings
from pathlib import Path

import pytest
import torch

from dicface.checkpoints import load_network, load_run, read_tensors
from dicface.config import TrainConfig, read_config
from dicface.errors import CheckpointError, ConfigError
from dicface.training.fit import fit
from dicface.training.modules import rate_factor
from tests.conftest import write_pack

CONFIGS = Path(__file__).parent.parent.parent / "configs"
# Small enough for a test, and in float32 so that runs can be compared bit for bit.
SHRINK = (
    "run.precision=32-true",
    "network.features=4",
    "network.hourglass_width=8",
    "network.groups=2",
    "network.steps=2",
    "network.fusion_blocks=1",
    "batch.size=2",
    "run.landmark_weights=",
)


def small(config: str, *overrides: str) -> TrainConfig:
    return read_config(CONFIGS / f"{config}.toml", [*SHRINK, *overrides])


def run(config: TrainConfig, folder: Path, name: str, resume: bool = False) -> Path:
    pack = folder / "faces.parquet"
    if not pack.exists():
        write_pack(pack, 10)
    with warnings.catch_warnings():
        # Lightning's advice on loaders, devices and its own deprecations.
        warnings.simplefilter("ignore")
        return fit(config, [pack], pack, folder / name, resume)


@pytest.mark.parametrize("config", sorted(path.stem for path in CONFIGS.glob("*.toml")))
def test_every_shipped_config_trains_three_steps(tmp_path: Path, config: str) -> None:
    weights = run(small(config, "run.steps=3", "run.validate_every=3"), tmp_path, "run")
    assert weights.exists()
    assert json.loads((tmp_path / "run" / "config.json").read_text())["run"]["steps"] == 3


def test_a_resumed_run_equals_a_straight_one(tmp_path: Path) -> None:
    straight = run(small("lite", "run.steps=6", "run.validate_every=3"), tmp_path, "straight")
    short = small("lite", "run.steps=6", "run.validate_every=3")
    with pytest.raises(SystemExit):
        run_until(short, tmp_path, "halved", stop_at=3)
    resumed = run(short, tmp_path, "halved", resume=True)
    one, other = read_tensors(straight)[0], read_tensors(resumed)[0]
    assert all(torch.equal(one[key], other[key]) for key in one)


def run_until(config: TrainConfig, folder: Path, name: str, stop_at: int) -> None:
    """Run, but be interrupted once the checkpoint of a step is written."""
    from dicface.training.modules import DICTask

    original = DICTask.training_step

    def interrupted(self: DICTask, batch: object, index: int) -> torch.Tensor:
        if self.global_step == stop_at:
            raise KeyboardInterrupt
        return original(self, batch, index)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DICTask, "training_step", interrupted)
        run(config, folder, name)


def test_dic_starts_from_the_pretrained_landmark_branch(tmp_path: Path) -> None:
    branch = run(small("landmark-lite", "run.steps=2", "run.validate_every=2"), tmp_path, "landmark")
    still = (f"run.landmark_weights={branch}", "run.frozen_landmark_steps=9", "optimiser.weight_decay=0.0")
    weights = run(small("lite", "run.steps=2", "run.validate_every=2", *still), tmp_path, "dic")
    pretrained, trained = read_tensors(branch)[0], load_network(weights).landmark.state_dict()
    assert all(torch.equal(pretrained[key], trained[key]) for key in pretrained)


def test_checkpoints_of_a_run_export_like_its_weights(tmp_path: Path) -> None:
    weights = run(small("lite", "run.steps=2", "run.validate_every=2"), tmp_path, "run")
    finished, checkpoint = load_network(weights), load_run(tmp_path / "run" / "last.ckpt")
    lr = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(finished(lr).sr, checkpoint(lr).sr)


def test_a_second_run_does_not_overwrite_the_first(tmp_path: Path) -> None:
    config = small("lite", "run.steps=1", "run.validate_every=1")
    run(config, tmp_path, "run")
    with pytest.raises(ConfigError, match="already holds a checkpoint; add --resume"):
        run(config, tmp_path, "run")
    with pytest.raises(ConfigError, match="holds no checkpoint; leave out --resume"):
        run(config, tmp_path, "other", resume=True)


def test_a_resumed_run_keeps_its_network(tmp_path: Path) -> None:
    run(small("lite", "run.steps=1", "run.validate_every=1"), tmp_path, "run")
    with pytest.raises(ConfigError, match="expected the network of the run to resume"):
        run(small("lite", "run.steps=2", "network.features=6"), tmp_path, "run", resume=True)
    assert json.loads((tmp_path / "run" / "config.json").read_text())["network"]["features"] == 4


def test_foreign_landmark_weights_are_refused(tmp_path: Path) -> None:
    branch = run(small("landmark-lite", "run.steps=1", "run.validate_every=1"), tmp_path, "landmark")
    wider = small("lite", f"run.landmark_weights={branch}", "network.hourglass_width=12")
    with pytest.raises(CheckpointError, match="expected shape"):
        run(wider, tmp_path, "dic")


def test_rate_warms_up_then_falls() -> None:
    cosine = small("lite").optimiser
    warm = cosine.warmup_steps
    assert rate_factor(0, cosine, 1000) == pytest.approx(1 / warm)
    assert rate_factor(warm, cosine, 1000) == 1
    assert rate_factor(1000, cosine, 1000) == pytest.approx(0)
    halved = small("lite", "optimiser.halve_at=[300, 500]").optimiser
    assert [rate_factor(step, halved, 1000) for step in (299, 300, 500)] == [1, 0.5, 0.25]
