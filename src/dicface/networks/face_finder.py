"""The face finder: says quickly where in a photo a detector should look."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dicface.errors import ConfigError
from dicface.networks.blocks import channel_means

STRIDE = 4
"""Pixels of the photo from one cell of the answer to the next."""
USUAL_FACE_PX = 20.0
"""The face that the answer 0 for the size stands for."""


@dataclass(frozen=True)
class FinderConfig:
    """Sizes of a face finder.

    Attributes:
        width: channels at half resolution; twice as many at a quarter and four times as many at an eighth.
        depth: residual blocks at an eighth.
    """

    width: int = 16
    depth: int = 2

    def __post_init__(self) -> None:
        if self.width < 1 or self.depth < 1:
            raise ConfigError(f"expected finder.width and finder.depth from 1 up, got {self}")


class FinderOutput(NamedTuple):
    """What the finder says of every cell.

    Attributes:
        logits: (N, H/4, W/4) float, positive where a face's centre probably is.
        sizes: (N, H/4, W/4) float, the side of that face's landmarks' box as log2(side / 20 px).
    """

    logits: Tensor
    sizes: Tensor


def _unit(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


class _Block(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _unit(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        return nn.functional.relu(features + self.second(self.first(features)))


class Finder(nn.Module):
    """Finds faces of 14 to 32 px in photos of any size; larger ones are found in reduced photos.

    A few convolutions down to an eighth of the resolution, whose answer is spread over a quarter. A face has one peak,
    as in Zhou et al., "Objects as Points", 2019.
    """

    means: Tensor

    def __init__(self, config: FinderConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        self.stem = nn.Sequential(_unit(3, width, 5, 2), _unit(width, 2 * width, 3, 2))
        self.down = _unit(2 * width, 4 * width, 3, 2)
        self.blocks = nn.Sequential(*(_Block(4 * width) for _ in range(config.depth)))
        self.up = nn.Sequential(nn.Conv2d(4 * width, 8 * width, 1), nn.PixelShuffle(2))
        self.head = nn.Sequential(_unit(2 * width, 2 * width), nn.Conv2d(2 * width, 2, 1))
        self.register_buffer("means", channel_means(), persistent=False)

    def forward(self, image: Tensor) -> FinderOutput:
        """Look for faces.

        Args:
            image: (N, 3, H, W) float RGB in [0, 1]; H and W divisible by 8.
        """
        fine = self.stem(image - self.means)
        features = self.blocks(self.down(fine))
        logits, sizes = self.head(fine + self.up(features)).unbind(dim=1)
        return FinderOutput(logits, sizes)


def probable(output: FinderOutput) -> tuple[Tensor, Tensor]:
    """Probabilities of a face's centre, all but the highest of each 3x3 cells zero, and sides in pixels.

    Args:
        output: for N images.

    Returns:
        Two of (N, H/4, W/4) float.
    """
    chances = output.logits.sigmoid()
    highest = nn.functional.max_pool2d(chances[:, None], 3, 1, 1)[:, 0]
    return torch.where(chances == highest, chances, 0.0), USUAL_FACE_PX * torch.exp2(output.sizes)
