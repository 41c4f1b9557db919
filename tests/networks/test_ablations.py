"""What holds for the network with parts of the method left out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from dicface.checkpoints.networks import load_network, save_network
from dicface.errors import ConfigError
from dicface.export.graphs import compare_with_torch, export_onnx
from dicface.networks.dic import DICConfig, DICNetwork, DICOutput
from dicface.training.losses import LossConfig, dic_loss
from tests.support.networks import TINY, TINY_U

PAPER_TINY = replace(TINY, stem="paper")
KINDS = {
    "components": replace(PAPER_TINY, steps=3),
    "one-map": replace(PAPER_TINY, attention="one-map"),
    "concatenation": replace(PAPER_TINY, attention="concatenation"),
    "none": replace(PAPER_TINY, attention="none"),
    "detached": replace(PAPER_TINY, steps=3, detach_attention=True),
    "one step": replace(PAPER_TINY, steps=1),
    "one step, none": replace(PAPER_TINY, steps=1, attention="none"),
    "any size, none": replace(TINY, attention="none"),
    "u": TINY_U,
    "u, components": replace(TINY_U, attention="components"),
    "u, none": replace(TINY_U, attention="none", consistency=False),
}
ATTENTIVE = ("components", "one-map", "concatenation", "u", "u, components")


def built(config: DICConfig) -> DICNetwork:
    torch.manual_seed(0)
    return DICNetwork(config).eval()


@pytest.fixture(params=KINDS)
def network(request: pytest.FixtureRequest) -> DICNetwork:
    return built(KINDS[request.param])


def loss(output: DICOutput) -> torch.Tensor:
    faces = len(output.sr)
    return dic_loss(output, torch.rand(faces, 3, 128, 128), torch.rand(faces, 68, 32, 32), LossConfig()).total


def test_outputs_keep_their_shapes(network: DICNetwork) -> None:
    with torch.inference_mode():
        output = network(torch.rand(2, 3, 16, 16))
    steps = network.config.steps
    assert output.sr.shape == (2, steps, 3, 128, 128)
    assert output.heatmaps.shape == (2, steps, 68, 32, 32)
    assert bool(output.heatmaps.any()) == (network.config.attention != "none")


def test_a_batch_equals_its_faces_one_by_one(network: DICNetwork) -> None:
    lr = torch.rand(2, 3, 16, 16)
    with torch.inference_mode():
        together = network(lr)
        for face in range(2):
            alone = network(lr[face : face + 1])
            torch.testing.assert_close(together.sr[face], alone.sr[0], atol=1e-5, rtol=0)
            torch.testing.assert_close(together.heatmaps[face], alone.heatmaps[0], atol=1e-5, rtol=0)


def test_every_parameter_learns(network: DICNetwork) -> None:
    # Training on several machines refuses parameters without a gradient.
    loss(network(torch.rand(1, 3, 16, 16))).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name


def test_only_what_is_used_is_built() -> None:
    assert built(KINDS["one step"]).recovery is None
    without = built(KINDS["none"])
    assert without.landmark is None
    assert without.recovery is not None
    assert without.recovery.fusion is None


@pytest.mark.parametrize("kind", ATTENTIVE)
def test_attention_teaches_the_landmark_branch(kind: str) -> None:
    network = built(KINDS[kind])
    # Untrained heatmaps are above zero everywhere; the sum of 68 of them would saturate the one map's sigmoid.
    with torch.no_grad():
        network.landmark.head[-1].bias.zero_()
        network.landmark.head[-1].weight.mul_(0.01)
    network(torch.rand(1, 3, 16, 16)).sr.square().sum().backward()
    assert network.landmark.stem[0].weight.grad.abs().max() > 0


@pytest.mark.parametrize("kind", ATTENTIVE)
def test_detached_attention_does_not(kind: str) -> None:
    network = built(replace(KINDS[kind], detach_attention=True))
    output = network(torch.rand(1, 3, 16, 16))
    output.sr.square().sum().backward(retain_graph=True)
    for name, parameter in network.landmark.named_parameters():
        assert parameter.grad is None, name
    output.heatmaps.square().sum().backward()
    assert network.landmark.stem[0].weight.grad.abs().max() > 0


def test_detaching_changes_no_result() -> None:
    lr = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        assert torch.equal(built(KINDS["components"])(lr).sr, built(KINDS["detached"])(lr).sr)


@pytest.mark.parametrize("kind", ATTENTIVE)
def test_the_second_image_depends_on_the_heatmaps(kind: str) -> None:
    network = built(KINDS[kind])
    with torch.inference_mode():
        lr = torch.rand(1, 3, 16, 16)
        start = network.stem(lr)
        _, state = network.step(lr, start, None)
        sr, _ = network.step(lr, start, state)
        blind, _ = network.step(lr, start, state._replace(heatmaps=torch.rand_like(state.heatmaps)))
    assert (sr - blind).abs().max() > 1e-6


def test_one_step_goes_no_further() -> None:
    with pytest.raises(ConfigError, match=r"built for network.steps = 1 and cannot go on to a second step"):
        built(KINDS["one step"])(torch.rand(1, 3, 16, 16), steps=2)


# Without those of which every part is in another's graph; two steps go through all that three go through.
@pytest.mark.slow
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("detached", "none", "one step, none")])
def test_onnx_equals_torch(kind: str, tmp_path: Path) -> None:
    network = built(replace(KINDS[kind], steps=min(2, KINDS[kind].steps)))
    export_onnx(network, tmp_path / "a.onnx")
    faces = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3), dtype=np.uint8)
    for count in (1, 3):
        assert compare_with_torch(network, tmp_path / "a.onnx", [faces[:count]]).passed


def test_weights_load_as_what_they_are(network: DICNetwork, tmp_path: Path) -> None:
    save_network(network, tmp_path / "a.safetensors")
    loaded = load_network(tmp_path / "a.safetensors")
    assert loaded.config == network.config
    lr = torch.rand(1, 3, 16, 16)
    with torch.inference_mode():
        assert torch.equal(network(lr).sr, loaded(lr).sr)
