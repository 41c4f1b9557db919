"""Converted checkpoints give what the authors' networks gave."""

import collections
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from dicface.checkpoints.convert import Conversion, convert, dic_config, stacked_hourglass_config
from dicface.checkpoints.names import to_our_names
from dicface.checkpoints.networks import load_hourglass, load_network, load_run, load_strictly, read_tensors
from dicface.errors import CheckpointError
from dicface.networks.dic import DIC, DICConfig, DICNetwork
from dicface.networks.landmark_branch import LandmarkBranch
from dicface.networks.lightcnn import LightCNNFeatures
from dicface.networks.stacked_hourglass import StackedHourglass, StackedHourglassConfig
from tests.support.mmagic import mmagic_key
from tests.support.recorded import INDEX, recorded_state, recorded_tensors

SMALL = DICConfig(steps=3, features=8, groups=3, fusion_blocks=2, hourglass_width=32)
State = dict[str, Tensor]


@pytest.fixture(scope="module")
def authors() -> State:
    return recorded_state("dic_small")


@pytest.fixture(scope="module")
def lightcnn() -> State:
    return recorded_state("lightcnn")


def convert_content(folder: Path, content: object, steps: int = 3, zipped: bool = True) -> Conversion:
    torch.save(content, folder / "theirs.pth", _use_new_zipfile_serialization=zipped)
    return convert(folder / "theirs.pth", folder / "ours.safetensors", steps)


def assert_outputs_are_the_recorded_ones(path: Path) -> None:
    network, recorded = load_network(path), recorded_tensors("dic_small")
    assert network.config == SMALL
    with torch.inference_mode():
        output = network(torch.from_numpy(recorded["lr"]) + network.means)
    for step in range(SMALL.steps):
        np.testing.assert_allclose((output.sr[:, step] - network.means).numpy(), recorded[f"sr_{step}"], atol=1e-4)
        np.testing.assert_allclose(output.heatmaps[:, step].numpy(), recorded[f"heatmap_{step}"], atol=1e-4)


def training_checkpoint(state: State) -> dict[str, object]:
    """As the authors' solver of DIC saves it, with the history of the run."""
    weights = collections.OrderedDict(state)
    optimiser = torch.optim.Adam([torch.nn.Parameter(torch.ones(2))]).state_dict()
    records = {"val_loss": [np.float64(0.1)], "psnr": [np.float64(27.3)], "ssim": [0.79], "lr": [1e-4]}
    history = {"best_pred": np.float64(27.3), "best_step": 2000, "records": records}
    return {"step": 4000, "epoch": 1, "state_dict": weights, "optimizer": optimiser, **history}


def gan_checkpoint(state: State, discriminator: State) -> dict[str, object]:
    """As the authors' solver of DICGAN saves it."""
    content = training_checkpoint(state)
    return {
        "netG": content.pop("state_dict"),
        "netD": discriminator,
        "optimizer_G": content.pop("optimizer"),
        **content,
    }


def mmagic_checkpoint(state: State, discriminator: State) -> dict[str, object]:
    """As mmediting saved DICGAN: the generator among other networks, constants and a counter."""
    weights = {f"generator.{mmagic_key(key)}": value for key, value in state.items()}
    weights |= {f"discriminator.{key}": value for key, value in discriminator.items()}
    weights |= {"feature_loss.model.features.0.filter.bias": torch.zeros(96), "step_counter": torch.zeros(1)}
    weights |= {"img_denormalize.weight": torch.eye(3).reshape(3, 3, 1, 1), "img_denormalize.bias": torch.zeros(3)}
    return {"meta": {"iter": 150_000, "mmedit_version": "0.12.0"}, "state_dict": collections.OrderedDict(weights)}


@pytest.mark.parametrize("zipped", [True, False], ids=["today", "legacy"])
def test_a_bare_state_dict(tmp_path: Path, authors: State, zipped: bool) -> None:
    done = convert_content(tmp_path, collections.OrderedDict(authors), zipped=zipped)
    assert_outputs_are_the_recorded_ones(tmp_path / "ours.safetensors")
    assert str(done) == "DIC network, 0.32 M parameters, T = 3; from the authors' state dict"


