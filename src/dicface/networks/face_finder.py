"""The face finder: boxes, scores and five landmarks of the faces in a photo."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dicface.errors import ConfigError
from dicface.networks.blocks import channel_means

STRIDE = 4
"""Pixels of the photo from one cell of the output to the next."""
MULTIPLE = 32
"""Height and width of the network's input are multiples of that."""
USUAL_FACE_PX = 20.0
"""Width and height that the output 0 stands for."""
POINTS = 5
"""Landmarks of a face: middle of the right and the left eye, tip of the nose, right and left corner of the mouth, where
right is the person's right."""


@dataclass(frozen=True)
class FinderConfig:
    """Sizes of a face finder.

    Attributes:
        width: channels at half resolution. Each further level has more: 2, 4, 6 and 8 times as many at a quarter, an
            eighth, a sixteenth and a thirty-second.
        depth: residual blocks at a sixteenth of the resolution.
    """

    width: int = 16
    depth: int = 2

    def __post_init__(self) -> None:
        if self.width < 1 or self.depth < 1:
            raise ConfigError(f"expected finder.width and finder.depth from 1 up, got {self}")


class FinderOutput(NamedTuple):
    """Raw output of the finder, one value for every 4x4 pixels of the image.

    Attributes:
        logits: (N, H/4, W/4) float, positive where the centre of a face probably is.
        boxes: (N, 4, H/4, W/4) float. x and y of the box's centre relative to the cell's centre, in cells; width and
            height as log2 of their ratio to 20 px.
        points: (N, 10, H/4, W/4) float. x, y of five landmarks relative to the box's centre, in sides of the box: x in
            widths, y in heights.
    """

    logits: Tensor
    boxes: Tensor
    points: Tensor


class Peaks(NamedTuple):
    """The finder's output in units of the image.

    Attributes:
        scores: (N, H/4, W/4) float in [0, 1]; 0 in cells that are not the highest of their 3x3 neighbourhood.
        boxes: (N, 4, H/4, W/4) float: left, top, right, bottom in pixels of the image, edges.
        points: (N, 10, H/4, W/4) float: x, y of five landmarks in pixels of the image, edges.
    """

    scores: Tensor
    boxes: Tensor
    points: Tensor


def _unit(inputs: int, outputs: int, kernel: int = 3, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )


class _Block(nn.Module):
    """A residual block of two convolutions."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = _unit(width, width)
        self.second = nn.Sequential(nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width))

    def forward(self, features: Tensor) -> Tensor:
        return nn.functional.relu(features + self.second(self.first(features)))


class _Merge(nn.Module):
    """Adds the features of a coarser level to those of a finer one, which has twice its resolution."""

    def __init__(self, coarse: int, fine: int) -> None:
        super().__init__()
        self.project = nn.Conv2d(coarse, fine, 1)

    def forward(self, fine: Tensor, coarse: Tensor) -> Tensor:
        return fine + nn.functional.interpolate(self.project(coarse), scale_factor=2.0, mode="nearest")


class Finder(nn.Module):
    """Finds faces of 11 to 34 px in photos of any size; larger ones are found in reduced photos.

    Five levels of features, the coarsest of which sees a face's surroundings, are merged at a quarter of the
    resolution. Each face has one peak there.

    Source: centres instead of anchors as in Zhou et al., "Objects as Points", 2019; merging as in Lin et al., "Feature
    Pyramid Networks for Object Detection", 2017; ADR 32.
    """

    means: Tensor

    def __init__(self, config: FinderConfig) -> None:
        super().__init__()
        self.config = config
        half, quarter, eighth, sixteenth, coarsest = (k * config.width for k in (1, 2, 4, 6, 8))
        self.stem = nn.Sequential(_unit(3, half, 5, 2), _unit(half, quarter, 3, 2))
        self.eighth = nn.Sequential(_unit(quarter, eighth, 3, 2), _Block(eighth))
        self.sixteenth = nn.Sequential(
            _unit(eighth, sixteenth, 3, 2), *(_Block(sixteenth) for _ in range(config.depth))
        )
        self.coarsest = nn.Sequential(_unit(sixteenth, coarsest, 3, 2), _Block(coarsest))
        self.merge_sixteenth = _Merge(coarsest, sixteenth)
        self.merge_eighth = _Merge(sixteenth, eighth)
        self.smooth_eighth = _unit(eighth, eighth)
        self.merge_quarter = _Merge(eighth, quarter)
        self.smooth_quarter = _unit(quarter, quarter)
        self.head = nn.Conv2d(quarter, 1 + 4 + 2 * POINTS, 1)
        self.register_buffer("means", channel_means(), persistent=False)

    def forward(self, image: Tensor) -> FinderOutput:
        """Look for faces.

        Args:
            image: (N, 3, H, W) float RGB in [0, 1]; H and W divisible by 32.
        """
        quarter = self.stem(image - self.means)
        eighth = self.eighth(quarter)
        sixteenth = self.sixteenth(eighth)
        sixteenth = self.merge_sixteenth(sixteenth, self.coarsest(sixteenth))
        eighth = self.smooth_eighth(self.merge_eighth(eighth, sixteenth))
        quarter = self.smooth_quarter(self.merge_quarter(quarter, eighth))
        logits, boxes, points = self.head(quarter).split([1, 4, 2 * POINTS], dim=1)
        return FinderOutput(logits[:, 0], boxes, points)


def cell_centres(cells: int, like: Tensor) -> Tensor:
    """Centres of a row of cells.

    Args:
        cells: how many.
        like: a tensor whose device and type the result gets.

    Returns:
        (cells,) float, in pixels of the image, edges.
    """
    return (torch.arange(cells, device=like.device, dtype=like.dtype) + 0.5) * STRIDE


def decode_peaks(output: FinderOutput) -> Peaks:
    """Scores, boxes and landmarks in units of the image.

    Args:
        output: for N images.
    """
    scores = output.logits.sigmoid()
    highest = nn.functional.max_pool2d(scores[:, None], 3, 1, 1)[:, 0]
    peaks = torch.where(scores == highest, scores, 0.0)
    across, down, widths, heights = output.boxes.unbind(dim=1)
    x = cell_centres(across.shape[2], across) + across * STRIDE
    y = cell_centres(across.shape[1], across)[:, None] + down * STRIDE
    # The bounds keep an untrained network's output finite.
    width, height = (USUAL_FACE_PX * torch.exp2(side.clamp(-4, 4)) for side in (widths, heights))
    boxes = torch.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], dim=1)
    centre, sides = torch.stack([x, y], dim=1), torch.stack([width, height], dim=1)
    points = centre.repeat(1, POINTS, 1, 1) + output.points * sides.repeat(1, POINTS, 1, 1)
    return Peaks(peaks, boxes, points)
