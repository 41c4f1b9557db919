"""Weights that a run starts from: embedded models, files, runs; and what makes those that are missing."""

from pathlib import Path

import pytest
import torch

from dicface.checkpoints.networks import read_tensors, save_network
from dicface.errors import ConfigError
from dicface.networks.dic import DICNetwork
from dicface.runtime.models import find_model
from dicface.training.config import DICGANRun
from dicface.training.config_files import read_config
from dicface.training.dic import DICTask
from dicface.training.weights import find_weights, part_of, read_weights
from tests.support.networks import TINY
from tests.support.training import small


def test_embedded_models_files_and_runs_alike(tmp_path: Path) -> None:
    assert find_weights("lite") == find_model("lite", ".safetensors")
    assert find_weights("features").name == "features.safetensors"
    weights = tmp_path / "weights.safetensors"
    save_network(DICNetwork(TINY), weights)
    assert find_weights(str(weights)) == find_weights(str(tmp_path)) == weights
    assert read_weights(str(tmp_path)).keys() == read_tensors(weights)[0].keys()


def test_a_config_takes_names_as_they_are(tmp_path: Path) -> None:
    """`--set run.network_weights=lite`, without TOML's quotation marks."""
    config = read_config("dicgan", ["run.network_weights=lite"])
    assert isinstance(config, DICGANRun)
    assert find_weights(config.run.network_weights) == find_model("lite", ".safetensors")


def test_a_checkpoint_gives_its_network(tmp_path: Path) -> None:
    network = DICNetwork(TINY)
    state = {f"network.{key}": value for key, value in network.state_dict().items()}
    torch.save({"state_dict": {**state, "discriminator.bias": torch.zeros(1)}}, tmp_path / "last.ckpt")
    assert read_weights(str(tmp_path)).keys() == network.state_dict().keys()


def test_a_missing_run_says_which_command_makes_it() -> None:
    with pytest.raises(ConfigError, match=r"'runs/landmark-lite'; `dicface train landmark-lite` makes it$"):
        find_weights("runs/landmark-lite")
    with pytest.raises(ConfigError, match=r"'; `dicface train paper/landmark-helen` makes it$"):
        find_weights("runs/landmark-helen/weights.safetensors")
    with pytest.raises(
        ConfigError, match=r"expected one of .*lite.*, a file of weights or a run's folder, got 'light'$"
    ):
        find_weights("light")


def test_the_landmark_branch_of_a_network_starts_another(tmp_path: Path) -> None:
    torch.manual_seed(0)
    settings = small("lite", f"run.landmark_weights={tmp_path}")
    earlier = DICTask(small("lite"))
    save_network(earlier.network, tmp_path / "weights.safetensors")
    task = DICTask(settings)
    task.start()
    wanted = part_of(dict(earlier.network.state_dict()), "landmark")
    assert task.network.landmark is not None
    found = task.network.landmark.state_dict()
    assert all(torch.equal(value, wanted[key]) for key, value in found.items())


def test_a_network_of_256_px_starts_from_one_of_128_px(tmp_path: Path) -> None:
    torch.manual_seed(0)
    save_network(DICTask(small("lite")).network, tmp_path / "weights.safetensors")
    config = small("lite-256", f"run.network_weights={tmp_path}")
    task = DICTask(config)
    task.start()
    smaller = read_weights(str(tmp_path))
    grown = task.network.state_dict()
    assert torch.equal(grown["reconstruction.conv.weight"], smaller["reconstruction.conv.weight"])
    assert grown["stem.conv.0.weight"].shape[1] == 13
    save_network(task.network, tmp_path / "weights.safetensors")  # its own weights are taken as they are
    again = DICTask(config)
    again.start()
    assert torch.equal(again.network.state_dict()["stem.conv.0.weight"], grown["stem.conv.0.weight"])
