"""Names are translated strictly."""

import re
from typing import Any

import pytest
import torch

from dicface.checkpoints.names import rename_key, to_our_names
from dicface.errors import CheckpointError
from dicface.networks.lightcnn import Discriminator
from tests.support.mmagic import mmagic_key
from tests.support.recorded import INDEX


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
def test_a_foreign_key_is_named(key: str, network: Any, message: str) -> None:
    with pytest.raises(CheckpointError, match=re.escape(message)):
        to_our_names({key: torch.zeros(1)}, network)
