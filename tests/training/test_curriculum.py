"""Runs whose network takes one step first, and more of them later (`run.steps_at`)."""

import shutil
import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from dicface.checkpoints.networks import load_network, load_run, read_tensors
from dicface.data.batches import FaceBatch
from dicface.errors import ConfigError
from dicface.training.config import DICRun, TrainConfig
from dicface.training.dic import DICTask
from dicface.training.fit import fit
from tests.support.packs import write_pack
from tests.support.training import raise_interrupt, run_but, small


def curriculum(*settings: str) -> TrainConfig:
    """Three updates with one step, two with two, one with four."""
    return small("dic", "run.steps=6", "network.steps=4", "run.steps_at=[3, 5]", "run.validate_every=2", *settings)


def run(config: TrainConfig, folder: Path, resume: bool = False) -> dict[str, Tensor]:
    pack = folder.parent / "faces.parquet"
    if not pack.exists():
        write_pack(pack, 10)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return read_tensors(fit(config, [pack], pack, folder, resume=resume))[0]


class Watch:
    """What each training step of a run saw, and the later block's weights before and the optimiser's state after it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.steps: list[int] = []
        self.moments: list[int] = []
        self.all_moments: list[int] = []
        original = DICTask.training_step

        def watched(task: DICTask, batch: FaceBatch, index: int) -> Tensor:
            optimiser: Any = task.trainer.optimizers[0]
            assert task.network.recovery is not None
            self.moments.append(sum(p in optimiser.state for p in task.network.recovery.parameters()))
            self.all_moments.append(len(optimiser.state))
            self.steps.append(task.network_steps)
            return original(task, batch, index)

        monkeypatch.setattr(DICTask, "training_step", watched)


@pytest.mark.slow
def test_the_steps_double_where_they_are_told_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = Watch(monkeypatch)
    run(curriculum(), tmp_path / "run")
    assert seen.steps == [1, 1, 1, 2, 2, 4]
    # Nothing moves the later block before it takes part.
    assert seen.moments[:4] == [0, 0, 0, 0]
    assert seen.moments[4] > 0
    # Each switch begins with fresh moments.
    assert [count == 0 for count in seen.all_moments] == [True, False, False, True, False, True]
    assert load_network(tmp_path / "run" / "weights.safetensors").config.steps == 4


def test_the_rate_rises_again_after_a_switch() -> None:
    schedule = ("optimiser.schedule=constant-linear", "optimiser.decay_steps=1", "optimiser.warmup_steps=2")
    config = curriculum("run.steps=9", *schedule)
    assert isinstance(config, DICRun)
    task = DICTask(config)
    assert [task.rate(step) for step in range(9)] == [0.5, 1, 1, 0.5, 1, 0.5, 1, 1, 1]


@pytest.mark.slow
def test_the_later_block_is_the_first_until_it_takes_part(tmp_path: Path) -> None:
    config = curriculum("optimiser.weight_decay=0.5")
    with pytest.raises(SystemExit):
        run_but(config, tmp_path, "run", 2, raise_interrupt)
    network = load_run(tmp_path / "run" / "last.ckpt")
    with torch.inference_mode():
        first, second, *_ = network(torch.rand(1, 3, 16, 16)).sr.unbind(dim=1)
    torch.testing.assert_close(first, second, atol=1e-5, rtol=0)


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run, with a checkpoint of every step."""
    folder = tmp_path_factory.mktemp("straight") / "run"
    run(curriculum("run.keep_every=1"), folder)
    return folder


# Before the second step takes part, as it does, and as the fourth does.
@pytest.mark.slow
@pytest.mark.parametrize("at", [2, 3, 5])
def test_a_run_resumed_around_a_switch_equals_a_straight_one(straight: Path, tmp_path: Path, at: int) -> None:
    shutil.copytree(straight, tmp_path / "resumed")
    (tmp_path / "resumed" / f"step-0000000{at}.ckpt").replace(tmp_path / "resumed" / "last.ckpt")
    resumed = run(curriculum("run.keep_every=1"), tmp_path / "resumed", resume=True)
    wanted, _ = read_tensors(straight / "weights.safetensors")
    assert all(torch.equal(wanted[key], resumed[key]) for key in wanted)


@pytest.mark.slow
def test_the_error_goes_on_across_the_first_switch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the second step begins to count, it is as good as the first, though that has learnt alone."""
    errors: list[Tensor] = []
    original = DICTask.training_step

    def watched(task: DICTask, batch: FaceBatch, index: int) -> Tensor:
        if task.network_steps == 2:
            with torch.no_grad():
                sr = task.network(batch.lr, steps=2).sr
            errors.append((sr - batch.hr[:, None]).abs().mean(dim=(0, 2, 3, 4)))
        return original(task, batch, index)

    monkeypatch.setattr(DICTask, "training_step", watched)
    fast = ("optimiser.learning_rate=0.01", "optimiser.warmup_steps=0")
    settings = ("run.steps=13", "run.steps_at=[12]", "network.steps=2", "run.validate_every=12", *fast)
    run(curriculum(*settings), tmp_path / "run")
    ((first, second),) = errors
    assert second == pytest.approx(float(first), rel=0.005)


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
    with pytest.raises(ConfigError, match=r"run\.steps_at is for the task 'dic'; leave it out of 'landmark'"):
        small("landmark-lite", "run.steps_at=[1, 2]")
    with pytest.raises(ConfigError, match=r'run\.steps_at is for network\.recovery = "feedback"'):
        small("lite", "run.steps=6", "run.steps_at=[1]")
