"""Generator and discriminator learn from their own loss only."""

import warnings

import pytest
import torch
from torch import nn

from dicface.data.batches import FaceBatch
from dicface.training.dicgan import DICGANTask
from dicface.training.losses import adversarial_loss, discriminator_loss
from tests.support.training import small


def gradients(adversarial: float, image: float) -> tuple[dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Of generator and discriminator after one step's loss, always of the same weights and faces."""
    weights = (f"gan.adversarial={adversarial}", f"loss.image={image}", "loss.heatmap=0.0")
    settings = small("dicgan", *weights, "run.frozen_landmark_steps=0")
    torch.manual_seed(0)
    task = DICGANTask(settings)
    # The last layer starts at zero, where no gradient passes it.
    nn.init.normal_(task.network.reconstruction.conv.weight, std=0.1)
    hr = torch.rand(2, 3, 128, 128)
    batch = FaceBatch(hr, torch.rand(2, 3, 16, 16), torch.full((2, 68, 2), 60.0), torch.tensor([-1, -1]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # there is no trainer to log to
        task.training_step(batch, 0).backward()
    parts = (task.network, task.discriminator)
    of_each = [{name: p.grad for name, p in part.named_parameters() if p.grad is not None} for part in parts]
    return of_each[0], of_each[1]


def test_each_network_learns_from_its_own_loss() -> None:
    plain, judged = gradients(adversarial=0.0, image=1.0)
    fooled, judged_again = gradients(adversarial=1.0, image=1.0)
    for name in judged:
        torch.testing.assert_close(judged[name], judged_again[name])
    assert any(float(gradient.abs().max()) > 0 for gradient in judged.values())
    assert any(not torch.allclose(plain[name], fooled[name]) for name in fooled)


def test_without_generator_losses_the_generator_stands_still() -> None:
    still, judged = gradients(adversarial=0.0, image=0.0)
    assert all(float(gradient.abs().max()) == 0 for gradient in still.values())
    assert any(float(gradient.abs().max()) > 0 for gradient in judged.values())


def test_adversarial_losses_by_hand() -> None:
    sure, unsure = torch.tensor([[4.0]]), torch.zeros(3, 1)
    assert float(adversarial_loss(unsure)) == pytest.approx(0.6931, abs=1e-4)
    assert float(adversarial_loss(sure)) == pytest.approx(0.0181, abs=1e-4)
    assert float(discriminator_loss(sure, -sure)) == pytest.approx(0.0181, abs=1e-4)
    assert float(discriminator_loss(-sure, sure)) == pytest.approx(4.0181, abs=1e-4)
