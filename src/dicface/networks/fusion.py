"""Attentive fusion of facial components."""

import torch
from torch import Tensor, nn

from dicface.landmarks import COMPONENTS_68, ComponentRanges
from dicface.networks.blocks import LEAKY_SLOPE

MIN_PEAK = 0.05


def component_maps(heatmaps: Tensor, components: ComponentRanges = COMPONENTS_68) -> Tensor:
    """Sum the landmark heatmaps of each facial component.

    Each heatmap is first divided by its own maximum (at least 0.05), so that a faint landmark counts as much as a sure
    one while an absent one stays absent.

    Args:
        heatmaps: (N, K, H, W) float.
        components: for each component the half-open ranges of its landmark indices.

    Returns:
        (N, 5, H, W) float: left eye, right eye, nose, mouth, silhouette with brows.

    Source: the paper's attentive fusion module; the division by the maximum from the released code.
    """
    peaks = heatmaps.amax(dim=(2, 3), keepdim=True).clamp(min=MIN_PEAK)
    scaled = heatmaps / peaks
    sums = [sum(scaled[:, first:last].sum(dim=1) for first, last in ranges) for ranges in components]
    return torch.stack([torch.as_tensor(component) for component in sums], dim=1)


class _GroupedResidual(nn.Module):
    """Residual block whose channels are split by component, so that each has a path of its own."""

    def __init__(self, channels: int, groups: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels, channels, 3, padding=1, groups=groups),
            nn.LeakyReLU(LEAKY_SLOPE),
            nn.Conv2d(channels, channels, 3, padding=1, groups=groups),
        )

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


class AttentiveFusion(nn.Module):
    """One feature path per facial component, summed with the softmax of the component maps as weights.

    Source: the paper's attentive fusion module; sizes from the released code.
    """

    def __init__(self, features: int, blocks: int, components: int = len(COMPONENTS_68)) -> None:
        super().__init__()
        self.components = components
        self.expand = nn.Sequential(nn.Conv2d(features, components * features, 1), nn.LeakyReLU(LEAKY_SLOPE))
        self.paths = nn.Sequential(*(_GroupedResidual(components * features, components) for _ in range(blocks)))

    def forward(self, features: Tensor, components: Tensor) -> Tensor:
        """Weigh the component paths.

        Args:
            features: (N, C, 32, 32) float.
            components: (N, 5, 32, 32) float component maps.

        Returns:
            (N, C, 32, 32) float.
        """
        paths = self.paths(self.expand(features)).unflatten(1, (self.components, -1))
        weights = components.softmax(dim=1).unsqueeze(2)
        return (paths * weights).sum(dim=1)
