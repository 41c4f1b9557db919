"""Patch discriminators: what they see, and how steep they may be."""

import torch

from dicface.networks.patch_discriminator import PatchDiscriminator, PatchDiscriminators


def test_both_sizes_score_patches() -> None:
    full, half = PatchDiscriminators(2)(torch.rand(3, 3, 64, 64), 16)
    assert full.scores.shape == (3, 1, 4, 4)
    assert half.scores.shape == (3, 1, 2, 2)
    assert [tuple(each.shape[1:]) for each in full.features] == [(2, 32, 32), (4, 16, 16), (8, 8, 8), (16, 4, 4)]


def test_a_score_sees_a_part_of_the_face() -> None:
    torch.manual_seed(0)
    network = PatchDiscriminator(2).eval()
    image = torch.zeros(1, 4, 128, 128)
    changed = image.clone()
    changed[..., :8, :8] = 1
    difference = (network(changed).scores - network(image).scores).abs()[0, 0]
    assert difference[0, 0] > 0
    assert difference[-1, -1] == 0


def test_scores_depend_on_the_side_of_the_crop() -> None:
    torch.manual_seed(0)
    network, image = PatchDiscriminators(2).eval(), torch.rand(1, 3, 64, 64)
    assert not torch.equal(network(image, 8)[0].scores, network(image, 32)[0].scores)


def test_layers_have_spectral_norm_one() -> None:
    torch.manual_seed(0)
    network = PatchDiscriminator(4)
    for _ in range(30):  # each pass refines the estimate of the norm
        network(torch.rand(1, 4, 32, 32))
    network.eval()
    for layer in (*network.layers, network.head):
        assert torch.linalg.matrix_norm(layer.weight.flatten(1), 2).item() < 1.05
