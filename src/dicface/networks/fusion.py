"""How landmarks guide the recovery: attentive fusion of facial components, and the plainer ways it is compared with.

Each is called with the compressed features of a recovery block and the heatmaps of the step before.
"""

from typing import cast

import torch
from torch import Tensor, nn

from dicface.landmarks import COMPONENTS, COMPONENTS_68
from dicface.networks.blocks import LEAKY_SLOPE

MIN_PEAK = 0.05


class ComponentMaps(nn.Module):
    """Sum the landmark heatmaps of each facial component.

    Each heatmap is first divided by its own maximum (at least 0.05), so that a faint landmark counts as much as a sure
    one while an absent one stays absent.

    Source: the paper's attentive fusion module; the division by the maximum from the released code.
    """

    def forward(self, heatmaps: Tensor) -> Tensor:
        """Sum them.

        Args:
            heatmaps: (N, K, H, W) float; K = 68 are iBUG's points, 194 Helen's.

        Returns:
            (N, 5, H, W) float: left eye, right eye, nose, mouth, silhouette with brows.
        """
        peaks = heatmaps.amax(dim=(2, 3), keepdim=True).clamp(min=MIN_PEAK)
        return self.sums(heatmaps / peaks)

    def sums(self, scaled: Tensor) -> Tensor:
        """(N, K, H, W) float -> (N, 5, H, W) float."""
        parts = [
            sum(scaled[:, first:last].sum(dim=1) for first, last in ranges) for ranges in COMPONENTS[scaled.shape[1]]
        ]
        return torch.stack([torch.as_tensor(component) for component in parts], dim=1)


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


class ComponentPaths(nn.Module):
    """One feature path per facial component: 1x1 convolution to all of them, then residual blocks within each."""

    def __init__(self, inputs: int, features: int, blocks: int) -> None:
        super().__init__()
        self.components = len(COMPONENTS_68)
        width = self.components * features
        self.expand = nn.Sequential(nn.Conv2d(inputs, width, 1), nn.LeakyReLU(LEAKY_SLOPE))
        self.paths = nn.Sequential(*(_GroupedResidual(width, self.components) for _ in range(blocks)))

    @torch.no_grad()
    def pass_through(self) -> None:
        """Set the weights so that each path gives the leaky ReLU of the features, whatever the heatmaps are."""
        conv = cast(nn.Conv2d, self.expand[0])
        nn.init.zeros_(cast(Tensor, conv.bias))
        nn.init.zeros_(conv.weight)
        for path in conv.weight.chunk(self.components):
            nn.init.dirac_(path)
        for block in self.paths:
            last = cast(nn.Conv2d, cast(_GroupedResidual, block).body[-1])
            nn.init.zeros_(last.weight)
            nn.init.zeros_(cast(Tensor, last.bias))

    def split(self, features: Tensor) -> Tensor:
        """(N, inputs, H, W) float -> (N, 5, C, H, W) float."""
        return self.paths(self.expand(features)).unflatten(1, (self.components, -1))


class AttentiveFusion(ComponentPaths):
    """One feature path per facial component, summed with the softmax of the component maps as weights.

    Source: the paper's attentive fusion module; sizes from the released code.
    """

    def __init__(self, features: int, blocks: int) -> None:
        super().__init__(features, features, blocks)
        self.component_maps = ComponentMaps()

    def weights(self, heatmaps: Tensor) -> Tensor:
        """(N, K, H, W) float -> (N, 5, H, W) float, what each component's path counts for."""
        return self.component_maps(heatmaps).softmax(dim=1)

    def forward(self, features: Tensor, heatmaps: Tensor) -> Tensor:
        """Weigh the component paths.

        Args:
            features: (N, C, 32, 32) float.
            heatmaps: (N, K, 32, 32) float.

        Returns:
            (N, C, 32, 32) float.
        """
        return (self.split(features) * self.weights(heatmaps).unsqueeze(2)).sum(dim=1)


class OneMapFusion(AttentiveFusion):
    """The paths of `AttentiveFusion`, all weighed by one map that says where the face has any component at all.

    Cost and parameters are the same, so a comparison of the two shows what telling the components apart is worth.
    """

    def weights(self, heatmaps: Tensor) -> Tensor:
        """(N, K, H, W) float -> (N, 1, H, W) float in (0, 1/5): sigmoid of the summed component maps, shared out."""
        return self.component_maps(heatmaps).sum(dim=1, keepdim=True).sigmoid() / self.components


class ConcatenatedFusion(ComponentPaths):
    """No attention: the heatmaps are further input channels of the paths, whose plain mean is taken.

    Depth and cost are those of `AttentiveFusion` but for K more inputs of the 1x1 convolution, and the mean is what its
    attention gives where it sees no component. So a comparison of the two shows what it is worth to weigh by the
    heatmaps rather than read them. (A single path of C channels would have a fifth of the weights, and the comparison
    would show that, too.)
    """

    def __init__(self, features: int, blocks: int, keypoints: int) -> None:
        super().__init__(features + keypoints, features, blocks)

    def forward(self, features: Tensor, heatmaps: Tensor) -> Tensor:
        """(N, C, 32, 32) float and (N, K, 32, 32) float -> (N, C, 32, 32) float."""
        return self.split(torch.cat([features, heatmaps], dim=1)).mean(dim=1)
