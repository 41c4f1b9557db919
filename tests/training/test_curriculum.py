"""Runs whose network takes one step first, and more of them later (`run.steps_at`)."""

import dataclasses
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from dicface.checkpoints.networks import load_network, load_run, read_tensors
from dicface.data.batches import FaceBatch
from dicface.errors import ConfigError
from dicface.training.config import TrainConfig
from dicface.training.dic import DICTask
from dicface.training.fit import fit
from tests.conftest import write_pack
from tests.training.test_fit import raise_interrupt, run_but, small


def curriculum(*settings: str) -> TrainConfig:
    """Three updates with one step, two with two, one with four."""
    return small("dic", "run.steps=6", "network.steps=4", "run.steps_at=[3, 5]", "run.validate_every=2", *settings)


def run(config: TrainConfig, folder: Path, resume: bool = False) -> dict[str, Tensor]:
    pack = folder.parent / "faces.parquet"
    if not pack.exists():
        write_pack(pack, 10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_tensors(fit(config, [pack], pack, folder, resume))[0]


class Watch:
    """What each training step of a run saw, and the later block's weights before and the optimiser's state after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[int] = []
        self.losses: list[float] = []
        self.moments: list[int] = []
        original = DICTask.training_step

        def watched(task: DICTask, batch: FaceBatch, index: int) -> Tensor:
            optimiser: Any = task.trainer.optimizers[0]
            assert task.network.recovery is not None
            self.moments.append(sum(p in optimiser.state for p in task.network.recovery.parameters()))
            self.steps.append(task.network_steps)
            loss = original(task, batch, index)
            self.losses.append(float(loss) / task.network_steps)
            return loss

        monkeypatch.setattr(DICTask, "training_step", watched)


def test_the_steps_double_where_they_are_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Watch(monkeypatch)
    run(curriculum(), tmp_path / "run")
    assert seen.steps == [1, 1, 1, 2, 2, 4]
    # Nothing moves the later block before it takes part.
    assert seen.moments[:4] == [0, 0, 0, 0]
    assert seen.moments[4] > 0
    assert load_network(tmp_path / "run" / "weights.safetensors").config.steps == 4


def test_the_later_block_is_the_first_until_it_takes_part(tmp_path: Path) -> None:
    config = curriculum("optimiser.weight_decay=0.5")
    with pytest.raises(SystemExit):
        run_but(config, tmp_path, "run", 2, raise_interrupt)
    network = load_run(tmp_path / "run" / "last.ckpt")
    with torch.inference_mode():
        first, second, *_ = network(torch.rand(1, 3, 16, 16)).sr.unbind(dim=1)
    torch.testing.assert_close(first, second, atol=1e-5, rtol=0)


@pytest.mark.parametrize("at", [2, 3, 5], ids=["before", "at the second step", "at the fourth"])
def test_a_run_resumed_around_a_switch_equals_a_straight_one(tmp_path: Path, at: int) -> None:
    config = curriculum("run.validate_every=1")
    straight = run(config, tmp_path / "straight")
    with pytest.raises(SystemExit):
        run_but(config, tmp_path, "halved", at, raise_interrupt)
    resumed = run(config, tmp_path / "halved", resume=True)
    assert all(torch.equal(straight[key], resumed[key]) for key in straight)


def test_the_loss_goes_on_across_the_first_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Watch(monkeypatch)
    # The heatmaps of an untrained landmark branch change with its memory, so the images alone are compared.
    settings = ("run.steps=61", "run.steps_at=[60]", "network.steps=2", "loss.heatmap=0.0", "batch.size=10")
    run(curriculum(*settings, "augmentation.shift=0.0", "run.validate_every=60"), tmp_path / "run")
    assert seen.steps[-2:] == [1, 2]
    assert seen.losses[-1] < 1.05 * seen.losses[-2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (("run.steps_at=[3]",), r"double one step 2 times for network\.steps = 4, got \[3\]"),
        (("run.steps_at=[5, 3]",), r"expected run\.steps_at"),
        (("run.steps_at=[3, 6]",), r"between 0 and run\.steps = 6, got \[3, 6\]"),
        (("run.steps_at=[0, 3]",), r"between 0 and run\.steps = 6, got \[0, 3\]"),
    ],
)
def test_a_curriculum_that_cannot_be_is_refused(settings: tuple[str, ...], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        curriculum(*settings)


def test_only_dic_has_a_curriculum() -> None:
    config = small("landmark-lite")
    with pytest.raises(ConfigError, match=r"run\.steps_at is for the task 'dic'; leave it out of 'landmark'"):
        dataclasses.replace(config, run=dataclasses.replace(config.run, steps_at=(1, 2)))
