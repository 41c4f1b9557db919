"""Names are translated strictly."""

import re

import pytest
import torch

from dicface.checkpoints.names import rename_key, to_our_names
from dicface.errors import CheckpointError
from dicface.networks.lightcnn import Discriminator
from tests.support.recorded import INDEX


def mmagic_key(key: str) -> str:
    """mmagic's name of a parameter of the DIC network that the authors name `key`, as its modules nest."""
    block = {
        "compress_in": "conv_first",
        "upBlocks": "up_blocks",
        "downBlocks": "down_blocks",
        "uptranBlocks": "lr_blocks",
        "downtranBlocks": "hr_blocks",
        "compress_out": "conv_last",
        "fusion_block.conv_in": "fusion_block.conv_first",
        "fusion_block.resnet": "fusion_block.body",
    }
    whole = {
        "conv_in": "conv_first",
        "out": "conv_last",
        "conv_out.0": "conv_last.2",
        "HG.pre_conv_block": "hour_glass.pre_conv_block",
        "HG.compress_in": "hour_glass.first_conv",
        "HG.hg_conv_out.0": "hour_glass.last.0",
        "HG.hg_conv_out.1.conv_block.0": "hour_glass.last.1",
        "HG.hg_conv_out.2": "hour_glass.last.3",
        "HG.hg.res_center": "hour_glass.hg.low2.low2.low2.low2",
    }
    for level in range(1, 5):
        outer = "hour_glass.hg" + ".low2" * (4 - level)
        whole |= {f"HG.hg.res{level}_{n}": f"{outer}.{name}" for n, name in ((1, "up1"), (2, "low1"), (3, "low3"))}
    whole |= {
        f"{name}.{theirs}": f"{name}.{port}" for name in ("first_block", "block") for theirs, port in block.items()
    }
    return next(port + key[len(theirs) :] for theirs, port in whole.items() if key.startswith(f"{theirs}."))


def test_both_dialects_name_every_parameter_of_the_network_once() -> None:
    theirs = list(INDEX["models"]["dic_full"]["state_dict"])
    ours = [rename_key(key) for key in theirs]
    assert len(set(ours)) == len(theirs)
    assert [rename_key(mmagic_key(key), dialect="mmagic") for key in theirs] == ours


def test_mmagics_flat_lightcnn() -> None:
    """Its layers in their order are ours in theirs."""
    indices = (0, 2, 3, 5, 6, 8, 9, 10, 11)
    theirs = [f"features.{i}.filter.{kind}" for i in indices for kind in ("weight", "bias")]
    theirs += ["classifier.0.filter.weight", "classifier.0.filter.bias", "classifier.2.weight", "classifier.2.bias"]
    with torch.device("meta"):
        ours = list(Discriminator().state_dict())
    assert [rename_key(key, "discriminator", "mmagic") for key in theirs] == ours


@pytest.mark.parametrize(
    ("key", "network", "message"),
    [
        ("conv_first.weight", "DIC network", "a parameter of the authors' DIC network, got 'conv_first.weight'"),
        ("HG.hg.res5_1.conv_block.0.bias", "DIC network", "got 'HG.hg.res5_1.conv_block.0.bias'"),
        ("hg.res4_1.conv.bias", "landmark branch", "the authors' landmark branch, got 'hg.res4_1.conv.bias'"),
        ("compress_step0.weight", "stacked hourglass", "the authors' stacked hourglass, got 'compress_step0.weight'"),
        ("fc2.weight", "LightCNN features", "the authors' LightCNN features, got 'fc2.weight'"),
    ],
)
def test_a_foreign_key_is_named(key: str, network: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=re.escape(message)):
        to_our_names({key: torch.zeros(1)}, network)
