"""Weights of LPIPS: two files in either order, and nothing else."""

import hashlib
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor

from dicface.checkpoints.lpips import read_lpips
from dicface.errors import CheckpointError, UsageError
from tests.support.lpips import SHAPES, States, random_lpips, write_lpips

CHANNELS = [shape[0] for shape in SHAPES]


@pytest.fixture(scope="module")
def states() -> States:
    return random_lpips()


def test_either_order_and_the_classifier_is_left_out(tmp_path: Path, states: States) -> None:
    alexnet, linear = write_lpips(tmp_path, states)
    network, digests = read_lpips(alexnet, linear)
    other, same = read_lpips(linear, alexnet)
    assert digests == same
    assert digests.alexnet == hashlib.sha256(alexnet.read_bytes()).hexdigest()
    assert digests.linear == hashlib.sha256(linear.read_bytes()).hexdigest()
    assert all(torch.equal(other.state_dict()[key], value) for key, value in network.state_dict().items())
    assert torch.equal(network.get_parameter("convolutions.3.weight"), states[0]["features.8.weight"])
    assert torch.equal(network.get_parameter("convolutions.4.bias"), states[0]["features.10.bias"])
    assert torch.equal(network.get_parameter("linear.2.weight"), states[1]["lin2.model.1.weight"])


@pytest.mark.parametrize(("part", "name"), [(0, "AlexNet"), (1, "the linear layers")])
def test_the_same_part_twice_is_refused(tmp_path: Path, states: States, part: int, name: str) -> None:
    path = write_lpips(tmp_path, states)[part]
    with pytest.raises(UsageError) as error:
        read_lpips(path, path)
    assert f"got {name} twice" in str(error.value)
    assert str(error.value).endswith("give one of each")
    assert "alexnet-owt-7be5be79.pth" in str(error.value)
    assert "weights/v0.1/alex.pth" in str(error.value)


def _layers(*channels: int) -> dict[str, Tensor]:
    return {f"lin{depth}.model.1.weight": torch.ones(1, count, 1, 1) for depth, count in enumerate(channels)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (_layers(64, 128, 256, 512, 512), "expected shape (1, 192, 1, 1) for lin1.model.1.weight, got (1, 128, 1, 1)"),
        (_layers(64, 128, 256, 384, 384, 512, 512), "unexpected ['lin5.model.1.weight', 'lin6.model.1.weight']"),
        (_layers(64, 192, 384, 256), "expected 5 parameters; missing ['lin4.model.1.weight'], unexpected []"),
        ({"features.0.weight": torch.ones(64, 3, 3, 3)}, "expected 10 parameters; missing ['features.0.bias'"),
        ({"layer1.0.conv1.weight": torch.ones(1)}, "got such as ['layer1.0.conv1.weight']"),
        ({"classifier.6.bias": torch.ones(1000)}, "got such as ['classifier.6.bias']"),
        (
            {**_layers(*CHANNELS), "lin3.model.1.weight": torch.full((1, 256, 1, 1), float("nan"))},
            "expected finite numbers for lin3.model.1.weight",
        ),
        (
            {**_layers(*CHANNELS), "lin3.model.1.weight": torch.ones(1, 256, 1, 1, dtype=torch.int32)},
            "expected floating-point numbers for lin3.model.1.weight, got torch.int32",
        ),
        ([torch.ones(3)], "expected a dict of tensors, got list"),
        ({"lin0.model.1.weight": torch.ones(1).expand(10**9)}, "expected a dict of plain tensors, got Tensor"),
    ],
    ids=["vgg", "squeeze", "one missing", "vgg's own", "another network", "classifier", "nan", "int", "list", "claims"],
)
def test_other_files_are_refused_by_name(tmp_path: Path, states: States, content: object, message: str) -> None:
    alexnet, linear = write_lpips(tmp_path, states)
    torch.save(content, tmp_path / "other.pth")
    for good in (alexnet, linear):
        with pytest.raises(CheckpointError, match=re.escape(message)) as error:
            read_lpips(good, tmp_path / "other.pth")
        assert "'other.pth'" in str(error.value)


class Harm:
    """Pickles to a call that would leave a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_nothing_in_a_file_is_executed(tmp_path: Path, states: States) -> None:
    alexnet, _ = write_lpips(tmp_path, states)
    torch.save({"lin0.model.1.weight": Harm(tmp_path / "harm")}, tmp_path / "other.pth")
    with pytest.raises(CheckpointError, match="expected tensors only"):
        read_lpips(alexnet, tmp_path / "other.pth")
    assert not (tmp_path / "harm").exists()
