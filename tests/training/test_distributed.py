"""Several processes learn what one would have learned."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dicface.checkpoints import read_tensors
from tests.training.test_fit import CONFIGS, run, shrinking, small


@pytest.mark.parametrize("config", ["lite", "dicgan"])
def test_two_processes_equal_one_with_twice_the_batch_each(tmp_path: Path, config: str) -> None:
    """A batch of 4 shared by two processes gives the weights of the same batch in one."""
    lengths = ("run.steps=4", "run.validate_every=2", "batch.size=4", "run.frozen_landmark_steps=2")
    alone = run(small(config, *lengths), tmp_path, "alone")
    pack = tmp_path / "faces.parquet"
    command = ["train", CONFIGS / f"{config}.toml", "--data", pack, "--out", tmp_path / "shared", "--devices", "2"]
    command += [f"--set={setting}" for setting in (*shrinking(config), *lengths)]
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore"}
    words = [sys.executable, "-m", "dicface", *map(str, command)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    one, other = read_tensors(alone)[0], read_tensors(tmp_path / "shared" / "weights.safetensors")[0]
    for key in one:
        torch.testing.assert_close(one[key], other[key], rtol=1e-4, atol=1e-5)
