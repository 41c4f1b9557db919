"""What holds for the U-shaped recovery branch, beside what holds for every network (test_dic, test_ablations)."""

from dataclasses import replace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from dicface.errors import ConfigError
from dicface.networks.consistency import back_project
from dicface.networks.dic import LITE, LITE_256, DICConfig, DICNetwork
from dicface.networks.resize import resize_bicubic
from dicface.networks.u import GatedResidual, enlarging_kernel, grown_state
from tests.support.networks import TINY, TINY_U


def built(config: DICConfig) -> DICNetwork:
    torch.manual_seed(0)
    return DICNetwork(config).eval()


def test_lite_costs_at_most_two_gmac() -> None:
    network = built(LITE)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 64, 64))
    assert counter.get_total_flops() / 2e9 <= 2.0


@pytest.mark.parametrize("side", [32, 57, 128, 200, 256])
def test_any_side_gives_256_px(side: int) -> None:
    output = built(replace(TINY_U, output_px=256))(torch.rand(1, 3, side, side))
    assert output.sr.shape == (1, 2, 3, 256, 256)
    assert output.heatmaps.shape == (1, 2, 68, 64, 64)


def test_lite_256_costs_at_most_twelve_gflop() -> None:
    network = built(LITE_256)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 64, 64))
    assert counter.get_total_flops() <= 12e9


def test_the_finest_pixels_of_a_crop_of_256_px_reach_the_trunk() -> None:
    network = built(replace(TINY_U, output_px=256))
    lr = torch.rand(1, 3, 256, 256)
    other = lr.clone()
    # A grid of 128 px would see no difference: every square of 2x2 keeps its mean.
    other[..., 100, 100], other[..., 100, 101] = lr[..., 100, 101], lr[..., 100, 100]
    with torch.inference_mode():
        assert (network.stem(lr).features - network.stem(other).features).abs().max() > 1e-6


@pytest.mark.parametrize("side", [8, 13, 16, 37, 64])
def test_any_side_gives_128_px(side: int) -> None:
    output = built(TINY_U)(torch.rand(2, 3, side, side))
    assert output.sr.shape == (2, 2, 3, 128, 128)
    assert output.heatmaps.shape == (2, 2, 68, 32, 32)


def test_the_trunk_goes_from_step_to_step() -> None:
    network = built(TINY_U)
    lr = torch.rand(1, 3, 16, 16)
    start = network.stem(lr - network.means)
    with torch.inference_mode():
        _, state = network.step(lr - network.means, start, None)
        kept, _ = network.step(lr - network.means, start, state)
        lost, _ = network.step(lr - network.means, start, state._replace(recovery=torch.zeros_like(state.recovery)))
    assert (kept - lost).abs().max() > 1e-6


def test_every_parameter_learns_from_images_and_heatmaps() -> None:
    network = built(TINY_U)
    output = network(torch.rand(2, 3, 16, 16))
    (output.sr.square().mean() + output.heatmaps.square().mean()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name


def test_no_layer_enlarges_by_a_transposed_convolution_of_its_own() -> None:
    assert not any(isinstance(layer, torch.nn.ConvTranspose2d) for layer in built(TINY_U).modules())


def test_an_enlargement_is_that_of_nearest_neighbours_and_a_convolution() -> None:
    torch.manual_seed(0)
    conv, features = torch.nn.Conv2d(5, 7, 3, padding=1), torch.randn(2, 5, 6, 9)
    plain = conv(torch.nn.functional.interpolate(features, scale_factor=2, mode="nearest"))
    kernel = enlarging_kernel(conv.weight)
    ours = torch.nn.functional.conv_transpose2d(features, kernel, conv.bias, stride=2, padding=1)
    torch.testing.assert_close(ours, plain, atol=1e-5, rtol=0)


def test_a_grown_network_sees_a_face_of_twice_the_side_as_the_smaller_one_did() -> None:
    smaller, grown = built(TINY_U), built(replace(TINY_U, output_px=256))
    grown.load_state_dict(grown_state(smaller.state_dict()))
    # On the folded grid every 2x2 square of this face is one pixel of the smaller one's grid, and 2/3 of the plane of
    # a crop of 128 px is -2/3.
    lr = torch.rand(1, 3, 64, 64)
    plane = torch.full_like(lr[:, :1], -2 / 3)
    wanted = smaller.stem.conv(torch.cat([lr, plane], dim=1))
    fine = lr.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    plane = torch.full_like(lr[:, :1], -1.0)
    got = grown.stem.conv(torch.cat([torch.nn.functional.pixel_unshuffle(fine, 2), plane], dim=1))
    torch.testing.assert_close(got, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [8, 11, 16, 33, 48, 64])
def test_back_projected_faces_reduce_to_their_input(side: int) -> None:
    lr, sr = torch.rand(2, 3, side, side), torch.rand(2, 3, 128, 128)
    projected = back_project(sr, lr, torch.ones(2, 1, 1, 1))
    torch.testing.assert_close(resize_bicubic(projected, side), lr, atol=5e-5, rtol=0)
    # The nearest such face: what reduces to nothing is left as it was.
    again = back_project(projected, lr, torch.ones(2, 1, 1, 1))
    torch.testing.assert_close(again, projected, atol=1e-4, rtol=0)


def test_each_face_is_projected_by_its_own_share() -> None:
    lr, sr = torch.rand(3, 3, 16, 16), torch.rand(3, 3, 128, 128)
    share = torch.tensor([0.0, 0.5, 1.0])[:, None, None, None]
    projected = back_project(sr, lr, share)
    torch.testing.assert_close(projected[0], sr[0])
    missing = (resize_bicubic(projected, 16) - lr).abs().amax(dim=(1, 2, 3))
    before = (resize_bicubic(sr, 16) - lr).abs().amax(dim=(1, 2, 3))
    torch.testing.assert_close(missing / before, torch.tensor([1.0, 0.5, 0.0]), atol=1e-3, rtol=0)


def test_the_gate_is_one_number_a_face_between_0_and_1() -> None:
    network = built(TINY_U)
    share = network.damage_gate(torch.randn(4, 8, 16, 16))
    assert share.shape == (4, 1, 1, 1)
    assert bool(((share > 0) & (share < 1)).all())
    assert len(share.unique()) == 4


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"recovery": "u", "stem": "paper", "consistency": False}, "network.stem"),
        ({"consistency": True}, "network.consistency"),
        ({"output_px": 256}, "network.output_px"),
    ],
)
def test_settings_that_do_not_fit_are_refused(change: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named):
        replace(TINY, **change)


def test_no_input_makes_features_explode() -> None:
    torch.manual_seed(0)
    block = GatedResidual(8)
    with torch.no_grad():
        for parameter in block.parameters():
            parameter.mul_(10)
    features = 10 * torch.randn(1, 8, 16, 16)
    for _ in range(20):
        features = block(features)
    assert bool(features.isfinite().all())
    assert features.abs().max() <= 32
