"""Networks in torch, by name, file, run and checkpoint."""

import shutil
from pathlib import Path

import pytest
import torch

from dicface.checkpoints.networks import load_network, save_network
from dicface.errors import CheckpointError, UnknownModelError
from dicface.networks.dic import DICNetwork
from dicface.runtime.models import find_model
from tests.support.networks import TINY


def test_an_embedded_model_by_name() -> None:
    network = DICNetwork.from_pretrained("lite")
    wanted = load_network(find_model("lite", ".safetensors")).state_dict()
    assert not network.training
    assert all(torch.equal(value, wanted[key]) for key, value in network.state_dict().items())


def test_a_file_a_run_and_its_checkpoint(tmp_path: Path) -> None:
    torch.manual_seed(0)
    saved = DICNetwork(TINY)
    save_network(saved, tmp_path / "weights.safetensors")
    shutil.copy(tmp_path / "weights.safetensors", tmp_path / "other.safetensors")
    for name in (str(tmp_path / "other.safetensors"), tmp_path / "other.safetensors", tmp_path):
        state = DICNetwork.from_pretrained(name).state_dict()
        assert all(torch.equal(value, state[key]) for key, value in saved.state_dict().items())


def test_what_is_no_network_that_restores_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnknownModelError, match=r"expected one of lite.*got 'light'"):
        DICNetwork.from_pretrained("light")
    with pytest.raises(CheckpointError, match="expected a network that restores faces, got a stacked hourglass"):
        DICNetwork.from_pretrained(find_model("landmarks-hr", ".safetensors", "landmarks"))
    (tmp_path / "broken.safetensors").write_bytes(b"not tensors")
    with pytest.raises(CheckpointError, match="expected a safetensors file"):
        DICNetwork.from_pretrained(tmp_path / "broken.safetensors")
