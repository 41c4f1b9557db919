"""The task `sharp`: what learns, what balances it, and what its settings refuse."""

from pathlib import Path

import pytest
import torch
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dicface.checkpoints.networks import load_network, read_tensors
from dicface.errors import ConfigError
from dicface.training.sharp_losses import (
    SharpConfig,
    adversarial_ramp,
    balanced_weight,
    generator_hinge_loss,
    hinge_loss,
    matching_loss,
    moved_crop,
)
from tests.support.training import run, small, untrained_network


def moved(weights: Path, start: Path) -> set[str]:
    """Names of the parameters that differ."""
    before, after = load_network(start).state_dict(), load_network(weights).state_dict()
    return {key for key in before if not torch.equal(before[key], after[key])}


@pytest.mark.slow
@pytest.mark.parametrize("config", ["lite-sharp", "lite-256-sharp", "dic-sharp"])
def test_three_steps_move_the_last_trunk_and_the_tail_only(tmp_path: Path, config: str) -> None:
    weights = run(small(config, "run.steps=3", "run.validate_every=3"), tmp_path, "run")
    parts = {key.split(".")[0] for key in moved(weights, untrained_network(config.removesuffix("-sharp")))}
    assert parts == {"recovery", "reconstruction"}


@pytest.mark.slow
def test_the_tail_may_learn_alone(tmp_path: Path) -> None:
    settings = small("lite-sharp", "run.steps=3", "run.validate_every=3", 'sharp.trained=["reconstruction"]')
    parts = {key.split(".")[0] for key in moved(run(settings, tmp_path, "run"), untrained_network("lite"))}
    assert parts == {"reconstruction"}


@pytest.mark.slow
def test_discriminators_learn_alone_first(tmp_path: Path) -> None:
    settings = small("lite-sharp", "run.steps=3", "run.validate_every=2", "sharp.discriminator_steps=2")
    run(settings, tmp_path, "run")
    best = torch.load(tmp_path / "run" / "best.ckpt", weights_only=True)
    start = read_tensors(untrained_network("lite"))[0]
    assert best["global_step"] == 2
    assert all(torch.equal(best["state_dict"][f"network.{key}"], value) for key, value in start.items())
    rates = [group["initial_lr"] for group in best["optimizer_states"][0]["param_groups"]]
    assert rates == [1e-4, 2e-4]
    assert {group["betas"] for group in best["optimizer_states"][0]["param_groups"]} == {(0.5, 0.99)}


@pytest.mark.slow
def test_face_features_take_part_and_identity_is_logged(tmp_path: Path) -> None:
    features = run(small("features", "run.steps=1", "run.validate_every=1"), tmp_path, "features")
    settings = (f"run.features_weights={features}", "sharp.feature=0.1", "run.steps=2", "run.validate_every=2")
    run(small("lite-sharp", *settings, "sharp.ramp_steps=0", "run.precision=bf16-mixed"), tmp_path, "with")
    log = EventAccumulator(str(tmp_path / "with" / "log"))
    log.Reload()
    logged = {name: log.Scalars(name)[-1].value for name in log.scalars.Keys()}
    measures = ("psnr", "detail", "correlation", "stitch", "cells", "identity", "consistency")
    assert {f"val_{name}_{size}" for name in measures for size in (16, 32)} < set(logged)
    assert -1 <= logged["val_identity_16"] <= 1


def test_the_ramp_waits_and_rises() -> None:
    config = SharpConfig(discriminator_steps=3, ramp_steps=4)
    assert [adversarial_ramp(step, config) for step in range(9)] == [0, 0, 0, 0.25, 0.5, 0.75, 1, 1, 1]
    assert adversarial_ramp(0, SharpConfig(discriminator_steps=0, ramp_steps=0)) == 1


def test_the_weighted_adversarial_gradient_has_the_wanted_norm() -> None:
    torch.manual_seed(0)
    others, adversarial = torch.randn(3, 4), 20 * torch.randn(3, 4)
    weight = balanced_weight(others, adversarial, 0.15)
    assert float((weight * adversarial).norm() / others.norm()) == pytest.approx(0.15, abs=1e-6)
    assert float(balanced_weight(others, torch.zeros(3, 4), 0.15)) == pytest.approx(15)


def test_hinge_losses_by_hand() -> None:
    zero, sure = [torch.zeros(1, 1, 2, 2)] * 2, [torch.full((1, 1, 2, 2), 3.0)] * 2
    assert float(hinge_loss(zero, zero)) == 1
    assert float(hinge_loss(sure, [-each for each in sure])) == 0
    assert float(hinge_loss([-each for each in sure], zero)) == 2.5
    assert float(generator_hinge_loss(sure)) == -3


def test_matching_leaves_the_features_of_photos_alone() -> None:
    photo, made = torch.ones(1, 2, 2, 2, requires_grad=True), torch.zeros(1, 2, 2, 2, requires_grad=True)
    loss = matching_loss([[photo]], [[made]])
    loss.backward()
    assert float(loss.detach()) == 1
    assert photo.grad is None
    assert made.grad is not None


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("sharp.trained=[]", r"expected sharp\.trained to name each trained part once, got \[\]"),
        ('sharp.trained=["stem"]', "expected one of .*trunk.* for sharp.trained, got 'stem'"),
        ("sharp.matching=-1.0", r"expected weights, steps and rates of \[sharp\] from 0 up"),
        ("sharp.image=0.0", r"expected sharp\.image above 0"),
        ("sharp.beta1=1.0", r"expected sharp\.beta1 and sharp\.beta2 from 0 to under 1, got 1\.0, 0\.99"),
        ("sharp.discriminator_width=0", r"expected sharp\.discriminator_width from 1 up, got 0"),
        ("sharp.discriminator_steps=9999", r"expected sharp\.discriminator_steps below run\.steps = 1000"),
    ],
)
def test_wrong_settings_are_refused(setting: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        small("lite-sharp", setting)


def test_what_it_starts_from_is_needed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected run\.network_weights, the faithful network to start from"):
        run(small("lite-sharp", "run.network_weights="), tmp_path, "run")
    with pytest.raises(ConfigError, match=r"expected run\.features_weights, the result of a run of the `features`"):
        run(small("lite-sharp", "sharp.feature=0.1"), tmp_path, "run")


def test_the_discriminators_see_another_part_in_every_step() -> None:
    faces = torch.arange(2 * 64 * 64).reshape(2, 1, 64, 64)
    crops = [moved_crop(faces, step) for step in range(400)]
    assert {tuple(crop.shape) for crop in crops} == {(2, 1, 48, 48)}
    corners = [divmod(int(crop[0, 0, 0, 0]), 64) for crop in crops]
    for places in zip(*corners, strict=True):
        assert set(places) == set(range(17))
    assert torch.equal(moved_crop(faces, 7), crops[7])
