"""Weights load strictly, and files from strangers execute nothing."""

import dataclasses
import json
import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch

from dicface.checkpoints.networks import load_network, load_run, load_strictly, save_network
from dicface.errors import CheckpointError
from dicface.networks.dic import DICNetwork
from tests.support.networks import TINY


def test_saving_and_loading_gives_the_same_network(tmp_path: Path) -> None:
    network = DICNetwork(TINY).eval()
    save_network(network, tmp_path / "a.safetensors", {"note": "kept"})
    loaded = load_network(tmp_path / "a.safetensors")
    assert loaded.config == TINY
    lr = torch.rand(1, 3, 20, 20)
    with torch.inference_mode():
        assert torch.equal(network(lr).sr, loaded(lr).sr)
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o044, "others may not read it"


def test_a_missing_parameter_is_named() -> None:
    network = DICNetwork(TINY)
    state = network.state_dict()
    del state["stem.conv.0.bias"]
    with pytest.raises(CheckpointError, match=r"missing \['stem.conv.0.bias'\]"):
        load_strictly(network, state)


def test_a_misshapen_parameter_is_named() -> None:
    network = DICNetwork(TINY)
    state = network.state_dict() | {"stem.conv.0.bias": torch.zeros(5)}
    with pytest.raises(CheckpointError, match=r"expected shape \(4,\) for stem.conv.0.bias, got \(5,\)"):
        load_strictly(network, state)


def test_another_kind_of_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"not weights at all")
    with pytest.raises(CheckpointError, match="expected a safetensors file"):
        load_network(tmp_path / "a.safetensors")


class Bomb:
    """Pickles to a call that leaves a trace."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return Path.touch, (self.trace,)


def test_a_checkpoint_that_carries_code_is_refused_unexecuted(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"network": {}}')
    trace = tmp_path / "executed"
    torch.save({"state_dict": Bomb(trace)}, tmp_path / "last.ckpt")
    with pytest.raises(CheckpointError, match="expected a run's checkpoint"):
        load_run(tmp_path / "last.ckpt")
    assert not trace.exists()
    # The file does carry the code: an unguarded reader runs it.
    pickle.loads(pickle.dumps(Bomb(trace)))
    assert trace.exists()


def test_sizes_that_a_file_only_claims_take_no_memory(tmp_path: Path) -> None:
    for claimed, message in (
        ({"features": 1000}, "expected exactly|expected shape"),
        ({"features": 10**9}, "network configuration"),
        ({"groups": 0}, "network configuration"),
    ):
        path = tmp_path / "claims.safetensors"
        path.write_bytes(safetensors.torch.save({"a": torch.zeros(1)}, {"network": json.dumps(claimed)}))
        with pytest.raises(CheckpointError, match=message):
            load_network(path)


@pytest.mark.parametrize(
    "content", [7, {"state_dict": 7}, {"state_dict": {1: torch.zeros(1)}}, {"state_dict": ["network.a"]}]
)
def test_a_checkpoint_with_something_else_inside_is_refused(tmp_path: Path, content: object) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"network": dataclasses.asdict(TINY)}))
    torch.save(content, tmp_path / "last.ckpt")
    with pytest.raises(CheckpointError, match=r"expected a run's checkpoint|expected exactly"):
        load_run(tmp_path / "last.ckpt")