def test_the_prefix_of_data_parallel(tmp_path: Path, authors: State) -> None:
    convert_content(tmp_path, {f"module.{key}": value for key, value in authors.items()})
    assert_outputs_are_the_recorded_ones(tmp_path / "ours.safetensors")


def test_a_training_checkpoint(tmp_path: Path, authors: State) -> None:
    done = convert_content(tmp_path, training_checkpoint(authors))
    assert_outputs_are_the_recorded_ones(tmp_path / "ours.safetensors")
    assert done.source == "the authors' training checkpoint"
    assert read_tensors(tmp_path / "ours.safetensors")[1]["source"] == done.source


def test_of_a_gan_checkpoint_the_generator_is_taken(tmp_path: Path, authors: State, lightcnn: State) -> None:
    done = convert_content(tmp_path, gan_checkpoint(authors, lightcnn))
    assert_outputs_are_the_recorded_ones(tmp_path / "ours.safetensors")
    assert str(done).endswith("T = 3; from the authors' training checkpoint (left out: discriminator)")


def test_mmagics_checkpoint(tmp_path: Path, authors: State, lightcnn: State) -> None:
    done = convert_content(tmp_path, mmagic_checkpoint(authors, lightcnn))
    assert_outputs_are_the_recorded_ones(tmp_path / "ours.safetensors")
    assert str(done).endswith("from mmagic's training checkpoint (left out: discriminator, feature_loss)")


def test_mmagics_generator_alone(tmp_path: Path, authors: State) -> None:
    done = convert_content(tmp_path, {mmagic_key(key): value for key, value in authors.items()})
    assert_outputs_are_the_recorded_ones(tmp_path / "ours.safetensors")
    assert done.source == "mmagic's state dict"


def test_every_command_takes_the_result(tmp_path: Path, authors: State) -> None:
    convert_content(tmp_path, authors, steps=2)
    network = load_run(tmp_path / "ours.safetensors")
    assert isinstance(network, DICNetwork)
    assert network.config.steps == 2


def test_the_authors_sizes_are_read_off_the_shapes() -> None:
    with torch.device("meta"):
        state = {key: torch.empty(shape) for key, shape in INDEX["models"]["dic_full"]["state_dict"].items()}
        assert dic_config(to_our_names(state), steps=4) == DIC
        state["HG.hg_conv_out.2.weight"] = torch.empty(194, 256, 1, 1)
        assert dic_config(to_our_names(state), steps=4).keypoints == 194
        hourglass = StackedHourglass(StackedHourglassConfig()).state_dict()
    assert stacked_hourglass_config(hourglass) == StackedHourglassConfig()


def test_a_missing_parameter_is_named(tmp_path: Path, authors: State) -> None:
    state = {key: value for key, value in authors.items() if key != "HG.hg_conv_out.2.weight"}
    with pytest.raises(CheckpointError, match=r"missing \['landmark.head.3.weight'\] \(1 in all\), unexpected \[\]"):
        convert_content(tmp_path, state)
    assert not (tmp_path / "ours.safetensors").exists()


def test_a_further_parameter_is_named(tmp_path: Path, authors: State) -> None:
    with pytest.raises(CheckpointError, match=r"of the authors' DIC network, got 'fc.weight'; is this another network"):
        convert_content(tmp_path, authors | {"fc.weight": torch.zeros(1)})
    with pytest.raises(CheckpointError, match=r"missing \[\] \(0 in all\), unexpected \['stem.conv.2.weight'\]"):
        convert_content(tmp_path, authors | {"conv_in.2.weight": torch.zeros(1)})


