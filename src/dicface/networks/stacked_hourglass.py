"""The stacked hourglass: landmarks of high-resolution faces, for evaluation and for preparing data."""

from dataclasses import dataclass

from torch import Tensor, nn

from dicface.errors import ConfigError
from dicface.landmarks import KEYPOINTS
from dicface.networks.blocks import Residual
from dicface.networks.landmark_branch import Hourglass

USUAL_SPREAD = 0.25
LEAST_SPREAD = 1e-3


@dataclass(frozen=True)
class StackedHourglassConfig:
    """Sizes of a stacked hourglass; the defaults are the authors'.

    Attributes:
        width: F, channels of the features.
        stacks: S, number of hourglasses.
        keypoints: K, number of landmarks.
        standardise: normalise mean and standard deviation of every face first, for dark and pale photos.
    """

    width: int = 256
    stacks: int = 4
    keypoints: int = KEYPOINTS
    standardise: bool = False

    def __post_init__(self) -> None:
        if self.width < 4 or self.stacks < 1 or self.keypoints < 1:
            raise ConfigError(f"expected hourglass.width from 4 up, stacks and keypoints from 1 up, got {self}")


class _Stack(nn.Module):
    """One hourglass with its own heatmaps."""

    def __init__(self, width: int, keypoints: int) -> None:
        super().__init__()
        self.hourglass = Hourglass(width, depth=4, normalised=True)
        self.residual = Residual(width, width, normalised=True)
        self.mix = nn.Sequential(nn.Conv2d(width, width, 1), nn.BatchNorm2d(width), nn.ReLU())
        self.head = nn.Conv2d(width, keypoints, 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        mixed = self.mix(self.residual(self.hourglass(features)))
        return mixed, self.head(mixed)


class _Feedback(nn.Module):
    """Input of the next stack: the sum of a stack's input, features and heatmaps."""

    def __init__(self, width: int, keypoints: int) -> None:
        super().__init__()
        self.from_features = nn.Conv2d(width, width, 1)
        self.from_heatmaps = nn.Conv2d(keypoints, width, 1)

    def forward(self, features: Tensor, mixed: Tensor, heatmaps: Tensor) -> Tensor:
        return features + self.from_features(mixed) + self.from_heatmaps(heatmaps)


def _standardised(image: Tensor) -> Tensor:
    """Normalise a face over all pixels and channels to zero mean and the standard deviation of ordinary photos."""
    spread = image.std(dim=(1, 2, 3), keepdim=True)
    return (image - image.mean(dim=(1, 2, 3), keepdim=True)) / (spread + LEAST_SPREAD) * USUAL_SPREAD


class StackedHourglass(nn.Module):
    """Image to landmark heatmaps, refined from stack to stack.

    Source: Newell et al., "Stacked Hourglass Networks for Human Pose Estimation", ECCV 2016, in the form and with the
    sizes of the released code.
    """

    def __init__(self, config: StackedHourglassConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.stem = nn.Sequential(
            nn.Conv2d(3, width // 4, 7, stride=2, padding=3),
            nn.BatchNorm2d(width // 4),
            nn.ReLU(),
            Residual(width // 4, width // 2, normalised=True),
            nn.MaxPool2d(2),
            Residual(width // 2, width // 2, normalised=True),
            Residual(width // 2, width, normalised=True),
        )
        self.stacks = nn.ModuleList(_Stack(width, config.keypoints) for _ in range(config.stacks))
        self.feedbacks = nn.ModuleList(_Feedback(width, config.keypoints) for _ in range(config.stacks - 1))

    def forward(self, image: Tensor) -> list[Tensor]:
        """Find landmarks.

        Args:
            image: (N, 3, 128, 128) float, channel means subtracted.

        Returns:
            Heatmaps of every stack, (N, K, 32, 32) float each; the last ones count.
        """
        features = self.stem(_standardised(image) if self.config.standardise else image)
        answers: list[Tensor] = []
        for number, stack in enumerate(self.stacks):
            mixed, heatmaps = stack(features)
            answers.append(heatmaps)
            if number < len(self.feedbacks):
                features = self.feedbacks[number](features, mixed, heatmaps)
        return answers
