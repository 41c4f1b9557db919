"""What each way of guiding the recovery by landmarks reads off the heatmaps."""

import pytest
import torch
from torch import Tensor

from dicface.networks.fusion import AttentiveFusion, ComponentMaps, ConcatenatedFusion, OneMapFusion

FEATURES, KEYPOINTS = 4, 68
# One landmark of each component: left eye, right eye, nose, mouth, silhouette.
LANDMARKS = (36, 45, 30, 60, 8)


def lit(landmark: int) -> Tensor:
    """Heatmaps of one landmark alone, always in the same place."""
    heatmaps = torch.zeros(1, KEYPOINTS, 32, 32)
    heatmaps[0, landmark, 10:14, 5:9] = 1
    return heatmaps


@pytest.fixture
def features() -> Tensor:
    torch.manual_seed(0)
    return torch.rand(1, FEATURES, 32, 32)


def test_attention_tells_the_components_apart(features: Tensor) -> None:
    fusion = AttentiveFusion(FEATURES, blocks=1)
    results = [fusion(features, lit(landmark)) for landmark in LANDMARKS]
    for other in results[1:]:
        assert (results[0] - other).abs().max() > 1e-3


def test_one_map_does_not(features: Tensor) -> None:
    fusion = OneMapFusion(FEATURES, blocks=1)
    results = [fusion(features, lit(landmark)) for landmark in LANDMARKS]
    for other in results[1:]:
        torch.testing.assert_close(other, results[0])
    assert (results[0] - fusion(features, torch.zeros(1, KEYPOINTS, 32, 32))).abs().max() > 1e-3


def test_one_map_is_the_sum_of_the_components(features: Tensor) -> None:
    fusion, heatmaps = OneMapFusion(FEATURES, blocks=1), torch.rand(1, KEYPOINTS, 32, 32)
    weights = torch.sigmoid(ComponentMaps()(heatmaps).sum(dim=1)) / 5
    wanted = fusion.split(features).sum(dim=1) * weights[:, None]
    torch.testing.assert_close(fusion(features, heatmaps), wanted)


def test_one_map_has_the_parameters_of_the_attention() -> None:
    with torch.device("meta"):
        one, attention = OneMapFusion(FEATURES, blocks=2), AttentiveFusion(FEATURES, blocks=2)
    assert {k: v.shape for k, v in one.state_dict().items()} == {k: v.shape for k, v in attention.state_dict().items()}


def test_concatenation_has_the_cost_of_the_attention_and_k_inputs_more() -> None:
    with torch.device("meta"):
        concatenation = ConcatenatedFusion(FEATURES, blocks=2, keypoints=KEYPOINTS)
        attention = AttentiveFusion(FEATURES, blocks=2)
    sizes = [sum(p.numel() for p in fusion.parameters()) for fusion in (concatenation, attention)]
    assert sizes[0] - sizes[1] == KEYPOINTS * 5 * FEATURES


def test_concatenation_without_weights_for_heatmaps_is_attention_without_components(features: Tensor) -> None:
    concatenation, attention = ConcatenatedFusion(FEATURES, 1, KEYPOINTS), AttentiveFusion(FEATURES, 1)
    state = concatenation.state_dict()
    attention.load_state_dict(state | {"expand.0.weight": state["expand.0.weight"][:, :FEATURES]})
    dark = torch.zeros(1, KEYPOINTS, 32, 32)
    torch.testing.assert_close(concatenation(features, dark), attention(features, dark))
    assert (concatenation(features, lit(30)) - concatenation(features, dark)).abs().max() > 1e-3