def test_a_further_part_of_mmagics_is_named(tmp_path: Path, authors: State) -> None:
    content = {f"generator.{mmagic_key(key)}": value for key, value in authors.items()}
    with pytest.raises(CheckpointError, match=r"in mmagic's checkpoint, got 'backbone.weight'; is this"):
        convert_content(tmp_path, content | {"backbone.weight": torch.zeros(1)})


def test_a_misshapen_parameter_is_named(tmp_path: Path, authors: State) -> None:
    for key, ours in (("conv_in.0.bias", "stem.conv.0.bias"), ("conv_in.0.weight", "stem.conv.0.weight")):
        with pytest.raises(CheckpointError, match=rf"expected shape \(.+\) for {ours}, got \(5,\)"):
            convert_content(tmp_path, authors | {key: torch.zeros(5)})


def test_other_landmarks_are_refused(tmp_path: Path, authors: State) -> None:
    head = {"HG.hg_conv_out.2.weight": torch.zeros(29, 32, 1, 1), "HG.hg_conv_out.2.bias": torch.zeros(29)}
    with pytest.raises(CheckpointError, match=r"expected 68 \(iBUG\) or 194 \(Helen\) landmarks, got 29 heatmaps"):
        convert_content(tmp_path, authors | head)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([1, 2], "expected a dict of tensors, or a checkpoint with one under state_dict or netG or model, got list"),
        ({}, "got dict without content"),
        ({"epoch": 3, "weights": None}, "got int under 'epoch'"),
        ({"state_dict": {"a": np.float64(1.0)}}, "got _Placeholder under 'a'"),
        ({"a": torch.zeros(1, dtype=torch.complex64)}, "expected a dict of plain tensors"),
        ({"a": torch.zeros(1).expand(10**9)}, "expected a dict of plain tensors"),
        ({"conv1.weight": torch.zeros(1)}, "got parameters such as ['conv1.weight']"),
    ],
)
def test_what_is_no_network_of_theirs(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(CheckpointError) as caught:
        convert_content(tmp_path, content)
    assert message in str(caught.value)


def test_sizes_that_are_only_claimed_take_no_memory(tmp_path: Path, authors: State) -> None:
    """A stem of four million channels would want a recovery block of petabytes."""
    with pytest.raises(CheckpointError, match="expected shape"):
        convert_content(tmp_path, authors | {"conv_in.0.weight": torch.zeros(4_000_000, 1, 1, 1)})


def test_the_landmark_branch(tmp_path: Path, authors: State) -> None:
    """Training starts from it: `run.landmark_weights`."""
    branch = {key.removeprefix("HG."): value for key, value in authors.items() if key.startswith("HG.")}
    done = convert_content(tmp_path, branch)
    assert str(done) == "landmark branch, 0.19 M parameters; from the authors' state dict"
    state, notes = read_tensors(tmp_path / "ours.safetensors")
    load_strictly(LandmarkBranch(32, 68), state)
    assert notes["landmark branch"] == '{"width": 32, "keypoints": 68}'


@pytest.mark.slow
def test_the_stacked_hourglass(tmp_path: Path) -> None:
    done = convert_content(tmp_path, recorded_state("stacked_hourglass"))
    assert done.network == "stacked hourglass"
    network = load_hourglass(tmp_path / "ours.safetensors")
    assert network.config == StackedHourglassConfig(width=32, stacks=2)


def test_the_discriminator_and_its_features(tmp_path: Path, lightcnn: State) -> None:
    assert convert_content(tmp_path, lightcnn).network == "discriminator"
    features = {key: value for key, value in lightcnn.items() if key.startswith("features.")}
    assert convert_content(tmp_path, features).network == "LightCNN features"
    load_strictly(LightCNNFeatures(), read_tensors(tmp_path / "ours.safetensors")[0])


def test_what_is_no_dic_network_does_not_load_as_one(tmp_path: Path, lightcnn: State) -> None:
    convert_content(tmp_path, lightcnn)
    with pytest.raises(CheckpointError, match="expected a network configuration"):
        load_network(tmp_path / "ours.safetensors")
