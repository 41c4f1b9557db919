"""Several processes learn what one would have learned."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dicface.checkpoints.networks import read_tensors
from tests.support.training import CONFIGS, run, shrinking, small

ROOT = Path(__file__).parent.parent.parent
STEPS = ("run.steps=3", "run.validate_every=2", "batch.size=6")
SEVERAL = """
import json, sys
import pytest
from dicface.cli import main
from tests.support.training import narrow_lightcnn

narrow_lightcnn(pytest.MonkeyPatch())
for words in json.loads(sys.argv.pop()):
    sys.argv[1:] = words
    try:
        main()
    except SystemExit as ended:
        if ended.code:
            raise
"""
"""A program that runs several commands one after another, since a process takes seconds to start."""


def command(config: str, folder: Path, *options: str) -> list[str]:
    """Arguments of `dicface` for a run in `folder/shared`."""
    pack, out = folder / "faces.parquet", folder / "shared"
    words = ["train", CONFIGS / f"{config}.toml", "--data", pack, "--out", out, *options]
    return [*map(str, words), *(f"--set={setting}" for setting in (*shrinking(config), *STEPS))]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "CUDA_VISIBLE_DEVICES": "", "PYTHONWARNINGS": "ignore", **more}


def assert_same_weights(folder: Path) -> None:
    """Of the runs in `folder/alone` and `folder/shared`."""
    wanted, found = (read_tensors(folder / name / "weights.safetensors")[0] for name in ("alone", "shared"))
    for key in wanted:
        torch.testing.assert_close(wanted[key], found[key], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_two_processes_equal_one(tmp_path: Path) -> None:
    """A batch that two processes share, of which the first starts the second, gives the weights of one in one."""
    run(small("lite", *STEPS), tmp_path, "alone")
    words = [sys.executable, "-m", "dicface", *command("lite", tmp_path, "--devices", "2")]
    done = subprocess.run(words, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Tip" not in done.stderr, "Lightning's advice is no business of the user's"
    assert_same_weights(tmp_path)


@pytest.mark.slow
def test_two_nodes_equal_one(tmp_path: Path) -> None:
    """Started by hand on each node, as docs/training.md says; here both are this machine."""
    folders = {config: tmp_path / config for config in ("lite", "landmark-lite", "dicgan")}
    for config, folder in folders.items():
        folder.mkdir()
        run(small(config, *STEPS), folder, "alone")
    commands = json.dumps([command(config, folder, "--nodes", "2") for config, folder in folders.items()])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    started = [
        subprocess.Popen(
            [sys.executable, "-c", SEVERAL, commands],
            cwd=ROOT,
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
    for folder in folders.values():
        assert_same_weights(folder)
