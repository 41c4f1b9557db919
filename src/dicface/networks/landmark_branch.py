"""The landmark branch: a recurrent hourglass."""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from dicface.landmarks import HEATMAP_STRIDE
from dicface.networks.blocks import Residual


class LandmarkOutput(NamedTuple):
    """Result of one step of the landmark branch.

    Attributes:
        heatmaps: (N, K, 32, 32) float, about 1 at a landmark and 0 elsewhere; not clipped.
        hidden: (N, F, 32, 32) float, the recurrent state for the next step.
    """

    heatmaps: Tensor
    hidden: Tensor


class Hourglass(nn.Module):
    """Residual blocks on a pyramid, each level added to what comes back up from below.

    Down by 2x2 maximum, up by bilinear interpolation with aligned corners. Source: the paper's landmark branch.
    """

    def __init__(self, width: int, depth: int, normalised: bool = False) -> None:
        super().__init__()
        self.skip = nn.ModuleList(Residual(width, width, normalised) for _ in range(depth))
        self.down = nn.ModuleList(Residual(width, width, normalised) for _ in range(depth))
        self.up = nn.ModuleList(Residual(width, width, normalised) for _ in range(depth))
        self.centre = Residual(width, width, normalised)

    def forward(self, features: Tensor) -> Tensor:
        """(N, width, H, W) float -> the same; H and W divisible by 2 ** depth."""
        skips = []
        for skip, down in zip(self.skip, self.down, strict=True):
            skips.append(skip(features))
            features = down(nn.functional.max_pool2d(features, 2))
        features = self.centre(features)
        for skip, up in zip(reversed(skips), self.up, strict=True):
            # By a factor rather than to a size, which every exported graph would compute anew.
            features = nn.functional.interpolate(up(features), scale_factor=2, mode="bilinear", align_corners=True)
            features = features + skip
        return features


class LandmarkBranch(nn.Module):
    """Image to landmark heatmaps, with its own previous feature as memory.

    Faces of 256 px (`scale` 2) are looked at in half their size, by the same weights; only the last two convolutions
    work on the finer heatmaps.

    Source: the paper's landmark branch, a recurrent hourglass; sizes from the released code.
    """

    def __init__(self, width: int, keypoints: int, depth: int = 4, scale: int = 1) -> None:
        super().__init__()
        self.width = width
        self.scale = scale
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 4, 7, stride=2, padding=3),
            nn.ReLU(),
            Residual(width // 4, width // 2),
            nn.MaxPool2d(2),
            Residual(width // 2, width // 2),
            Residual(width // 2, width),
        )
        self.compress = nn.Conv2d(2 * width, 2 * width, 1)
        self.hourglass = Hourglass(2 * width, depth)
        self.head = nn.Sequential(
            Residual(width, width), nn.Conv2d(width, width, 1), nn.ReLU(), nn.Conv2d(width, keypoints, 1)
        )

    def forward(self, image: Tensor, hidden: Tensor | None) -> LandmarkOutput:
        """Find landmarks.

        Args:
            image: (N, 3, R, R) float, channel means subtracted; R is 128 times `scale`.
            hidden: (N, F, 32, 32) float from the previous step; None at the first.

        Returns:
            Heatmaps of side R / 4.
        """
        if self.scale > 1:
            image = nn.functional.avg_pool2d(image, self.scale)
        features = self.stem(image)
        # The first step has no memory and is given its own feature twice.
        memory = features if hidden is None else hidden
        mixed = self.hourglass(self.compress(torch.cat([features, memory], dim=1)))
        current, following = mixed.split(self.width, dim=1)
        if self.scale == 1:
            return LandmarkOutput(self.head(current), following)
        residual, *rest = self.head
        enlarged = nn.functional.interpolate(residual(current), scale_factor=self.scale, mode="bilinear")
        return LandmarkOutput(nn.Sequential(*rest)(enlarged), following)


def no_landmarks(image: Tensor, keypoints: int) -> LandmarkOutput:
    """What a network without a landmark branch finds: empty heatmaps, and a memory of no channels.

    Args:
        image: (N, 3, R, R) float.
        keypoints: K, number of heatmaps, of side R / 4.
    """
    faces, side = image.shape[0], image.shape[-1] // HEATMAP_STRIDE  # len() would fix the faces of an exported graph
    return LandmarkOutput(image.new_zeros(faces, keypoints, side, side), image.new_zeros(faces, 0, side, side))
