"""`dicface train`."""

import json
from pathlib import Path

import pytest

from tests.support.command import Finished, dicface, train
from tests.support.training import CONFIGS


@pytest.mark.slow
def test_resume_and_decay_take_the_runs_own_config(pack: Path, tmp_path: Path) -> None:
    config = CONFIGS / "finder.toml"

    def train_on_pack(*words: object) -> Finished:
        return train("--data", pack, *words)

    schedule = ("--set", "optimiser.schedule=constant-linear", "--set", "optimiser.warmup_steps=1")
    settings = ("finder.width=4", "scenes.side_px=64", "batch.size=2", "run.keep_every=2")
    small = [part for setting in settings for part in ("--set", setting)]
    first, fall = tmp_path / "run", tmp_path / "fall"
    started = train_on_pack(config, "--out", first, "--set", "run.steps=3", *schedule, *small)
    assert started.returncode == 0, started.stderr
    kept = first / "step-00000002.ckpt"
    decayed = train_on_pack("--decay-from", kept, "--out", fall, "--set", "optimiser.decay_steps=2")
    assert decayed.returncode == 0, decayed.stderr
    assert "dicface: optimiser.decay_steps: 0 -> 2\n" in decayed.stderr
    saved = json.loads((fall / "config.json").read_text())
    assert (saved["run"]["steps"], saved["finder"]["width"]) == (4, 4)
    kept.replace(first / "last.ckpt")
    resumed = train_on_pack("--resume", "--out", first, "--set", "run.steps=4", "--set", "optimiser.learning_rate=0.5")
    assert resumed.returncode == 0, resumed.stderr
    said = [line for line in resumed.stderr.splitlines() if line.startswith("dicface: ")]
    assert said == ["dicface: run.steps: 3 -> 4", "dicface: optimiser.learning_rate: 0.002 -> 0.5"]
    optimiser = json.loads((first / "config.json").read_text())["optimiser"]
    assert (optimiser["learning_rate"], optimiser["schedule"]) == (0.5, "constant-linear")
    # A file replaces the run's config, its settings in this call included.
    refused = train_on_pack(config, "--resume", "--out", first, "--set", "run.steps=5")
    assert refused.returncode == 2
    assert 'dicface: optimiser.schedule: "constant-linear" -> "cosine"\n' in refused.stderr
    assert "expected [finder] of the run to resume" in refused.stderr


def test_train_says_which_config_it_lacks(pack: Path, tmp_path: Path) -> None:
    for words in (["--out", tmp_path / "run"], ["--resume"]):
        result = dicface("train", "--data", pack, *words)
        assert result.returncode == 2
        assert (
            "expected CONFIG, the TOML file of the run; only with --out and --resume or --decay-from may it be left out"
            in result.stderr
        )
    both = dicface("train", "--data", pack, "--out", tmp_path, "--resume", "--decay-from", tmp_path / "last.ckpt")
    assert both.stderr == (
        "dicface: expected one of --resume and --decay-from; a stopped decay continues with --resume alone\n"
    )
