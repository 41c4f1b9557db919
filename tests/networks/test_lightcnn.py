"""Face features: their size is a unit, their direction is the face."""

import torch

from dicface.networks.lightcnn import FaceRecogniser


def test_larger_features_point_the_same_way() -> None:
    torch.manual_seed(0)
    network, faces = FaceRecogniser(8), torch.rand(2, 3, 128, 128)
    with torch.inference_mode():
        features, embeddings = network.features(faces), network(faces)
        network.scale_features(3.0)
        torch.testing.assert_close(network.features(faces), 3 * features)
        torch.testing.assert_close(network(faces), 3 * embeddings)


def test_features_that_grew_large_survive_float16() -> None:
    """In which they are embedded; of one convolution's weights that were made so small it would leave little."""
    torch.manual_seed(0)
    network, faces = FaceRecogniser(8), torch.rand(2, 3, 128, 128)
    with torch.inference_mode():
        for parameter in network.features.parameters():
            parameter.mul_(8)
        features = network.features(faces)
        magnitude = features.abs().mean().item()
        assert magnitude > 1e5
        network.scale_features(1 / magnitude)
        network.half().float()
        torch.testing.assert_close(network.features(faces), features / magnitude, rtol=0.01, atol=0.01)
