"""Several processes learn what one would have learned."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dicface.checkpoints.networks import read_tensors
from tests.support.training import CONFIGS, run, shrinking, small

STEPS = ("run.steps=4", "run.validate_every=2", "batch.size=6")


def command(config: str, pack: Path, out: Path, *options: str) -> list[str]:
    words = ["train", CONFIGS / f"{config}.toml", "--data", pack, "--out", out, *options]
    settings = [f"--set={setting}" for setting in (*shrinking(config), *STEPS)]
    return [sys.executable, "-m", "dicface", *map(str, words), *settings]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore", **more}


def assert_same_weights(one: Path, other: Path) -> None:
    wanted, found = read_tensors(one)[0], read_tensors(other)[0]
    for key in wanted:
        torch.testing.assert_close(wanted[key], found[key], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("config", ["lite", "landmark-lite", "dicgan"])
def test_two_processes_equal_one_with_twice_the_batch_each(tmp_path: Path, config: str) -> None:
    """A batch of 4 shared by two processes gives the weights of the same batch in one."""
    alone = run(small(config, *STEPS), tmp_path, "alone")
    words = command(config, tmp_path / "faces.parquet", tmp_path / "shared", "--devices", "2")
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Tip" not in done.stderr, "Lightning's advice is no business of the user's"
    assert_same_weights(alone, tmp_path / "shared" / "weights.safetensors")


@pytest.mark.slow
def test_two_nodes_equal_one(tmp_path: Path) -> None:
    """Started by hand on each node, as the README says; here both are this machine."""
    alone = run(small("lite", *STEPS), tmp_path, "alone")
    words = command("lite", tmp_path / "faces.parquet", tmp_path / "shared", "--nodes", "2")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    started = [
        subprocess.Popen(
            words,
            env=environment(MASTER_ADDR="127.0.0.1", MASTER_PORT=port, NODE_RANK=rank),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for rank in ("0", "1")
    ]
    for node in started:
        _, errors = node.communicate(timeout=600)
        assert node.returncode == 0, errors
    assert_same_weights(alone, tmp_path / "shared" / "weights.safetensors")
