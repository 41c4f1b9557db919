"""Phases of weights that learn, and the activation whose gradient is summed up: the paper's layers, sooner."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dicface.networks.blocks import PReLU
from dicface.networks.dic import DIC, DICConfig
from dicface.networks.phases import enlarge, group_kernels, merge, phase_groups, reduce
from dicface.networks.recovery import RecoveryBlock
from tests.support.networks import FEEDBACK, bend

TOLERANCE = 1e-4


def with_plain_activations(block: RecoveryBlock) -> None:
    for module in block.modules():
        if isinstance(module, PReLU):
            module.forward = nn.PReLU.forward.__get__(module)


def results(block: RecoveryBlock, project: Callable[[Tensor], Tensor], features: Tensor) -> dict[str, Tensor]:
    """A block's output, and the gradient of everything that it learns from."""
    block.zero_grad()
    features = features.clone().requires_grad_()
    output = project(block.compress_in(features))
    # Each value weighs differently, or errors of opposite sign would cancel.
    (output * torch.linspace(-1, 1, output.numel()).reshape(output.shape)).sum().backward()
    gradients: dict[str, Any] = {name: parameter.grad.clone() for name, parameter in block.named_parameters()}
    assert features.grad is not None
    return {"output": output.detach(), **gradients, "features": features.grad}


def check(block: RecoveryBlock, features: Tensor, wanted: dict[str, Tensor]) -> None:
    for at_once in (False, True):
        got = results(block, partial(block.project_in_phases, at_once=at_once), features)
        assert got.keys() == wanted.keys()
        for name, value in wanted.items():
            error = (got[name] - value).abs().max() / value.abs().max()
            assert error < TOLERANCE, (name, at_once, float(error))


def block_of(config: DICConfig) -> RecoveryBlock:
    return RecoveryBlock(config.features, config.features, config.groups, config.projection_stride, fusion=None)


@pytest.mark.parametrize("stride", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_phases_give_the_plain_layers_output_and_gradients(stride: int, layout: torch.memory_format) -> None:
    torch.manual_seed(0)
    block = RecoveryBlock(5, 4, 3, stride, fusion=None).to(memory_format=layout)
    bend(block)
    features = torch.randn(2, 5, 6, 7).to(memory_format=layout)
    with_plain_activations(block)
    wanted = results(block, block.project, features)
    for module in block.modules():
        vars(module).pop("forward", None)
    check(block, features, wanted)


@pytest.mark.parametrize("config", [pytest.param(DIC, marks=pytest.mark.slow), FEEDBACK], ids=["authors", "any-size"])
def test_phases_of_the_real_sizes_give_the_plain_layers_output_and_gradients(config: DICConfig) -> None:
    torch.manual_seed(0)
    block = block_of(config).to(memory_format=torch.channels_last)
    bend(block)
    features = torch.randn(1, config.features, 32, 32)
    with_plain_activations(block)
    wanted = results(block, block.project, features)
    for module in block.modules():
        vars(module).pop("forward", None)
    check(block, features, wanted)


def test_a_block_that_learns_takes_phases_and_one_that_does_not_the_plain_layers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    taken: list[str] = []

    def noting(name: str) -> Callable[..., Tensor]:
        original = getattr(RecoveryBlock, name)

        def method(block: RecoveryBlock, low: Tensor, **form: bool) -> Tensor:
            taken.append(name)
            assert form in ({}, {"at_once": False})
            return original(block, low, **form)

        return method

    for name in ("project", "project_in_phases"):
        monkeypatch.setattr(RecoveryBlock, name, noting(name))
    block, features = RecoveryBlock(4, 4, 2, 2, fusion=None), torch.zeros(1, 4, 4, 4)
    block(features, None)
    with torch.inference_mode():
        block(features, None)
    assert taken == ["project_in_phases", "project"]


def test_phases_in_bfloat16_stay_as_close_as_the_plain_layers() -> None:
    torch.manual_seed(0)
    block = RecoveryBlock(8, 8, 3, 4, fusion=None).to(memory_format=torch.channels_last)
    features = torch.randn(2, 8, 8, 8)
    # A slope's gradient is one sum of values of both signs, whose rounding may exceed it.
    exact = {name: value for name, value in results(block, block.project, features).items() if value.numel() > 1}
    errors: dict[str, list[float]] = {}
    in_phases = {f"at_once {form}": partial(block.project_in_phases, at_once=form) for form in (False, True)}
    for name, project in {"plain": block.project, **in_phases}.items():
        with torch.autocast("cpu", torch.bfloat16):
            rounded = results(block, project, features)
        errors[name] = [float((rounded[key].float() - exact[key]).norm() / exact[key].norm()) for key in exact]
    for name in in_phases:
        assert max(errors[name]) < max(0.05, 1.5 * max(errors["plain"])), name


def test_every_tap_of_a_kernel_is_in_one_group() -> None:
    kernel = torch.arange(144.0).reshape(1, 1, 12, 12)
    taps = torch.cat([part.flatten() for part in group_kernels(kernel, phase_groups(12, 8, 2))])
    assert torch.equal(taps.sort().values, torch.arange(144.0))


def test_enlarging_and_reducing_phases_follow_the_convolutions() -> None:
    torch.manual_seed(0)
    shape = 6, 2, 2
    deconv, conv = nn.ConvTranspose2d(3, 4, 6, 2, 2), nn.Conv2d(4, 5, 6, 2, 2)
    image = torch.randn(2, 3, 5, 6)
    assert deconv.bias is not None
    assert conv.bias is not None
    phases = enlarge(image, deconv.weight, deconv.bias, shape)
    torch.testing.assert_close(phases[0][:, :4], deconv(image)[..., ::2, ::2], atol=1e-6, rtol=1e-5)
    reduced = reduce(phases, conv.weight, conv.bias, shape)
    torch.testing.assert_close(reduced, conv(deconv(image)), atol=1e-6, rtol=1e-5)


def test_a_merge_adds_up_the_gradients_of_what_it_passes_on() -> None:
    torch.manual_seed(0)
    first, second = (torch.randn(1, 3, 4, 4).to(memory_format=torch.channels_last).requires_grad_() for _ in range(2))
    weight, bias, slope = torch.randn(3, 6, 1, 1), torch.randn(3), torch.tensor([0.3])
    merged, passed = merge([[first], [second]], weight, bias, slope)
    again = merge(passed, weight, bias, slope).phases
    (merged[0].sum() + again[0].square().sum()).backward()
    got = first.grad.clone(), second.grad.clone()
    first.grad = second.grad = None
    plain = nn.functional.prelu(nn.functional.conv2d(torch.cat([first, second], dim=1), weight, bias), slope)
    (plain.sum() + plain.square().sum()).backward()
    torch.testing.assert_close(got, (first.grad, second.grad), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("slope", [-0.3, 0.0, 0.2, 1.0])
@pytest.mark.parametrize("shape", [(2, 3, 4, 5), (6, 3)])
def test_the_activation_is_pytorchs(slope: float, shape: tuple[int, ...]) -> None:
    torch.manual_seed(0)
    found: list[tuple[Tensor | None, ...]] = []
    for kind in (PReLU(), nn.PReLU()):
        nn.init.constant_(kind.weight, slope)
        inputs = torch.linspace(-2, 2, torch.Size(shape).numel()).reshape(shape).requires_grad_()
        output = kind(inputs)
        output.square().sum().backward()
        found.append((output.detach(), inputs.grad, kind.weight.grad))
    torch.testing.assert_close(found[0], found[1])
